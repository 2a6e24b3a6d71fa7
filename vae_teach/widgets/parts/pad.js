// @ts-check
/* The pad: two dimensions of the code under a finger, the mouse or the arrow keys. */

import { replaced } from "./code_dials.js";
import { classCentres } from "./codes.js";
import { make } from "./elements.js";
import {
  drawClassNames,
  drawCodes,
  drawFrame,
  drawPrior,
  MARGIN,
  openCanvas,
  placeNames,
} from "./pad_drawing.js";
import { makeTip } from "./pad_tip.js";
import { makeEllipses } from "./posterior.js";
import { clamp, makeAxis } from "./scales.js";

/** @typedef {Record<string, Pair | undefined>} Ways */

/** @type {Ways} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {Ways} */
const LEAPS = { PageUp: [0, 10], PageDown: [0, -10], Home: [-Infinity, 0], End: [Infinity, 0] };

/** The pad. Its thousand points are drawn once; moving z moves one element over them.
 * `colours` gives the colour of each class that has one; `named`: whether classes have a place.
 * @param {PadData} data
 * @param {() => Map<number, string>} colours
 * @param {{ named?: boolean }} [options] */
export function makePad(data, colours, { named = true } = {}) {
  const { latentDim, labels, names, scales, prior } = data;
  const canvas = make("canvas", { ariaHidden: "true" });
  const ring = make("span", { className: "ring" });
  const cursor = make("span", { className: "cursor", ariaHidden: "true" }, ring);
  const tip = makeTip(data);
  const hint = make("p", { className: "hint" });
  // "application": screen readers hand the arrow keys over. The sliders do the same job natively.
  const ellipses = makeEllipses();
  const root = make("div", { className: "pad", tabIndex: 0, role: "application" }, canvas);
  root.append(...ellipses.elements, cursor, tip.root);
  /** @type {Plot | null} */
  let plot = null; // { x, y }: the axes as last drawn; null while the pad is not laid out
  let size = 0;
  /** @type {Pair} */
  let shownAxes = [0, 0];

  /**
   * @param {Pair} axes
   * @param {number | null} chosen
   */
  const drawAll = (axes, chosen) => {
    const { codes } = data; // another model's, once the reader asked for them
    size = root.clientWidth;
    shownAxes = axes;
    root.ariaLabel =
      `Pad: z[${axes[0]}] across, z[${axes[1]}] up. Arrow keys move the point, ` +
      "Home, End, Page Up and Page Down move it far.";
    plot = size ? padAxes(size, scales, axes) : null;
    if (!plot) return;
    const context = openCanvas(canvas, size);
    const style = getComputedStyle(root);
    const ink = { text: style.color, paper: style.backgroundColor, classes: colours() };
    context.font = `12px ${style.fontFamily}`;
    drawFrame(context, plot, size, axes, ink);
    if (prior) drawPrior(context, plot, ink);
    drawCodes(context, plot, { latentDim, codes, labels, axes, chosen }, ink);
    const centres = named ? classCentres(codes, labels, latentDim, axes) : [];
    const placed = placeNames(centres, names, plot, size);
    drawClassNames(context, placed, names, ink);
    const hidden = centres.length > 1 && !placed.length;
    hint.textContent =
      data.count + (hidden ? " The classes lie on one another in this plane." : "");
  };
  /**
   * @param {number[]} z
   * @param {Pair} axes
   */
  const moveTo = (z, axes) => {
    if (!plot) return;
    const [left, top] = [plot.x.toPixel(z[axes[0]]), plot.y.toPixel(z[axes[1]])];
    /** @param {number} pixels */
    const share = (pixels) => `${(100 * pixels) / size}%`; // of the pad, which paper may shrink
    cursor.style.left = share(left);
    cursor.style.top = share(top);
  };
  /**
   * @param {MouseEvent} pointer
   * @returns {Pair}
   */
  const pointAt = ({ clientX, clientY }) => {
    const box = canvas.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  };
  /** The two values under a pointer.
   * @param {MouseEvent} event
   * @returns {Pair} */
  const valuesAt = (event) => {
    const [left, top] = pointAt(event);
    if (!plot) throw new Error("the pad has no size yet, so no pointer can be on it");
    return [plot.x.toValue(left), plot.y.toValue(top)];
  };
  /**
   * @param {Posterior | null} posterior
   * @param {Pair} axes
   */
  const showPosterior = (posterior, axes) => ellipses.show(posterior, axes, plot, size);
  /** The label of the dot under a pointer; none for no event.
   * @param {MouseEvent | null} event */
  const showTip = (event) => tip.show(event && pointAt(event), data, shownAxes, plot, size);
  return { root, hint, drawAll, moveTo, valuesAt, showPosterior, showTip };
}

/**
 * @param {number} size
 * @param {Scale[]} scales
 * @param {Pair} axes
 * @returns {Plot}
 */
function padAxes(size, scales, [across, up]) {
  return {
    x: makeAxis(scales[across], MARGIN.left, size - MARGIN.right),
    y: makeAxis(scales[up], size - MARGIN.bottom, MARGIN.top),
  };
}

/** Pointer and keyboard on the pad: it writes the trait z.
 * @param {Pad} pad
 * @param {Life} life
 * @param {Model} model
 * @param {Scale[]} scales */
export function listenToPad(pad, { listen, write }, model, scales) {
  const { root } = pad;
  /** @param {Pair} values */
  const move = (values) => {
    const [across, up] = model.get("axes");
    /** @type {Pair[]} */
    const pairs = [
      [across, values[0]],
      [up, values[1]],
    ];
    write({ z: replaced(model.get("z"), pairs) });
  };
  listen(root, "pointerdown", (event) => {
    if (event.button !== 0) return;
    root.setPointerCapture(event.pointerId); // the drag goes on outside the pad
    move(pad.valuesAt(event));
  });
  listen(root, "pointermove", (event) => {
    const held = root.hasPointerCapture(event.pointerId);
    if (held) move(pad.valuesAt(event));
    pad.showTip(held || event.pointerType !== "mouse" ? null : event);
  });
  listen(root, "pointerleave", () => pad.showTip(null));
  listen(root, "keydown", (event) => {
    const direction = ARROWS[event.key] ?? LEAPS[event.key];
    if (!direction || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault(); // the page must not scroll
    const steps = event.shiftKey ? 10 : 1;
    /** @type {(d: number, way: number) => number} */
    const moved = (d, way) => {
      const { min, max, step, tidy } = scales[d];
      return tidy(clamp(model.get("z")[d] + (way && steps * step * way), min, max));
    };
    const [across, up] = model.get("axes");
    move([moved(across, direction[0]), moved(up, direction[1])]);
  });
}
