/* The test pictures of the latent explorer: a strip of thumbnails, and the posterior of the chosen
 * one on the pad. It imports nothing: latent_explorer.js hands it what it needs. */

// --- pure maths: no DOM, imported by tests/js ---

/** Mean and standard deviation of picture i from (M, 2, L) numbers; spread tells if it has any. */
export function posteriorOf(numbers, i, latentDim) {
  const start = 2 * i * latentDim;
  const mean = [...numbers.subarray(start, start + latentDim)];
  const sd = [...numbers.subarray(start + latentDim, start + 2 * latentDim)];
  return { mean, sd, spread: sd.some((value) => value > 0) };
}

/** How far z is from the mean: in standard deviations, or as it is where there are none. */
export function distanceTo(z, { mean, sd, spread }) {
  return Math.hypot(...z.map((value, d) => (value - mean[d]) / (spread ? Math.max(sd[d], 1e-6) : 1)));
}

/** One draw from the posterior; `normal` gives a number from N(0, 1). */
export function drawFrom({ mean, sd }, normal) {
  return mean.map((value, d) => value + sd[d] * normal());
}

/** The chosen picture in words; `format` prints a number. */
export function describePosterior(name, z, axes, posterior, format) {
  const dims = [...new Set(axes)];
  const list = (values) => dims.map((d) => format(values[d])).join(" and ");
  const where = dims.map((d) => `z[${d}]`).join(" and ");
  const away = format(distanceTo(z, posterior), 1);
  if (!posterior.spread) return `${name}: its code has ${where} at ${list(posterior.mean)}; z is ${away} away.`;
  return (
    `${name}: its posterior has ${where} at ${list(posterior.mean)}, ` +
    `σ ${list(posterior.sd)}; z is ${away} σ from its mean.`
  );
}

// --- view ---

/** Thumbnails as toggle buttons, and the chosen picture at full size. */
export function makeStrip({ images, names, shape, ink }, { make, makePicture }) {
  const area = shape.reduce((product, side) => product * side, 1);
  const pixels = (i) => Float32Array.from(images.subarray(i * area, (i + 1) * area), (byte) => byte / 255);
  const entries = names.map((name, i) => {
    const { canvas, paint } = makePicture(shape, ink);
    canvas.className = "thumbnail";
    canvas.ariaHidden = "true";
    paint(pixels(i));
    const button = make("button", { type: "button", ariaLabel: name, draggable: true }, canvas);
    return { button };
  });
  const root = make("div", { className: "strip", role: "group", ariaLabel: "Test pictures" });
  root.hidden = !entries.length;
  root.append(...entries.map((entry) => entry.button));
  const original = makePicture(shape, ink);
  original.canvas.className = "original"; // .picture is what the decoder draws
  original.canvas.ariaLabel = "Test picture";
  const figure = make("figure", { hidden: true }, original.canvas, make("figcaption", {}, "test picture"));
  const show = (chosen) => {
    entries.forEach(({ button }, i) => (button.ariaPressed = String(i === chosen)));
    figure.hidden = chosen < 0;
    if (chosen < 0) return;
    original.paint(pixels(chosen));
    original.canvas.ariaLabel = names[chosen];
  };
  return { root, entries, figure, show };
}

/** The ellipses of 1 and 2 standard deviations and the mean, as elements over the pad. */
export function makeEllipses(make) {
  const parts = [2, 1, 0].map((sigmas) => ({
    sigmas,
    element: make("span", { className: sigmas ? "ellipse" : "mean", ariaHidden: "true", hidden: true }),
  }));
  /** `plot` is the pad's pair of axes; null, or no posterior, hides everything. */
  const show = (posterior, axes, plot) => {
    for (const { sigmas, element } of parts) {
      element.hidden = !posterior || !plot || (sigmas > 0 && !posterior.spread);
      if (element.hidden) continue;
      const [left, top] = [plot.x.toPixel(posterior.mean[axes[0]]), plot.y.toPixel(posterior.mean[axes[1]])];
      element.style.translate = `${left}px ${top}px`;
      if (!sigmas) continue;
      const radii = [plot.x.perUnit, plot.y.perUnit].map((u, k) => sigmas * posterior.sd[axes[k]] * Math.abs(u));
      Object.assign(element.style, {
        width: `${2 * radii[0]}px`, height: `${2 * radii[1]}px`,
        marginLeft: `${-radii[0]}px`, marginTop: `${-radii[1]}px`,
      });
    }
  };
  return { elements: parts.map((part) => part.element), show };
}

const TYPE = "application/x-vae-teach-example";

/** A thumbnail can be dropped onto the pad; `choose` is told which. */
export function listenToDrops(strip, pad, listen, choose) {
  strip.entries.forEach(({ button }, i) => {
    listen(button, "click", () => choose(i));
    listen(button, "dragstart", (event) => event.dataTransfer.setData(TYPE, String(i)));
  });
  listen(pad, "dragover", (event) => {
    if (event.dataTransfer.types.includes(TYPE)) event.preventDefault(); // a drop is welcome here
  });
  listen(pad, "drop", (event) => {
    const i = event.dataTransfer.getData(TYPE);
    if (i === "") return;
    event.preventDefault();
    choose(Number(i));
  });
}
