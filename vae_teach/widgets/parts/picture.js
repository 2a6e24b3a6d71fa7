// @ts-check
/* A decoded picture: its bytes on a canvas, and what it shows in words. */

import { contextOf, make } from "./elements.js";
import { clamp } from "./scales.js";

// --- pure maths: no DOM, imported by tests/js ---

/** Pixels in [0, 1], (channels, height, width), to RGBA bytes.
 * @param {ArrayLike<number>} pixels
 * @param {number} channels
 * @param {Ink} ink
 * @param {Uint8ClampedArray} rgba */
export function toRgba(pixels, channels, ink, rgba) {
  const area = rgba.length / 4;
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      const value = pixels[(channels === 3 ? c * area : 0) + i];
      rgba[4 * i + c] = 255 * (ink === "black" ? 1 - value : value); // clamped and rounded
    }
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}

/** @param {number} value */
const shown = (value) => clamp(value, 0, 1); // a Gaussian's mean may lie outside

/** How much ink a picture holds, where it lies, and how much of it is undecided grey.
 * @param {Float32Array} pixels
 * @param {PictureShape} shape */
export function describeInk(pixels, [channels, height, width]) {
  let ink = 0;
  let across = 0;
  let down = 0;
  let grey = 0;
  pixels.forEach((pixel, i) => {
    const value = shown(pixel);
    ink += value;
    across += value * (2 * ((i % width) + 0.5) - width);
    down += value * (2 * ((Math.floor(i / width) % height) + 0.5) - height);
    if (value > 0.2 && value < 0.8) grey += 1;
  });
  const total = channels * height * width;
  if (ink < 0.005 * total) return "The picture is blank.";
  const x = across / (ink * width); // -1 is the left edge, 1 the right one
  const y = down / (ink * height);
  /**
   * @param {number} at
   * @param {string} before
   * @param {string} after
   */
  const side = (at, before, after) => (at < -0.1 ? before : at > 0.1 ? after : "");
  const sides = [side(y, "top", "bottom"), side(x, "left", "right")].filter(Boolean).join(" ");
  /** @param {number} share */
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  return (
    `Ink covers ${percent(ink / total)} of the picture, centred ` +
    `${sides ? `towards the ${sides}` : "in the middle"}; ` +
    `${percent(grey / total)} of the pixels are neither dark nor light.`
  );
}

/** The average colour of a picture with three channels.
 * @param {Float32Array} pixels
 * @param {PictureShape} shape */
export function describeColour(pixels, [, height, width]) {
  const area = height * width;
  const shares = ["red", "green", "blue"].map((name, c) => {
    const clamped = pixels.subarray(c * area, (c + 1) * area).map(shown);
    const sum = clamped.reduce((total, value) => total + value, 0);
    return `${name} ${Math.round((100 * sum) / area)}\u00a0%`;
  });
  return `The picture's average colour: ${shares.join(", ")}.`;
}

/** What a picture shows: ink has no meaning where there are three channels.
 * @param {Float32Array} pixels
 * @param {PictureShape} shape */
export function describePicture(pixels, shape) {
  return shape[0] === 3 ? describeColour(pixels, shape) : describeInk(pixels, shape);
}

// --- view ---

/** The decoded picture: as many canvas pixels as the image has, enlarged by the style sheet.
 * @param {PictureShape} shape
 * @param {Ink} ink */
export function makePicture([channels, height, width], ink) {
  const canvas = make("canvas", { className: "picture", width, height, role: "img" });
  canvas.ariaLabel = "Decoded picture";
  canvas.style.aspectRatio = `${width} / ${height}`;
  const context = contextOf(canvas);
  const image = context.createImageData(width, height);
  /** @param {ArrayLike<number>} pixels */
  const paint = (pixels) => {
    toRgba(pixels, channels, ink, image.data);
    context.putImageData(image, 0, 0);
  };
  return { canvas, paint };
}
