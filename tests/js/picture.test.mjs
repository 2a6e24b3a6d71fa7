import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { describeColour, describeInk, describePicture, toRgba } = await importBundle(
  "vae_teach/widgets/parts/picture.js",
);

describe("picture", () => {
  const rgba = (...args) => [...toRgba(...args)];
  test("white ink: 0 is black, 1 is white, values outside are clamped", () => {
    const pixels = [0, 1, 0.5, -0.2, 1.3];
    const bytes = rgba(pixels, 1, "white", new Uint8ClampedArray(20));
    assert.deepEqual(
      bytes.filter((_, i) => i % 4 === 0),
      [0, 255, 128, 0, 255],
    );
    assert.deepEqual(bytes.slice(4, 8), [255, 255, 255, 255]);
  });
  test("black ink turns it round", () => {
    const bytes = rgba([0, 1], 1, "black", new Uint8ClampedArray(8));
    assert.deepEqual(bytes, [255, 255, 255, 255, 0, 0, 0, 255]);
  });
  test("three channels lie one after another in the decoder's answer", () => {
    const bytes = rgba([1, 0, 0, 1, 0, 0], 3, "white", new Uint8ClampedArray(8));
    assert.deepEqual(bytes, [255, 0, 0, 255, 0, 255, 0, 255]);
  });
});

describe("in words", () => {
  test("describes how much ink there is, where, and how undecided it is", () => {
    const corner = new Float32Array(100);
    corner[0] = corner[1] = corner[10] = 1; // top left of 10 x 10
    corner[11] = 0.5;
    assert.equal(
      describeInk(corner, [1, 10, 10]),
      "Ink covers 4\u00a0% of the picture, centred towards the top left; " +
        "1\u00a0% of the pixels are neither dark nor light.",
    );
  });
  test("tells bottom from top, right from left, and the middle from both", () => {
    const at = (row, column) => {
      const pixels = new Float32Array(25);
      pixels[5 * row + column] = 1;
      return describeInk(pixels, [1, 5, 5]).match(/centred (.*);/)[1];
    };
    assert.equal(at(2, 2), "in the middle");
    assert.equal(at(4, 2), "towards the bottom");
    assert.equal(at(2, 4), "towards the right");
    assert.equal(at(0, 4), "towards the top right");
  });
  test("every colour channel counts, each in its own place", () => {
    const pixels = new Float32Array(48); // 3 channels of 4 x 4
    pixels[16 + 15] = 1; // bottom right of the second
    assert.match(describeInk(pixels, [3, 4, 4]), /^Ink covers 2\u00a0% .* bottom right;/);
  });
  test("an empty picture is blank, whatever lies below 0", () => {
    assert.equal(describeInk(new Float32Array(100), [1, 10, 10]), "The picture is blank.");
    const below = new Float32Array(100).fill(-0.5);
    assert.equal(describeInk(below, [1, 10, 10]), "The picture is blank.");
  });
  test("a coloured picture is described by its average colour", () => {
    const pixels = Float32Array.from([1, 0, 0.5, 0.5, 0, 0.2]); // two pixels, channel by channel
    const said = describeColour(pixels, [3, 1, 2]);
    assert.equal(
      said,
      "The picture's average colour: red 50\u00a0%, green 50\u00a0%, blue 10\u00a0%.",
    );
  });
  test("what lies outside 0 and 1 counts as the end it is beyond, in each channel", () => {
    const said = describeColour(Float32Array.from([1.5, 1.5, -0.5, -0.5, 0.5, 0.5]), [3, 1, 2]);
    assert.match(said, /red 100\u00a0%, green 0\u00a0%, blue 50\u00a0%/);
  });
  test("three channels are told by colour, one by ink", () => {
    assert.match(describePicture(new Float32Array(3).fill(0.5), [3, 1, 1]), /average colour/);
    assert.match(describePicture(new Float32Array(1).fill(1), [1, 1, 1]), /^Ink/);
  });
});
