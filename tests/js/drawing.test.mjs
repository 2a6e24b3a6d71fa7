import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { draw, linear } = await importBundle("vae_teach/widgets/parts/drawing.js");

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
