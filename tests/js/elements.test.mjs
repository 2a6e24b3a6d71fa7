import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { draw, format, linear } = await importBundle("vae_teach/widgets/elements.js");

describe("numbers", () => {
  test("have a true minus sign and no negative zero", () => {
    const printed = [-1.234, -0.001, 0, 12.5].map((value) => format(value));
    assert.deepEqual(printed, ["−1.23", "0.00", "0.00", "12.50"]);
    assert.equal(format(-1.5, 3), "−1.500");
  });
});

describe("drawings", () => {
  test("a shape is written with its attributes and its content", () => {
    const text = draw("text", { x: 3, class: "small" }, "z");
    assert.equal(text, '<text x="3" class="small">z</text>');
  });
  test("a scale takes both ends to both ends, upside down too", () => {
    const up = linear([-1, 3], 100, 20);
    assert.deepEqual([-1, 1, 3].map(up), [100, 60, 20]);
  });
});
