import assert from "node:assert/strict";
import { test } from "node:test";
import { importBundle } from "./load.mjs";

const { after, extent, interval, playFrom, position } = await importBundle(
  "vae_teach/widgets/frame_scrubber.js",
);

test("frames lie one after another in the bytes", () => {
  const sizes = [5, 3, 7];
  assert.deepEqual([0, 1, 2].map((i) => extent(sizes, i)), [[0, 5], [5, 8], [8, 15]]);
});

test("playing goes on to the last frame and stops there", () => {
  assert.equal(after(0, 3), 1);
  assert.equal(after(2, 3), null);
});

test("play starts here, or from the beginning at the end", () => {
  assert.equal(playFrom(1, 3), 1);
  assert.equal(playFrom(2, 3), 0);
});

test("the position counts from one", () => {
  assert.equal(position(["step 1", "step 8"], 1), "step 8, 2 of 2");
});

test("a long film is over in twelve seconds, a short one is slow enough to see", () => {
  assert.equal(100 * interval(100), 12_000);
  assert.equal(interval(5), 350);
});
