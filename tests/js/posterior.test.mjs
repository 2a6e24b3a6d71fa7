import assert from "node:assert/strict";
import { test } from "node:test";
import { importBundle } from "./load.mjs";

const { describePosterior, distanceTo, drawFrom, posteriorOf } = await importBundle(
  "vae_teach/widgets/parts/posterior.js",
);
const numbers = Float32Array.from([9, 9, 9, 9, 1, -2, 0.5, 0.25]); // two pictures, two dimensions

test("a picture's mean and deviation come out of their places", () => {
  const { mean, sd, spread } = posteriorOf(numbers, 1, 2);
  assert.deepEqual([mean, sd, spread], [[1, -2], [0.5, 0.25], true]);
});

test("the distance counts in standard deviations of each dimension", () => {
  const posterior = posteriorOf(numbers, 1, 2);
  assert.equal(distanceTo([1, -2], posterior), 0);
  assert.equal(distanceTo([2.5, -1], posterior), 5); // 3 and 4 deviations away
});

test("without a spread the distance is the plain one", () => {
  const code = { mean: [1, 1], sd: [0, 0], spread: false };
  assert.equal(distanceTo([4, 5], code), 5);
  const said = describePosterior("Test picture 1", [4, 5], [0, 1], code);
  assert.equal(said, "Test picture 1: its code has z[0] and z[1] at 1.00 and 1.00; z is 5.0 away.");
});

test("a draw is the mean plus noise in deviations", () => {
  assert.deepEqual(
    drawFrom(posteriorOf(numbers, 1, 2), () => 2),
    [2, -1.5],
  );
});

test("one dimension is named once", () => {
  const posterior = { mean: [1], sd: [0.5], spread: true };
  const said = describePosterior("Test picture 2", [2], [0, 0], posterior);
  assert.equal(
    said,
    "Test picture 2: its posterior has z[0] at 1.00, σ 0.50; z is 2.0 σ from its mean.",
  );
});
