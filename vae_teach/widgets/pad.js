/* The pad: two dimensions of the code under a finger, the mouse or the arrow keys. */

import { classCentres } from "./codes.js";
import { make } from "./elements.js";
import {
  MARGIN, drawClassNames, drawCodes, drawFrame, drawPrior, openCanvas,
} from "./pad_drawing.js";
import { makeEllipses } from "./posterior.js";
import { clamp, makeAxis } from "./scales.js";
import { replaced } from "./code_dials.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** The pad. Its thousand points are drawn once; moving z moves one element over them.
 * `colours` gives the colour of each class that has one. */
export function makePad(data, colours) {
  const { latentDim, labels, names, scales, prior } = data;
  const canvas = make("canvas", { ariaHidden: "true" });
  const cursor = make("span", { className: "cursor", ariaHidden: "true" });
  // "application": screen readers hand the arrow keys over. The sliders do the same job natively.
  const ellipses = makeEllipses();
  const root = make("div", { className: "pad", tabIndex: 0, role: "application" }, canvas);
  root.append(...ellipses.elements, cursor);
  let plot = null; // { x, y }: the axes as last drawn; null while the pad is not laid out

  const drawAll = (axes, chosen) => {
    const { codes } = data; // another model's, once the reader asked for them
    const size = root.clientWidth;
    root.ariaLabel = `Pad: z[${axes[0]}] across, z[${axes[1]}] up. Arrow keys move the point.`;
    plot = size ? padAxes(size, scales, axes) : null;
    if (!plot) return;
    const context = openCanvas(canvas, size);
    const style = getComputedStyle(root);
    const ink = { text: style.color, paper: style.backgroundColor, classes: colours() };
    context.font = `12px ${style.fontFamily}`;
    drawFrame(context, plot, size, axes, ink);
    if (prior) drawPrior(context, plot, ink);
    drawCodes(context, plot, { latentDim, codes, labels, axes, chosen }, ink);
    const centres = classCentres(codes, labels, latentDim, axes);
    drawClassNames(context, plot, centres, names, ink);
  };
  const moveTo = (z, axes) => {
    if (!plot) return;
    const [left, top] = [plot.x.toPixel(z[axes[0]]), plot.y.toPixel(z[axes[1]])];
    cursor.style.transform = `translate(${left}px, ${top}px)`;
  };
  /** The two values under a pointer. */
  const valuesAt = ({ clientX, clientY }) => {
    const box = canvas.getBoundingClientRect();
    return [plot.x.toValue(clientX - box.left), plot.y.toValue(clientY - box.top)];
  };
  const showPosterior = (posterior, axes) => ellipses.show(posterior, axes, plot);
  return { root, drawAll, moveTo, valuesAt, showPosterior };
}

function padAxes(size, scales, [across, up]) {
  return {
    x: makeAxis(scales[across], MARGIN.left, size - MARGIN.right),
    y: makeAxis(scales[up], size - MARGIN.bottom, MARGIN.top),
  };
}

/** Pointer and keyboard on the pad: it writes the trait z. */
export function listenToPad(pad, { listen, write }, model, scales) {
  const { root } = pad;
  const move = (values) => {
    const axes = model.get("axes");
    write({ z: replaced(model.get("z"), axes.map((d, i) => [d, values[i]])) });
  };
  listen(root, "pointerdown", (event) => {
    if (event.button !== 0) return;
    root.setPointerCapture(event.pointerId); // the drag goes on outside the pad
    move(pad.valuesAt(event));
  });
  listen(root, "pointermove", (event) => {
    if (root.hasPointerCapture(event.pointerId)) move(pad.valuesAt(event));
  });
  listen(root, "keydown", (event) => {
    const direction = ARROWS[event.key];
    if (!direction || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault(); // the page must not scroll
    const steps = event.shiftKey ? 10 : 1;
    move(model.get("axes").map((d, i) => {
      const { min, max, step, tidy } = scales[d];
      const moved = model.get("z")[d] + steps * step * direction[i];
      return tidy(clamp(moved, min, max));
    }));
  });
}
