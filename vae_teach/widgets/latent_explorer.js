/* Latent explorer: choose a code z on a pad or with sliders, see what the decoder makes of it.
 *
 * Traits (mirror latent_explorer.py; N codes, L latent dimensions):
 *   z [L]            the code shown; the only trait, with axes, that this file writes
 *   axes [2]         latent dimensions on the pad: across, up
 *   steps            decoder: { kind: "dense", inputs, outputs } or { kind: an activation }
 *   weights          for each dense step its weight (outputs, inputs) and bias, packed float16
 *   image_shape [3]  channels, height, width
 *   codes            (N, L) packed float16      labels  (N,) bytes, or empty
 *   label_names      by class                   ink     "white" or "black": how 1 is drawn
 *   low, high [L]    ends of the axes           prior   whether N(0, I) is the prior
 *   gap_radius       95 % of the codes have a neighbour within this distance
 *   examples         M test pictures, a byte per number        example_labels  (M,) bytes, or empty
 *   posteriors       (M, 2, L) packed float16: mean and standard deviation of q(z|x)
 *   example          the test picture chosen, or -1; written here too
 *   captions         one per model where several decode the same z, else empty
 *   more             the other models: { steps, numbers, codes, gap_radius }, counts of what lies in
 *   more_weights, more_codes        packed float16, one model after another */

import { SPEAK_AFTER, format, make } from "./elements.js";
import {
  describePosterior, drawFrom, listenToDrops, makeEllipses, makeStrip, posteriorOf,
} from "./explorer_examples.js";

// --- pure maths: no DOM, imported by tests/js ---

/** The number a float16 bit pattern stands for. */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24; // zero and subnormals
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Float16 numbers from a DataView: all low bytes first, then all high bytes. */
export function unpackHalves(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const count = bytes.length / 2;
  return Float32Array.from({ length: count }, (_, i) =>
    halfToNumber(bytes[i] | (bytes[count + i] << 8)),
  );
}

export const ACTIVATIONS = {
  relu: (x) => (x > 0 ? x : 0),
  tanh: Math.tanh,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), // no overflow
};

/** out = W x + b, W (outputs, inputs) row by row. */
export function dense(x, weight, bias, out) {
  const inputs = x.length;
  for (let o = 0, start = 0; o < out.length; o++, start += inputs) {
    let sum = bias[o];
    for (let i = 0; i < inputs; i++) sum += weight[start + i] * x[i];
    out[o] = sum;
  }
  return out;
}

/** The decoder as a function of z. Its answer is overwritten by the next call. */
export function makeDecoder(steps, numbers) {
  let used = 0;
  const take = (count) => numbers.subarray(used, (used += count));
  const layers = steps.map(({ kind, inputs, outputs }) => {
    if (kind === "dense") {
      const weight = take(inputs * outputs);
      const bias = take(outputs);
      const out = new Float32Array(outputs);
      return (x) => dense(x, weight, bias, out);
    }
    const activation = ACTIVATIONS[kind];
    if (!activation) throw new Error(`unknown decoder step "${kind}"`);
    return (x) => {
      for (let i = 0; i < x.length; i++) x[i] = activation(x[i]);
      return x;
    };
  });
  if (used !== numbers.length) {
    throw new Error(`the decoder needs ${used} numbers but was given ${numbers.length}`);
  }
  return (z) => layers.reduce((x, layer) => layer(x), Float32Array.from(z));
}

/** Pixels in [0, 1], (channels, height, width), to RGBA bytes. */
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

/** The nearest of 1, 2, 5, 10, ... times a power of ten, at least x. */
export function niceStep(x) {
  const power = 10 ** Math.floor(Math.log10(x) + 1e-9);
  const factor = [1, 2, 5, 10].find((f) => f * power >= x * (1 - 1e-9));
  return Number((factor * power).toPrecision(1));
}

/** A slider from low to high: step, and ends that are multiples of it, so that 0 is reachable. */
export function sliderScale(low, high) {
  const step = niceStep((high - low) / 160);
  const digits = Math.max(2, -Math.floor(Math.log10(step) + 1e-9));
  const tidy = (x) => Number(x.toFixed(digits));
  const min = tidy(Math.floor(low / step + 1e-9) * step);
  const max = tidy(Math.ceil(high / step - 1e-9) * step);
  return { min, max, step, digits, tidy };
}

/** A linear map from [min, max] to pixels [from, to]; `to` may lie before `from`. */
export function makeAxis({ min, max, tidy }, from, to) {
  const perUnit = (to - from) / (max - min);
  const clamp = (value) => Math.min(Math.max(value, min), max);
  const spacing = niceStep((max - min) / 7);
  const first = Math.ceil(min / spacing);
  const count = Math.floor(max / spacing) - first + 1;
  return {
    perUnit,
    toPixel: (value) => from + (clamp(value) - min) * perUnit,
    toValue: (pixel) => tidy(clamp(min + (pixel - from) / perUnit)),
    ticks: Array.from({ length: count }, (_, i) => tidy((first + i) * spacing)),
  };
}

/** log N(z | 0, I) in nats. */
export function logPrior(z) {
  return -0.5 * z.reduce((sum, value) => sum + value * value + Math.log(2 * Math.PI), 0);
}

/** One draw of N(0, 1) from two uniform numbers in [0, 1) (Box and Muller). */
export function standardNormal(u, v) {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}

/** Mean and standard deviation of each latent dimension of (N, L) codes. */
export function moments(codes, latentDim) {
  const count = codes.length / latentDim;
  return Array.from({ length: latentDim }, (_, d) => {
    let sum = 0;
    let squares = 0;
    for (let i = d; i < codes.length; i += latentDim) {
      sum += codes[i];
      squares += codes[i] * codes[i];
    }
    const mean = sum / count;
    return { mean, std: Math.sqrt(Math.max(squares / count - mean * mean, 0)) };
  });
}

/** The k codes nearest to z, nearest first: [{ index, distance }]. */
export function nearestCodes(z, codes, k) {
  const found = [];
  for (let index = 0; index * z.length < codes.length; index++) {
    let square = 0;
    for (let d = 0; d < z.length; d++) square += (z[d] - codes[index * z.length + d]) ** 2;
    if (found.length === k && square >= found[k - 1].square) continue;
    const place = found.findIndex((other) => square < other.square);
    found.splice(place < 0 ? found.length : place, 0, { index, square });
    if (found.length > k) found.pop();
  }
  return found.map(({ index, square }) => ({ index, distance: Math.sqrt(square) }));
}

/** Where the codes of each class lie on average, on two of the L dimensions. */
export function classCentres(codes, labels, latentDim, [across, up]) {
  const sums = new Map(); // class -> [sum across, sum up, count]
  labels.forEach((label, i) => {
    const sum = sums.get(label) ?? [0, 0, 0];
    sum[0] += codes[i * latentDim + across];
    sum[1] += codes[i * latentDim + up];
    sum[2] += 1;
    sums.set(label, sum);
  });
  return [...sums].map(([label, [a, u, count]]) => ({ label, across: a / count, up: u / count }));
}

/** What the test codes around z say; `near` from nearestCodes, `labels` may be empty. */
export function describeCodes(near, labels, names, gapRadius) {
  if (!near.length) return "";
  const { index, distance } = near[0];
  const named = labels.length > 0;
  const nearest = named ? names[labels[index]] : "";
  if (gapRadius > 0 && distance > gapRadius) {
    return (
      `A gap: no test code within ${format(gapRadius)}; the nearest` +
      `${named ? `, of class ${nearest},` : ""} is ${format(distance)} away.`
    );
  }
  if (!named) return `The nearest test code is ${format(distance)} away.`;
  const answer = `The nearest test code is of class ${nearest}, ${format(distance)} away`;
  if (near.length === 1) return `${answer}.`;
  const alike = near.filter((other) => labels[other.index] === labels[index]).length;
  const are = alike === 1 ? "is" : "are";
  return `${answer}; of the ${near.length} nearest, ${alike} ${are} of that class.`;
}

/** How much ink a picture holds, where it lies, and how much of it is undecided grey. */
export function describeInk(pixels, [channels, height, width]) {
  let ink = 0;
  let across = 0;
  let down = 0;
  let grey = 0;
  pixels.forEach((pixel, i) => {
    const value = Math.min(Math.max(pixel, 0), 1); // a Gaussian's mean may lie outside
    ink += value;
    across += value * (2 * ((i % width) + 0.5) - width);
    down += value * (2 * ((Math.floor(i / width) % height) + 0.5) - height);
    if (value > 0.2 && value < 0.8) grey += 1;
  });
  const total = channels * height * width;
  if (ink < 0.005 * total) return "The picture is blank.";
  const x = across / (ink * width); // -1 is the left edge, 1 the right one
  const y = down / (ink * height);
  const side = (at, before, after) => (at < -0.1 ? before : at > 0.1 ? after : "");
  const sides = [side(y, "top", "bottom"), side(x, "left", "right")].filter(Boolean).join(" ");
  const percent = (share) => `${Math.round(100 * share)} %`;
  return (
    `Ink covers ${percent(ink / total)} of the picture, centred ` +
    `${sides ? `towards the ${sides}` : "in the middle"}; ` +
    `${percent(grey / total)} of the pixels are neither dark nor light.`
  );
}

/** The average colour of a picture with three channels: ink has no meaning there. */
export function describeColour(pixels, [, height, width]) {
  const area = height * width;
  const shares = ["red", "green", "blue"].map((name, c) => {
    const sum = pixels.subarray(c * area, (c + 1) * area).reduce((total, value) => total + value, 0);
    return `${name} ${Math.round((100 * sum) / area)} %`;
  });
  return `The picture's average colour: ${shares.join(", ")}.`;
}

// --- view: builds elements and paints them; never touches the model ---

const CLASS_COLOURS = 10; // --class-0 ... --class-9 in the style sheet
const MARGIN = { left: 40, right: 10, top: 10, bottom: 38 }; // around the plot, CSS pixels
const FULL_TURN = 2 * Math.PI;

/** A slider per latent dimension. */
export function makeDials(scales) {
  const dials = scales.map(({ min, max, step }, d) => {
    const input = make("input", { type: "range", ariaLabel: `z[${d}]` });
    Object.assign(input, { min, max, step }); // in this order: a value would be clamped by them
    const value = make("span", { className: "value", ariaHidden: "true" });
    return { input, value, row: make("label", {}, make("span", {}, `z[${d}]`), input, value) };
  });
  const show = (z) =>
    dials.forEach(({ input, value }, d) => {
      input.value = z[d];
      input.ariaValueText = value.textContent = format(z[d], scales[d].digits);
    });
  const root = make("div", { className: "dials" }, ...dials.map((dial) => dial.row));
  return { root, inputs: dials.map((dial) => dial.input), show };
}

/** The decoded picture: as many canvas pixels as the image has, enlarged by the style sheet. */
export function makePicture([channels, height, width], ink) {
  const canvas = make("canvas", { className: "picture", width, height, role: "img" });
  canvas.ariaLabel = "Decoded picture";
  canvas.style.aspectRatio = `${width} / ${height}`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const paint = (pixels) => {
    toRgba(pixels, channels, ink, image.data);
    context.putImageData(image, 0, 0);
  };
  return { canvas, paint };
}

/** Two menus for the dimensions on the pad, for a code of more than two. */
export function makeMenus(latentDim) {
  const menus = ["Across", "Up"].map((title) => {
    const options = Array.from({ length: latentDim }, (_, d) =>
      make("option", { value: d, textContent: `z[${d}]` }),
    );
    const select = make("select", { ariaLabel: title }, ...options);
    return { select, label: make("label", {}, `${title} `, select) };
  });
  const root = make("div", { className: "menus", hidden: latentDim < 3 });
  root.append(...menus.map((menu) => menu.label));
  const selects = menus.map((menu) => menu.select);
  return { root, selects, show: (axes) => selects.forEach((s, i) => (s.value = axes[i])) };
}

/** One toggle button per class that occurs; its swatch carries the class's colour. */
function makeLegend(labels, names) {
  const entries = [...new Set(labels)]
    .sort((a, b) => a - b)
    .map((label) => {
      const swatch = make("span", { className: "swatch", ariaHidden: "true" });
      swatch.style.color = `var(--class-${label % CLASS_COLOURS})`;
      const ariaLabel = `Highlight class ${names[label]}`;
      const button = make("button", { type: "button", ariaLabel }, swatch, names[label]);
      return { label, swatch, button };
    });
  const root = make("div", { className: "legend", role: "group", ariaLabel: "Classes" });
  root.hidden = !entries.length;
  root.append(...entries.map((entry) => entry.button));
  const show = (chosen) =>
    entries.forEach((entry) => (entry.button.ariaPressed = String(entry.label === chosen)));
  const colours = () => new Map(entries.map((e) => [e.label, getComputedStyle(e.swatch).color]));
  return { root, entries, show, colours };
}

/** The pad. Its thousand points are drawn once; moving z moves one element over them. */
export function makePad(data, legend) {
  const { latentDim, labels, names, scales, prior } = data;
  const canvas = make("canvas", { ariaHidden: "true" });
  const cursor = make("span", { className: "cursor", ariaHidden: "true" });
  // "application": screen readers hand the arrow keys over. The sliders do the same job natively.
  const ellipses = makeEllipses(make);
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
    const ink = { text: style.color, paper: style.backgroundColor, classes: legend.colours() };
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

/** Size a square canvas for a sharp picture on any screen; its unit is the CSS pixel. */
function openCanvas(canvas, size) {
  canvas.width = canvas.height = Math.round(size * (window.devicePixelRatio || 1));
  const context = canvas.getContext("2d");
  context.scale(canvas.width / size, canvas.height / size);
  return context;
}

/** Grid, ticks and axis names. */
function drawFrame(context, { x, y }, size, [across, up], { text }) {
  const [right, bottom] = [size - MARGIN.right, size - MARGIN.bottom];
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

/** A grid line; the one through 0 stands out. */
function fillFaintly(context, tick, ...rectangle) {
  context.globalAlpha = tick === 0 ? 0.35 : 0.1;
  context.fillRect(...rectangle);
  context.globalAlpha = 1;
}

/** Dashed circles 1, 2 and 3 standard deviations from the prior's mean. */
function drawPrior(context, { x, y }, { text }) {
  context.strokeStyle = text;
  context.globalAlpha = 0.45;
  context.setLineDash([3, 4]);
  for (const radius of [1, 2, 3]) {
    context.beginPath();
    const radii = [radius * x.perUnit, -radius * y.perUnit];
    context.ellipse(x.toPixel(0), y.toPixel(0), ...radii, 0, 0, FULL_TURN);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** One dot per code; the classes that are not chosen step back. */
function drawCodes(context, { x, y }, { latentDim, codes, labels, axes, chosen }, ink) {
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

/** Each class's name at its centre; none at all where most of the classes lie on one another. */
function drawClassNames(context, { x, y }, centres, names, { text, paper }) {
  const placed = [];
  for (const { label, across, up } of centres) {
    const [left, top] = [x.toPixel(across), y.toPixel(up)];
    const free = placed.every((other) => Math.hypot(other.left - left, other.top - top) > 18);
    if (free) placed.push({ name: names[label], left, top });
  }
  if (2 * placed.length < centres.length) return;
  context.font = context.font.replace("12px", "bold 15px");
  context.textAlign = "center";
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeStyle = paper;
  context.fillStyle = text;
  for (const { name, left, top } of placed) {
    context.strokeText(name, left, top);
    context.fillText(name, left, top);
  }
}

/** The decoded pictures, one per model, under each other's captions where there are several. */
function makePictures({ decoders, shape, ink }) {
  const pictures = decoders.map(({ caption }) => {
    const picture = makePicture(shape, ink);
    if (caption) picture.canvas.ariaLabel = `Decoded picture, ${caption}`;
    return { ...picture, figure: make("figure", {}, picture.canvas, make("figcaption", {}, caption)) };
  });
  const root = make("div", { className: "pictures" }, ...pictures.map((p) => p.figure));
  return { root, paint: (images) => images.forEach((pixels, i) => pictures[i].paint(pixels)) };
}

/** A menu for the model whose codes lie on the pad. */
function makeCloudMenu(decoders) {
  const options = decoders.map(({ caption }, i) => make("option", { value: i, textContent: caption }));
  const select = make("select", {}, ...options);
  const root = make("div", { className: "menus", hidden: decoders.length < 2 });
  root.append(make("label", {}, "Codes of ", select));
  return { root, select };
}

function buildView(data) {
  const button = (textContent, hidden = false) =>
    make("button", { type: "button", textContent, hidden });
  const legend = makeLegend(data.labels, data.names);
  const view = {
    legend,
    pad: makePad(data, legend),
    menus: makeMenus(data.latentDim),
    pictures: makePictures(data),
    cloud: makeCloudMenu(data.decoders),
    strip: makeStrip(data.examples, { make, makePicture }),
    dials: makeDials(data.scales),
    zero: button("Back to 0"),
    random: button(data.prior ? "Random z from the prior" : "Random z"),
    test: button("Random test code", !data.codes.length),
    posterior: button("Draw z from its posterior", true),
    numbers: make("p", { className: "numbers" }),
    sentence: make("p", { className: "sentence", role: "status", ariaLive: "polite" }),
  };
  const box = (className, ...children) => make("div", { className }, ...children);
  const buttons = box("buttons", view.zero, view.random, view.test, view.posterior);
  view.pictures.root.prepend(view.strip.figure);
  const plane = box("plane", view.pad.root, view.cloud.root, view.menus.root, legend.root);
  plane.hidden = data.latentDim < 2; // one dimension has no plane, only its slider
  view.root = box(
    "latent-explorer",
    plane,
    box("answer", view.pictures.root, box("beside", view.numbers, buttons)),
    view.strip.root,
    view.dials.root,
    view.sentence,
  );
  // Else JupyterLab takes the arrows and Enter for its cells; it asks the focused element first.
  for (const control of view.root.querySelectorAll("input, select, button, .pad")) {
    control.dataset.lmSuppressShortcuts = "";
  }
  return view;
}

// --- wiring: one function each way; everything added here is removed in render's return value ---

const NEIGHBOURS = 10; // test codes that the description asks
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** The decoders and the clouds of codes: the model's own, and those it is compared with. */
function readModels(model) {
  const captions = model.get("captions");
  const decode = makeDecoder(model.get("steps"), unpackHalves(model.get("weights")));
  const decoders = [{ caption: captions[0] ?? "", decode }];
  const clouds = [{ codes: unpackHalves(model.get("codes")), gapRadius: model.get("gap_radius") }];
  const weights = unpackHalves(model.get("more_weights"));
  const codes = unpackHalves(model.get("more_codes"));
  let [w, c] = [0, 0];
  model.get("more").forEach((other, i) => {
    const numbers = weights.subarray(w, (w += other.numbers));
    decoders.push({ caption: captions[i + 1], decode: makeDecoder(other.steps, numbers) });
    clouds.push({ codes: codes.subarray(c, (c += other.codes)), gapRadius: other.gap_radius });
  });
  return { decoders, clouds };
}

/** The test pictures to choose from, with a name for each. */
function readExamples(model, names) {
  const shape = model.get("image_shape");
  const images = bytesOf(model.get("examples"));
  const labels = bytesOf(model.get("example_labels"));
  const count = images.length / shape.reduce((product, side) => product * side, 1);
  const name = (i) => `Test picture ${i + 1}${labels.length ? `, class ${names[labels[i]] ?? labels[i]}` : ""}`;
  return {
    images,
    shape,
    ink: model.get("ink"),
    names: Array.from({ length: count }, (_, i) => name(i)),
    posteriors: unpackHalves(model.get("posteriors")),
  };
}

/** Everything that stays as it is while the explorer is shown, but for the cloud on the pad. */
function readModel(model) {
  const low = model.get("low");
  const { decoders, clouds } = readModels(model);
  return {
    latentDim: low.length,
    decoders,
    clouds,
    ...clouds[0], // codes and gapRadius on the pad
    examples: readExamples(model, model.get("label_names")),
    scales: low.map((value, d) => sliderScale(value, model.get("high")[d])),
    shape: model.get("image_shape"),
    labels: bytesOf(model.get("labels")),
    names: model.get("label_names"),
    prior: model.get("prior"),
    ink: model.get("ink"),
  };
}

function numbersOf(z, prior) {
  const density = prior ? [`log p(z) = ${format(logPrior(z))} nats`] : [];
  return [...density, `|z| = ${format(Math.hypot(...z))}`].map((text) => make("span", {}, text));
}

function describe(z, axes, images, posterior, { codes, labels, names, gapRadius, shape, decoders, examples }) {
  const place = axes.map((d) => `z[${d}] = ${format(z[d])}`);
  const near = nearestCodes(z, codes, NEIGHBOURS);
  const sentences = [
    `${[...new Set(place)].join(", ")}.`,
    describeCodes(near, labels, names, gapRadius),
    posterior && describePosterior(examples.names[posterior.index], z, axes, posterior, format),
    ...images.map((pixels, i) => {
      const { caption } = decoders[i];
      const seen = shape[0] === 3 ? describeColour(pixels, shape) : describeInk(pixels, shape);
      return caption ? `${caption}: ${seen}` : seen;
    }),
  ];
  return sentences.filter(Boolean).join(" ");
}

/** A new code for each button; `data` may get another cloud, so it is read at every press. */
export function drawers(data) {
  const { latentDim, scales, prior } = data;
  return {
    zero: () => scales.map(() => 0),
    random: () => {
      const spread = prior ? null : moments(data.codes, latentDim);
      return scales.map(({ tidy }, d) => {
        const { mean, std } = spread?.[d] ?? { mean: 0, std: 1 };
        return tidy(mean + std * standardNormal(Math.random(), Math.random()));
      });
    },
    test: () => {
      const start = latentDim * Math.floor((Math.random() * data.codes.length) / latentDim);
      return scales.map(({ tidy }, d) => tidy(data.codes[start + d]));
    },
  };
}

/** Call back when the page or JupyterLab turns dark or light. */
export function onThemeChange(callback, signal) {
  const observer = new MutationObserver(callback);
  const attributeFilter = ["data-theme", "data-jp-theme-light"];
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributeFilter });
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", callback, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** Pointer and keyboard on the pad; `move` takes the new pair of values. */
export function listenToPad(pad, listen, current, move) {
  const { root } = pad;
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
    move(current().map(({ value, scale }, i) => {
      const moved = value + steps * scale.step * direction[i];
      return scale.tidy(Math.min(Math.max(moved, scale.min), scale.max));
    }));
  });
}

function render({ model, el }) {
  const data = readModel(model);
  const view = buildView(data);
  const stop = new AbortController();
  const listen = (target, type, handler) =>
    target.addEventListener(type, handler, { signal: stop.signal });
  let chosen = null; // the highlighted class
  let timer = 0;

  const chosenPosterior = () => {
    const index = model.get("example");
    if (index < 0) return null;
    return { index, ...posteriorOf(data.examples.posteriors, index, data.latentDim) };
  };
  const showExample = () => {
    view.strip.show(model.get("example"));
    const posterior = chosenPosterior();
    view.posterior.hidden = !posterior?.spread;
    view.pad.showPosterior(posterior, model.get("axes"));
  };
  const showCode = () => {
    const [z, axes] = [model.get("z"), model.get("axes")];
    const images = data.decoders.map(({ decode }) => decode(z));
    view.pictures.paint(images);
    view.pad.moveTo(z, axes);
    view.dials.show(z);
    view.numbers.replaceChildren(...numbersOf(z, data.prior));
    clearTimeout(timer);
    const posterior = chosenPosterior();
    const speak = () => (view.sentence.textContent = describe(z, axes, images, posterior, data));
    if (view.sentence.textContent) timer = setTimeout(speak, SPEAK_AFTER);
    else speak();
  };
  const showPlane = () => {
    view.menus.show(model.get("axes"));
    view.legend.show(chosen);
    view.pad.drawAll(model.get("axes"), chosen);
    view.pad.moveTo(model.get("z"), model.get("axes"));
    showExample();
  };
  const setTrait = (name, value) => {
    model.set(name, value); // fires change:*, which repaints every view
    model.save_changes();
  };
  const setValues = (pairs) => {
    const z = [...model.get("z")]; // a new list: the model compares by identity
    for (const [d, value] of pairs) z[d] = value;
    setTrait("z", z);
  };

  view.dials.inputs.forEach((input, d) =>
    listen(input, "input", () => setValues([[d, Number(input.value)]])),
  );
  const drawCode = drawers(data);
  for (const name of ["zero", "random", "test"]) {
    listen(view[name], "click", () => setTrait("z", drawCode[name]()));
  }
  const tidied = (z) => data.scales.map(({ tidy }, d) => tidy(z[d]));
  const choose = (i) => {
    setTrait("example", i);
    setTrait("z", tidied(chosenPosterior().mean));
  };
  listenToDrops(view.strip, view.pad.root, listen, choose);
  const normal = () => standardNormal(Math.random(), Math.random());
  listen(view.posterior, "click", () => setTrait("z", tidied(drawFrom(chosenPosterior(), normal))));
  listen(view.cloud.select, "change", () => {
    Object.assign(data, data.clouds[Number(view.cloud.select.value)]);
    showPlane();
    showCode();
  });
  view.menus.selects.forEach((select, i) =>
    listen(select, "change", () => {
      const axes = [...model.get("axes")];
      const old = axes[i];
      axes[i] = Number(select.value);
      if (axes[0] === axes[1]) axes[1 - i] = old; // the same one twice: let them trade places
      setTrait("axes", axes);
    }),
  );
  for (const { label, button } of view.legend.entries) {
    listen(button, "click", () => {
      chosen = chosen === label ? null : label;
      showPlane();
    });
  }
  const current = () =>
    model.get("axes").map((d) => ({ value: model.get("z")[d], scale: data.scales[d] }));
  listenToPad(view.pad, listen, current, (values) =>
    setValues(model.get("axes").map((d, i) => [d, values[i]])),
  );

  model.on("change:z", showCode);
  model.on("change:axes", showPlane);
  model.on("change:example", showExample);
  onThemeChange(showPlane, stop.signal);
  const resized = new ResizeObserver(showPlane); // also fires when the pad is first laid out
  resized.observe(view.pad.root);
  el.append(view.root);
  showPlane();
  showCode();
  return () => {
    stop.abort();
    resized.disconnect();
    clearTimeout(timer);
    model.off("change:z", showCode);
    model.off("change:axes", showPlane);
    model.off("change:example", showExample);
    el.replaceChildren();
  };
}

export default { render };
