// @ts-check
/* What is drawn on the pad once: grid, prior, dots of codes, names of classes. */

import { contextOf, format } from "./elements.js";

export const MARGIN = { left: 40, right: 10, top: 10, bottom: 38 }; // around the plot, CSS pixels
const FULL_TURN = 2 * Math.PI;

/** Size a square canvas for a sharp picture on any screen; its unit is the CSS pixel.
 * @param {HTMLCanvasElement} canvas
 * @param {number} size */
export function openCanvas(canvas, size) {
  canvas.width = canvas.height = Math.round(size * (window.devicePixelRatio || 1));
  const context = contextOf(canvas);
  context.scale(canvas.width / size, canvas.height / size);
  return context;
}

/** Grid, ticks and axis names.
 * @param {CanvasRenderingContext2D} context
 * @param {Plot} plot
 * @param {number} size
 * @param {Pair} axes
 * @param {PadInk} ink */
export function drawFrame(context, { x, y }, size, [across, up], { text }) {
  const [right, bottom] = [size - MARGIN.right, size - MARGIN.bottom];
  /** @param {number} value */
  const tickText = (value) => format(value, Number.isInteger(value) ? 0 : 1);
  context.fillStyle = text;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of x.ticks) {
    fillFaintly(context, tick, x.toPixel(tick) - 0.5, MARGIN.top, 1, bottom - MARGIN.top);
    context.fillText(tickText(tick), x.toPixel(tick), bottom + 5);
  }
  context.fillText(`z[${across}]`, (MARGIN.left + right) / 2, bottom + 22);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of y.ticks) {
    fillFaintly(context, tick, MARGIN.left, y.toPixel(tick) - 0.5, right - MARGIN.left, 1);
    context.fillText(tickText(tick), MARGIN.left - 5, y.toPixel(tick));
  }
  context.save();
  context.translate(10, (MARGIN.top + bottom) / 2);
  context.rotate(-FULL_TURN / 4);
  context.textAlign = "center";
  context.fillText(`z[${up}]`, 0, 0);
  context.restore();
}

/** A grid line; the one through 0 stands out.
 * @param {CanvasRenderingContext2D} context
 * @param {number} tick
 * @param {[left: number, top: number, width: number, height: number]} rectangle */
function fillFaintly(context, tick, ...rectangle) {
  context.globalAlpha = tick === 0 ? 0.35 : 0.1;
  context.fillRect(...rectangle);
  context.globalAlpha = 1;
}

/** Dashed circles 1, 2 and 3 standard deviations from the prior's mean.
 * @param {CanvasRenderingContext2D} context
 * @param {Plot} plot
 * @param {PadInk} ink */
export function drawPrior(context, { x, y }, { text }) {
  context.strokeStyle = text;
  context.globalAlpha = 0.45;
  context.setLineDash([3, 4]);
  for (const radius of [1, 2, 3]) {
    context.beginPath();
    const [wide, high] = [radius * x.perUnit, -radius * y.perUnit];
    context.ellipse(x.toPixel(0), y.toPixel(0), wide, high, 0, 0, FULL_TURN);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** One dot per code; the classes that are not chosen step back.
 * @param {CanvasRenderingContext2D} context
 * @param {Plot} plot
 * @param {{ latentDim: number, codes: Float32Array, labels: Uint8Array, axes: Pair, chosen: number | null }} data
 * @param {PadInk} ink */
export function drawCodes(context, { x, y }, { latentDim, codes, labels, axes, chosen }, ink) {
  for (let i = 0; i * latentDim < codes.length; i++) {
    const label = labels[i];
    context.fillStyle = ink.classes.get(label) ?? ink.text;
    context.globalAlpha = chosen === null ? 0.8 : label === chosen ? 1 : 0.1;
    const at = axes.map((d) => codes[i * latentDim + d]);
    context.beginPath();
    context.arc(x.toPixel(at[0]), y.toPixel(at[1]), 2, 0, FULL_TURN);
    context.fill();
  }
  context.globalAlpha = 1;
}

const APART = 18; // pixels between two names, one above the other or of one character each
const A_CHARACTER = 9; // pixels of width, in the bold letters of drawClassNames
const NEARBY = [20, 38].flatMap((radius) =>
  Array.from({ length: 8 }, (_, k) => [
    radius * Math.cos((k * FULL_TURN) / 8),
    radius * Math.sin((k * FULL_TURN) / 8),
  ]),
);

/** Where each class's name stands, in pixels: at its centre, or beside it where another name is.
 * None at all where two thirds of the classes would have to move: they lie on one another.
 * @param {ClassCentre[]} centres
 * @param {string[]} names by class
 * @param {Plot} plot
 * @param {number} size */
export function placeNames(centres, names, { x, y }, size) {
  /** @type {PlacedName[]} */
  const placed = [];
  /** @param {number} label */
  const widthOf = (label) => Math.max(APART, A_CHARACTER * names[label].length);
  /** @param {Pair} point
   * @param {number} width */
  const free = ([left, top], width) =>
    left > MARGIN.left + (width - APART) / 2 &&
    left < size - MARGIN.right - (width - APART) / 2 &&
    top > MARGIN.top &&
    top < size - MARGIN.bottom &&
    placed.every((other) => {
      const widths = (width + widthOf(other.label)) / 2;
      return Math.hypot(((other.left - left) * APART) / widths, other.top - top) > APART;
    });
  for (const { label, across, up } of centres) {
    /** @type {Pair} */
    const from = [x.toPixel(across), y.toPixel(up)];
    /** @type {Pair[]} */
    const places = [[0, 0], ...NEARBY].map(([dx, dy]) => [from[0] + dx, from[1] + dy]);
    const at = places.find((place) => free(place, widthOf(label)));
    if (at) placed.push({ label, left: at[0], top: at[1], from, moved: at !== places[0] });
  }
  const still = placed.filter((name) => !name.moved).length;
  return 3 * still < centres.length ? [] : placed;
}

/** Each class's name; a line leads to its centre from a name that had to move.
 * @param {CanvasRenderingContext2D} context
 * @param {PlacedName[]} placed
 * @param {string[]} names
 * @param {PadInk} ink */
export function drawClassNames(context, placed, names, { text, paper }) {
  context.strokeStyle = text;
  context.lineWidth = 1;
  for (const { left, top, from } of placed.filter((name) => name.moved)) {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(left, top);
    context.stroke();
  }
  context.font = context.font.replace("12px", "bold 15px");
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeStyle = paper;
  context.fillStyle = text;
  for (const { label, left, top } of placed) {
    context.strokeText(names[label], left, top);
    context.fillText(names[label], left, top);
  }
}
