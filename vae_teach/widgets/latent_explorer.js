// @ts-check
/* Latent explorer: choose a code z on a pad or with sliders, see what the decoder makes of it.
 *
 * Traits (mirror latent_explorer.py; N codes, L latent dimensions):
 *   z [L]            the code shown          axes [2]  latent dimensions on the pad: across, up
 *   example          the test picture chosen, or -1
 *   highlight        the class whose codes stand out, or -1
 *   cloud            whose codes lie on the pad, where there are several models
 *   steps            decoder: { kind: "dense", inputs, outputs } or { kind: an activation }
 *   weights          for each dense step its weight (outputs, inputs) and bias, packed float16
 *   image_shape [3]  channels, height, width
 *   codes            (N, L) packed float16      labels  (N,) bytes, or empty
 *   total_codes      how many codes there were, of which N are shown
 *   label_names      by class                   ink     "white" or "black": how 1 is drawn
 *   low, high [L]    ends of the axes           prior   whether N(0, I) is the prior
 *   gap_radius       95 % of the codes have a neighbour within this distance
 *   examples         M test pictures, a byte per number        example_labels  (M,) bytes, or empty
 *   posteriors       (M, 2, L) packed float16: mean and standard deviation of q(z|x)
 *   captions         one per model where several decode the same z, else empty
 *   more             the other models: { steps, numbers, codes, gap_radius }; the counts are of
 *   more_weights, more_codes        packed float16, one model after another
 * This file writes the first five. */

import { listenToMenus, makeMenus } from "./parts/axis_menus.js";
import { listenToDials, makeDials } from "./parts/code_dials.js";
import { describeCodes, describeCount, moments, nearestCodes } from "./parts/codes.js";
import { copyText } from "./parts/copy.js";
import { makeDecoder } from "./parts/decoder.js";
import { box, button, format, keepKeys, make, makeSentence } from "./parts/elements.js";
import { listenToStrip, makeStrip } from "./parts/example_strip.js";
import { bytesOf, makeTaker, unpackHalves } from "./parts/float16.js";
import { anyNormal, logPrior } from "./parts/gaussian.js";
import { makeLifetime } from "./parts/lifetime.js";
import { listenToPad, makePad } from "./parts/pad.js";
import { describePicture, makePicture } from "./parts/picture.js";
import { describePosterior, drawFrom, posteriorOf } from "./parts/posterior.js";
import { sliderScale } from "./parts/scales.js";
import { listenToUndo } from "./parts/undo.js";

/** @typedef {{ steps: Step[], numbers: number, codes: number, gap_radius: number }} Other */
/** @typedef {{ codes: Float32Array, gapRadius: number }} Cloud */
/** @typedef {ReturnType<typeof readModel>} Data */
/** @typedef {ReturnType<typeof buildView>} View */

// --- the state: read once ---

/** The decoders and the clouds of codes: the model's own, and those it is compared with.
 * @param {Model} model */
function readModels(model) {
  const captions = model.get("captions");
  const decode = makeDecoder(model.get("steps"), unpackHalves(model.get("weights")));
  const decoders = [{ caption: captions[0] ?? "", decode }];
  /** @type {Cloud[]} */
  const clouds = [{ codes: unpackHalves(model.get("codes")), gapRadius: model.get("gap_radius") }];
  const weights = makeTaker(unpackHalves(model.get("more_weights")));
  const codes = makeTaker(unpackHalves(model.get("more_codes")));
  /** @type {Other[]} */
  const more = model.get("more");
  more.forEach((other, i) => {
    const numbers = weights.take(other.numbers);
    decoders.push({ caption: captions[i + 1], decode: makeDecoder(other.steps, numbers) });
    clouds.push({ codes: codes.take(other.codes), gapRadius: other.gap_radius });
  });
  return { decoders, clouds };
}

/** The test pictures to choose from, with a name for each.
 * @param {Model} model
 * @param {string[]} names
 * @returns {Examples} */
function readExamples(model, names) {
  /** @type {PictureShape} */
  const shape = model.get("image_shape");
  const images = bytesOf(model.get("examples"));
  const labels = bytesOf(model.get("example_labels"));
  const area = shape.reduce((product, side) => product * side, 1);
  const count = images.length / area;
  /** @param {number} i */
  const classOf = (i) => (labels.length ? `, class ${names[labels[i]] ?? labels[i]}` : "");
  /** @param {number} i */
  const name = (i) => `Test picture ${i + 1}${classOf(i)}`;
  const numbers = Array.from({ length: count }, (_, i) => i);
  const posteriors = unpackHalves(model.get("posteriors"));
  const latentDim = model.get("low").length;
  const means = numbers.flatMap((i) => posteriorOf(posteriors, i, latentDim).mean);
  /** @param {number} i */
  const bytes = (i) => images.subarray(i * area, (i + 1) * area);
  return {
    shape,
    ink: model.get("ink"),
    names: numbers.map(name),
    pixels: (i) => Float32Array.from(bytes(i), (byte) => byte / 255),
    posteriors,
    means: Float32Array.from(means), // (M, L)
  };
}

/** Everything that stays as it is while the explorer is shown, but for the cloud on the pad.
 * @param {Model} model */
function readModel(model) {
  /** @type {number[]} */
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
    count: describeCount(clouds[0].codes.length / low.length, model.get("total_codes")),
  };
}

// --- the state: what it says, and new codes; no DOM, imported by tests/js ---

const NEIGHBOURS = 10; // test codes that the description asks

/** What is printed beside the picture.
 * @param {number[]} z
 * @param {boolean} prior */
function numbersOf(z, prior) {
  const density = prior ? [`log p(z) = ${format(logPrior(z))} nats`] : [];
  return [...density, `|z| = ${format(Math.hypot(...z))}`].map((text) => make("span", {}, text));
}

/**
 * @param {number[]} z
 * @param {Pair} axes
 * @param {Float32Array[]} images
 * @param {(Posterior & { index: number }) | null} posterior
 * @param {Data} data
 */
function describe(z, axes, images, posterior, data) {
  const { codes, labels, names, gapRadius, shape, decoders, examples } = data;
  const place = axes.map((d) => `z[${d}] = ${format(z[d])}`);
  const near = nearestCodes(z, codes, NEIGHBOURS);
  const sentences = [
    `${[...new Set(place)].join(", ")}.`,
    describeCodes(near, labels, names, gapRadius),
    posterior && describePosterior(examples.names[posterior.index], z, axes, posterior),
    ...images.map((pixels, i) => {
      const { caption } = decoders[i];
      const seen = describePicture(pixels, shape);
      return caption ? `${caption}: ${seen}` : seen;
    }),
  ];
  return sentences.filter(Boolean).join(" ");
}

/** A code as Python reads it; float16 has no more than four digits.
 * @param {number[]} z */
export const describeCode = (z) => `[${z.map((value) => Number(value.toPrecision(4))).join(", ")}]`;

/** A new code for each button; `data` may get another cloud, so it is read at every press.
 * @param {Pick<Data, "latentDim" | "scales" | "prior" | "codes">} data */
export function drawers(data) {
  const { latentDim, scales, prior } = data;
  return {
    random: () => {
      const spread = prior ? null : moments(data.codes, latentDim);
      return scales.map(({ tidy }, d) => {
        const { mean, std } = spread?.[d] ?? { mean: 0, std: 1 };
        return tidy(mean + std * anyNormal());
      });
    },
    test: () => {
      const start = latentDim * Math.floor((Math.random() * data.codes.length) / latentDim);
      return [...data.codes.slice(start, start + latentDim)]; // as it is: 0.00 away from itself
    },
  };
}

// --- view: builds elements and paints them; never touches the model ---

const CLASS_COLOURS = 10; // --class-0 ... --class-9, which latent_explorer.py puts into the style sheet

/** One toggle button per class that occurs; its swatch carries the class's colour.
 * @param {Uint8Array} labels
 * @param {string[]} names */
function makeLegend(labels, names) {
  const short = [...new Set(labels)].every((label) => names[label].length <= 2);
  const entries = [...new Set(labels)]
    .sort((a, b) => a - b)
    .map((label) => {
      const swatch = make("span", { className: "swatch", ariaHidden: "true" });
      swatch.style.color = `var(--class-${label % CLASS_COLOURS})`;
      const ariaLabel = `Highlight class ${names[label]}`;
      const button = make("button", { type: "button", ariaLabel }, swatch, names[label]);
      return { label, swatch, button };
    });
  const className = short ? "legend short" : "legend";
  const root = make("div", { className, role: "group", ariaLabel: "Classes" });
  root.hidden = !entries.length;
  root.append(...entries.map((entry) => entry.button));
  /** @param {number} highlight */
  const show = (highlight) =>
    entries.forEach((entry) => {
      entry.button.ariaPressed = String(entry.label === highlight);
    });
  const colours = () => new Map(entries.map((e) => [e.label, getComputedStyle(e.swatch).color]));
  return { root, entries, show, colours };
}

/** The decoded pictures, one per model, under each other's captions where there are several.
 * @param {Pick<Data, "decoders" | "shape" | "ink">} data */
function makePictures({ decoders, shape, ink }) {
  const pictures = decoders.map(({ caption }) => {
    const picture = makePicture(shape, ink);
    if (caption) picture.canvas.ariaLabel = `Decoded picture, ${caption}`;
    const words = make("figcaption", {}, caption || "decoded from z");
    return { ...picture, figure: make("figure", {}, picture.canvas, words) };
  });
  const root = make("div", { className: "pictures" }, ...pictures.map((p) => p.figure));
  /** @param {Float32Array[]} images */
  const paint = (images) =>
    images.forEach((pixels, i) => {
      pictures[i].paint(pixels);
    });
  return { root, paint };
}

/** A menu for the model whose codes lie on the pad.
 * @param {{ caption: string }[]} decoders */
function makeCloudMenu(decoders) {
  const options = decoders.map(({ caption }, i) =>
    make("option", { value: i, textContent: caption }),
  );
  const select = make("select", {}, ...options);
  const root = make("div", { className: "menus", hidden: decoders.length < 2 });
  root.append(make("label", {}, "Codes of ", select));
  return { root, select };
}

/** @param {Data} data */
function buildView(data) {
  const legend = makeLegend(data.labels, data.names);
  const view = {
    legend,
    pad: makePad(data, legend.colours),
    menus: makeMenus(data.latentDim),
    pictures: makePictures(data),
    cloud: makeCloudMenu(data.decoders),
    strip: makeStrip(data.examples),
    dials: makeDials(data.scales),
    zero: button("Back to 0"),
    random: data.prior ? button("Random z from the prior") : button("Random z", !data.codes.length),
    test: button("Random test code", !data.codes.length),
    posterior: button("Draw z from its posterior", !data.examples.names.length),
    undo: button("Undo"),
    copy: button("Copy z"),
    numbers: make("p", { className: "numbers" }),
    sentence: makeSentence(),
  };
  const changes = [view.zero, view.random, view.test, view.posterior, view.undo, view.copy];
  view.pictures.root.prepend(view.strip.figure);
  const plane = box("plane", view.pad.root, view.pad.hint, view.cloud.root, view.menus.root);
  plane.append(legend.root);
  plane.hidden = data.latentDim < 2; // one dimension has no plane, only its slider
  const root = box(
    "latent-explorer",
    plane,
    box("answer", view.pictures.root, view.numbers),
    box("buttons acts", ...changes),
    view.strip.root,
    view.dials.root,
    view.sentence,
  );
  keepKeys(root);
  return { ...view, root };
}

// --- wiring: one function each way ---

/** The chosen test picture's posterior, or null.
 * @param {Model} model
 * @param {Data} data */
function chosenPosterior(model, { examples, latentDim }) {
  const index = model.get("example");
  if (index < 0) return null;
  return { index, ...posteriorOf(examples.posteriors, index, latentDim) };
}

/** How the view follows the model: the code, the plane under it, the test picture.
 * @param {Model} model
 * @param {Data} data
 * @param {View} view
 * @param {{ say: Say }} speaker */
function makePainters(model, data, view, { say }) {
  /** @type {Float32Array[]} */
  let images = []; // what the decoders made of z
  const speak = () =>
    say(() => {
      const [z, axes] = [model.get("z"), model.get("axes")];
      return describe(z, axes, images, chosenPosterior(model, data), data);
    });
  const showExample = () => {
    const posterior = chosenPosterior(model, data);
    view.strip.show(posterior ? posterior.index : -1);
    view.posterior.disabled = !posterior?.spread;
    view.pad.showPosterior(posterior, model.get("axes"));
    speak();
  };
  const showCode = () => {
    const z = model.get("z");
    images = data.decoders.map(({ decode }) => decode(z));
    view.pictures.paint(images);
    view.pad.moveTo(z, model.get("axes"));
    view.dials.show(z);
    view.numbers.replaceChildren(...numbersOf(z, data.prior));
    speak();
  };
  const showPlane = () => {
    const axes = model.get("axes");
    const highlight = model.get("highlight");
    Object.assign(data, data.clouds[model.get("cloud")]); // codes and gapRadius
    view.cloud.select.value = model.get("cloud");
    view.menus.show(axes);
    view.legend.show(highlight);
    view.pad.drawAll(axes, highlight < 0 ? null : highlight);
    view.pad.moveTo(model.get("z"), axes);
    showExample();
  };
  return { showCode, showPlane, showExample };
}

/**
 * @param {Model} model
 * @param {Data} data
 * @param {View} view
 * @param {Life} life
 */
function listenToButtons(model, data, view, { listen, write }) {
  const draw = drawers(data);
  const zeros = () => data.scales.map(() => 0);
  listen(view.zero, "click", () => write({ z: zeros(), example: -1, highlight: -1 }));
  listen(view.random, "click", () => write({ z: draw.random() }));
  listen(view.test, "click", () => write({ z: draw.test() }));
  listen(view.posterior, "click", () => {
    const posterior = chosenPosterior(model, data);
    if (posterior) write({ z: drawFrom(posterior, anyNormal) });
  });
  listen(view.copy, "click", () => copyText(describeCode(model.get("z")), view.copy));
  listenToStrip(view.strip, view.pad.root, listen, {
    chosen: () => model.get("example"),
    choose: (i) => {
      write({ example: i });
      const posterior = chosenPosterior(model, data);
      if (posterior) write({ z: posterior.mean });
    },
  });
  listen(view.cloud.select, "change", () => write({ cloud: Number(view.cloud.select.value) }));
  for (const entry of view.legend.entries) {
    const toggled = () => (model.get("highlight") === entry.label ? -1 : entry.label);
    listen(entry.button, "click", () => write({ highlight: toggled() }));
  }
}

/** @param {Mounting} mounting */
function render({ model, el }) {
  const data = readModel(model);
  const view = buildView(data);
  const life = makeLifetime(model, el);
  const speaker = life.makeSpeaker(view.sentence);
  const { showCode, showPlane, showExample } = makePainters(model, data, view, speaker);
  listenToButtons(model, data, view, life);
  listenToUndo(view.undo, "z", model, life);
  listenToDials(view.dials, life, model);
  listenToMenus(view.menus, life, model);
  listenToPad(view.pad, life, model, data.scales);
  life.watch(["z"], showCode);
  life.watch(["axes", "highlight", "cloud"], showPlane);
  life.watch(["example"], showExample);
  life.watchTheme(showPlane);
  life.watchSize(view.pad.root, showPlane);
  el.append(view.root);
  showCode(); // first: the sentence is said at once, and should have the picture
  showPlane();
  return life.end;
}

export default { render };
