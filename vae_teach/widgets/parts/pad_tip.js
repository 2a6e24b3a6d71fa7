// @ts-check
/* What a dot of the pad is: shown beside the dot while the mouse is over it. */

import { format, make } from "./elements.js";
import { makePicture } from "./picture.js";

const REACH = 8; // pixels from the pointer to a dot that is meant

// --- pure: no DOM, imported by tests/js ---

/** The number of the (N, L) codes that lies nearest to a point of the pad, or -1 if none is near.
 * @param {Float32Array} codes
 * @param {number} latentDim
 * @param {Pair} axes
 * @param {Plot} plot
 * @param {Pair} point */
export function dotAt(codes, latentDim, axes, { x, y }, [left, top]) {
  let [found, nearest] = [-1, REACH];
  for (let i = 0; i * latentDim < codes.length; i++) {
    const across = x.toPixel(codes[i * latentDim + axes[0]]);
    const up = y.toPixel(codes[i * latentDim + axes[1]]);
    const distance = Math.hypot(across - left, up - top);
    if (distance < nearest) [found, nearest] = [i, distance];
  }
  return found;
}

// --- view ---

/** The canvas in the label of a test picture: seen only, for the picture stands elsewhere too.
 * @param {Examples} examples */
function makeThumbnail({ shape, ink }) {
  const { canvas, paint } = makePicture(shape, ink);
  canvas.className = "thumbnail";
  canvas.removeAttribute("role");
  canvas.ariaLabel = null;
  return { canvas, paint };
}

/** The label of a dot. `examples`, if any, are test pictures whose means are dots as well.
 * @param {PadData} data */
export function makeTip({ latentDim, names, examples }) {
  const words = make("span");
  const picture = examples?.names.length ? makeThumbnail(examples) : null;
  const root = make("span", { className: "tip", ariaHidden: "true", hidden: true });
  root.append(...(picture ? [picture.canvas] : []), words);
  /**
   * @param {Plot} plot
   * @param {Pair} axes
   * @param {Float32Array} code
   * @param {number} size
   */
  const place = ({ x, y }, axes, code, size) => {
    const [left, top] = [x.toPixel(code[axes[0]]), y.toPixel(code[axes[1]])];
    /** @param {number} at */
    const side = (at) => (at > size / 2 ? "calc(-100% - 10px)" : "10px"); // never out of the pad
    Object.assign(root.style, { left: `${left}px`, top: `${top}px` });
    root.style.translate = `${side(left)} ${side(top)}`;
    return axes.map((d) => `z[${d}] = ${format(code[d])}`).join(", ");
  };
  /**
   * @param {Float32Array} codes
   * @param {number} i
   */
  const at = (codes, i) => codes.subarray(i * latentDim, (i + 1) * latentDim);
  /** `point` in pixels of the pad; null hides the label.
   * @param {Pair | null} point
   * @param {{ codes: Float32Array, labels: Uint8Array }} data
   * @param {Pair} axes
   * @param {Plot | null} plot
   * @param {number} size */
  const show = (point, { codes, labels }, axes, plot, size) => {
    root.hidden = true;
    if (!point || !plot) return;
    const example = examples ? dotAt(examples.means, latentDim, axes, plot, point) : -1;
    const dot = dotAt(codes, latentDim, axes, plot, point);
    if (picture) picture.canvas.hidden = example < 0;
    if (examples && example >= 0) {
      picture?.paint(examples.pixels(example));
      const code = at(examples.means, example);
      words.textContent = `${examples.names[example]}: ${place(plot, axes, code, size)}`;
    } else if (dot >= 0) {
      const kind = labels.length ? `class ${names[labels[dot]]}` : "test code";
      words.textContent = `${kind}: ${place(plot, axes, at(codes, dot), size)}`;
    }
    root.hidden = example < 0 && dot < 0;
  };
  return { root, show };
}
