import assert from "node:assert/strict";
import { test } from "node:test";
import { importBundle } from "./load.mjs";

const { after, cut, extent, interval, playFrom, position, withOwnIds } = await importBundle(
  "vae_teach/widgets/frame_scrubber.js",
);

test("frames lie one after another in the bytes", () => {
  const sizes = [5, 3, 7];
  assert.deepEqual(
    [0, 1, 2].map((i) => extent(sizes, i)),
    [
      [0, 5],
      [5, 8],
      [8, 15],
    ],
  );
});

test("a frame is cut by bytes, not by letters, wherever the bytes begin", () => {
  const texts = ["<svg>−1 σ</svg>", "<svg>2</svg>", "<svg>√3</svg>"];
  const parts = texts.map((text) => new TextEncoder().encode(text));
  const whole = Uint8Array.from([9, 9, 9, ...parts.flatMap((part) => [...part])]);
  const bytes = new DataView(whole.buffer, 3); // as a host hands a trait over
  const sizes = parts.map((part) => part.length);
  const read = (i) => new TextDecoder().decode(cut(bytes, sizes, i));
  assert.deepEqual([0, 1, 2].map(read), texts);
});

test("ids and what refers to them get the same prefix, words do not", () => {
  const svg = (p) =>
    `<svg><path id="${p}m1"/><use xlink:href="#${p}m1" clip-path="url(#${p}c)"/><text>width="#"</text>`;
  assert.equal(withOwnIds(svg(""), "a-"), svg("a-"));
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
