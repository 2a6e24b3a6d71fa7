import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { placeNames } = await importBundle("vae_teach/widgets/parts/pad_drawing.js");
const { dotAt } = await importBundle("vae_teach/widgets/parts/pad_tip.js");

const plot = { x: { toPixel: (v) => 100 + 10 * v }, y: { toPixel: (v) => 100 - 10 * v } };
const digits = [..."0123456789"];
const centre = (label, across, up) => ({ label, across, up });

describe("the classes' names", () => {
  test("stand at their centres where there is room", () => {
    const [one, two] = placeNames([centre(0, 0, 0), centre(1, 5, 0)], digits, plot, 300);
    assert.deepEqual([one.left, one.top, one.moved], [100, 100, false]);
    assert.deepEqual([two.left, two.top], [150, 100]);
  });
  test("none is dropped where some are near one another, and none covers another", () => {
    const centres = [
      [0, 0],
      [0.5, 0],
      [0, 0.6],
      [6, 0],
      [6.2, 0.1],
      [0, 7],
      [12, 3],
    ];
    const placed = placeNames(
      centres.map(([a, u], i) => centre(i, a, u)),
      digits,
      plot,
      300,
    );
    assert.equal(placed.length, 7);
    placed.forEach((one, i) => {
      placed.slice(0, i).forEach((other) => {
        assert.ok(Math.hypot(one.left - other.left, one.top - other.top) > 18);
      });
    });
  });
  test("of several letters do not run into one another", () => {
    const centres = [centre(0, -0.5, 0), centre(1, 0, -2), centre(2, 0.5, 0)];
    const placed = placeNames(centres, ["disc", "square", "triangle"], plot, 300);
    const [disc, , triangle] = placed;
    assert.equal(placed.length, 3);
    // half of four and half of eight bold letters lie between the middles, or a line's height
    const beside = Math.abs(disc.left - triangle.left) > 50;
    assert.ok(beside || Math.abs(disc.top - triangle.top) >= 18, JSON.stringify(placed));
  });
  test("are left out where the classes lie on one another", () => {
    const heap = Array.from({ length: 10 }, (_, i) => centre(i, i / 100, 0));
    assert.deepEqual(placeNames(heap, digits, plot, 300), []);
  });
});

test("the dot under the pointer is the nearest on the plane shown, within eight pixels", () => {
  const codes = [0, 9, 0, 1, 9, 0]; // two codes of three dimensions
  const at = (axes, x, y) => dotAt(codes, 3, axes, plot, [x, y]);
  assert.equal(at([0, 2], 101, 99), 0);
  assert.equal(at([0, 2], 108, 101), 1);
  assert.equal(at([0, 2], 140, 100), -1);
  assert.equal(at([0, 1], 101, 99), -1); // on this plane both are far up
});
