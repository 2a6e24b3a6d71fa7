// @ts-check
/* q(z|x) of a test picture: its numbers, its words, and its ellipses on the pad. */

import { format, make } from "./elements.js";

// --- pure maths: no DOM, imported by tests/js ---

/** Mean and standard deviation of picture i from (M, 2, L) numbers; spread tells if it has any.
 * @param {Float32Array} numbers
 * @param {number} i
 * @param {number} latentDim */
export function posteriorOf(numbers, i, latentDim) {
  const start = 2 * i * latentDim;
  const mean = [...numbers.subarray(start, start + latentDim)];
  const sd = [...numbers.subarray(start + latentDim, start + 2 * latentDim)];
  return { mean, sd, spread: sd.some((value) => value > 0) };
}

/** How far z is from the mean: in standard deviations, or as it is where there are none.
 * @param {number[]} z
 * @param {Posterior} posterior */
export function distanceTo(z, { mean, sd, spread }) {
  /** @param {number} d */
  const unit = (d) => (spread ? Math.max(sd[d], 1e-6) : 1);
  return Math.hypot(...z.map((value, d) => (value - mean[d]) / unit(d)));
}

/** One draw from the posterior; `normal` gives a number from N(0, 1).
 * @param {Posterior} posterior
 * @param {() => number} normal */
export function drawFrom({ mean, sd }, normal) {
  return mean.map((value, d) => value + sd[d] * normal());
}

/** The chosen picture in words.
 * @param {string} name
 * @param {number[]} z
 * @param {Pair} axes
 * @param {Posterior} posterior */
export function describePosterior(name, z, axes, posterior) {
  const dims = [...new Set(axes)];
  /** @param {number[]} values */
  const list = (values) => dims.map((d) => format(values[d])).join(" and ");
  const where = dims.map((d) => `z[${d}]`).join(" and ");
  const away = format(distanceTo(z, posterior), 1);
  if (!posterior.spread) {
    return `${name}: its code has ${where} at ${list(posterior.mean)}; z is ${away} away.`;
  }
  return (
    `${name}: its posterior has ${where} at ${list(posterior.mean)}, ` +
    `σ ${list(posterior.sd)}; z is ${away} σ from its mean.`
  );
}

// --- view ---

/** The ellipses of 1 and 2 standard deviations and the mean, as elements over the pad. */
export function makeEllipses() {
  const parts = [2, 1, 0].map((sigmas) => {
    const className = sigmas ? "ellipse" : "mean";
    return { sigmas, element: make("span", { className, ariaHidden: "true", hidden: true }) };
  });
  /** `plot` is the pad's pair of axes and `size` its side; no posterior hides everything.
   * @param {Posterior | null} posterior
   * @param {Pair} axes
   * @param {Plot | null} plot
   * @param {number} size */
  const show = (posterior, axes, plot, size) => {
    /** @param {number} pixels */
    const share = (pixels) => `${(100 * pixels) / size}%`; // of the pad, which paper may shrink
    for (const { sigmas, element } of parts) {
      element.hidden = true;
      if (!posterior || !plot || (sigmas > 0 && !posterior.spread)) continue;
      element.hidden = false;
      const [left, top] = [plot.x, plot.y].map((axis, k) => axis.toPixel(posterior.mean[axes[k]]));
      Object.assign(element.style, { left: share(left), top: share(top) });
      if (!sigmas) continue;
      const [width, height] = [plot.x, plot.y].map(
        ({ perUnit }, k) => 2 * sigmas * posterior.sd[axes[k]] * Math.abs(perUnit),
      );
      Object.assign(element.style, { width: share(width), height: share(height) });
    }
  };
  return { elements: parts.map((part) => part.element), show };
}
