import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle } from "./load.mjs";

const { makeAxis, niceStep, sliderScale } = await importBundle("vae_teach/widgets/parts/scales.js");

describe("scales and axes", () => {
  test("steps are 1, 2 or 5 times a power of ten", () => {
    const steps = [0.00625, 0.05, 0.051, 0.3, 1, 3, 70].map(niceStep);
    assert.deepEqual(steps, [0.01, 0.05, 0.1, 0.5, 1, 5, 100]);
  });
  test("a slider's ends hold the range and reach 0 in whole steps", () => {
    for (const [low, high] of [
      [-4, 4],
      [-0.93, 0.88],
      [-31.7, 4.2],
      [0, 0.001],
    ]) {
      const { min, max, step } = sliderScale(low, high);
      assert.ok(min <= low && high <= max, `${min} ${max} do not hold ${low} ${high}`);
      assert.ok(max - min <= high - low + 2 * step, "the ends lie too far out");
      assertClose(Math.round(min / step) * step + 1, min + 1, 1e-9);
    }
  });
  test("pixels and values are each other's inverse, to the last digit shown", () => {
    const axis = makeAxis(sliderScale(-4, 4), 40, 340);
    for (const value of [-4, -1.23, 0, 2.5, 4]) {
      assert.equal(axis.toValue(axis.toPixel(value)), value);
    }
    assert.equal(axis.toPixel(-4), 40);
    assert.equal(axis.toPixel(4), 340);
  });
  test("upward is upward: the pixel of a larger value lies higher", () => {
    const axis = makeAxis(sliderScale(-4, 4), 340, 10);
    assert.ok(axis.toPixel(1) < axis.toPixel(0));
    assert.equal(axis.toValue(10), 4);
  });
  test("outside the pad both are clamped", () => {
    const axis = makeAxis(sliderScale(-4, 4), 40, 340);
    assert.equal(axis.toValue(-500), -4);
    assert.equal(axis.toPixel(99), 340);
  });
  test("ticks are round numbers inside the range, 0 among them", () => {
    const ticks = (low, high) => makeAxis(sliderScale(low, high), 0, 1).ticks;
    assert.deepEqual(ticks(-4, 4), [-4, -2, 0, 2, 4]);
    assert.deepEqual(ticks(-3, 3), [-3, -2, -1, 0, 1, 2, 3]);
    assert.deepEqual(ticks(-0.5, 1), [-0.5, 0, 0.5, 1]);
  });
});
