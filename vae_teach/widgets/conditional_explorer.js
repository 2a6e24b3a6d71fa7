// @ts-check
/* Conditional explorer: choose what to ask for (c) and in which style (z); see what is drawn.
 *
 * Traits (mirror conditional_explorer.py; N codes, L latent dimensions, C classes):
 *   mix [C]          weight of each class; c is its share, a point of the simplex
 *   z [L]            the code shown           axes [2]  latent dimensions on the pad: across, up
 *   follow_prior     with a learned p(z|c): whether z moves along with it when c changes
 *   steps, weights   decoder from [z, c] to pixels        prior_steps, prior_weights  from c to
 *                    [mu, logvar] of p(z|c), or empty for N(0, I)
 *   codes (N, L) and labels (N,) of test pictures, N of total_codes; names by class; low, high [L]; image_shape; ink
 * This file writes mix, z, axes and follow_prior. */

import { listenToMenus, makeMenus } from "./parts/axis_menus.js";
import { listenToDials, makeDials } from "./parts/code_dials.js";
import { describeCount } from "./parts/codes.js";
import { carry, makePrior } from "./parts/conditional_prior.js";
import { makeDecoder } from "./parts/decoder.js";
import { box, button, format, keepKeys, make, makeSentence, makeSlider } from "./parts/elements.js";
import { bytesOf, unpackHalves } from "./parts/float16.js";
import { anyNormal } from "./parts/gaussian.js";
import { makeLifetime } from "./parts/lifetime.js";
import { listenToPad, makePad } from "./parts/pad.js";
import { describePicture, makePicture } from "./parts/picture.js";
import { sliderScale } from "./parts/scales.js";
import { listenToUndo } from "./parts/undo.js";

/** @typedef {ReturnType<typeof readModel>} Data */
/** @typedef {ReturnType<typeof buildView>} View */

// --- pure maths: no DOM, imported by tests/js ---

/** Shares of the classes: at least 0, summing to 1.
 * @param {number[]} mix */
export function simplex(mix) {
  const total = mix.reduce((sum, weight) => sum + weight, 0);
  return mix.map((weight) => weight / total);
}

/** All weight on one of `count` classes.
 * @param {number} chosen
 * @param {number} count */
export const pure = (chosen, count) =>
  Array.from({ length: count }, (_, k) => Number(k === chosen));

/** The one class that has all the weight, or null for a mixture.
 * @param {number[]} mix */
export function onlyClass(mix) {
  const given = mix.flatMap((weight, k) => (weight > 0 ? [k] : []));
  return given.length === 1 ? given[0] : null;
}

/** The mixture in which class k has this share, and the others what is left, in the proportions
 * that `others` has them. As it was where nothing but k was ever asked for.
 * @param {number[]} mix
 * @param {number} k
 * @param {number} share
 * @param {number[]} others */
export function withShare(mix, k, share, others) {
  const rest = others.map((weight, i) => (i === k ? 0 : weight));
  const total = rest.reduce((sum, weight) => sum + weight, 0);
  if (!total) return mix;
  return rest.map((weight, i) => (i === k ? share : ((1 - share) * weight) / total));
}

/** Half of the request for class k, half for the one that has most of it now.
 * @param {number[]} mix
 * @param {number} k */
export function halved(mix, k) {
  const most = simplex(mix).map((share, i) => (i === k ? -1 : share));
  const other = most.indexOf(Math.max(...most));
  return mix.map((_, i) => (i === k || i === other ? 0.5 : 0));
}

/** The request in words; of a mixture the largest share first.
 * @param {number[]} mix
 * @param {string[]} names */
export function describeMix(mix, names) {
  const only = onlyClass(mix);
  if (only !== null) return `Asked for: ${names[only]}.`;
  const shares = simplex(mix)
    .map((share, k) => ({ share, name: names[k] }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .map(({ share, name }) => `${Math.round(100 * share)}\u00a0% ${name}`);
  return `Asked for a mixture: ${shares.join(", ")}.`;
}

// --- view: builds elements and paints them; never touches the model ---

/** A button per class that shows the class in the present style.
 * @param {string[]} names
 * @param {PictureShape} shape
 * @param {Ink} ink */
function makeChoices(names, shape, ink) {
  const choices = names.map((name) => {
    const picture = makePicture(shape, ink);
    picture.canvas.removeAttribute("role"); // the button's name says what it shows
    picture.canvas.ariaHidden = "true";
    picture.canvas.ariaLabel = null;
    const button = make("button", { type: "button", ariaLabel: `Ask for ${name}` });
    button.append(picture.canvas, make("span", { ariaHidden: "true" }, name));
    return { button, paint: picture.paint };
  });
  const root = make("div", { className: "choices", role: "group", ariaLabel: "Ask for" });
  root.append(...choices.map((choice) => choice.button));
  /** @param {number[]} mix */
  const show = (mix) => {
    const only = onlyClass(mix);
    choices.forEach(({ button }, k) => {
      button.ariaPressed = String(k === only);
    });
  };
  return { root, choices, show };
}

/** A slider per class, folded away: what is not one class is a mixture. Each shows its share.
 * @param {string[]} names */
function makeMixer(names) {
  const range = { min: 0, max: 1, step: 0.01 };
  const sliders = names.map((name) => makeSlider(name, range, `share of ${name}`));
  const half = make("select", {}, make("option", { value: "", textContent: "…" }));
  half.append(...names.map((textContent, value) => make("option", { value, textContent })));
  const clear = button("One class only");
  const note = make("p", {}, "One class has all of the request: raise another to mix them.");
  /** @param {number[]} mix */
  const show = (mix) => {
    half.value = "";
    note.hidden = onlyClass(mix) === null;
    simplex(mix).forEach((share, k) => {
      sliders[k].input.value = String(share);
      sliders[k].value.textContent = `${Math.round(100 * share)}\u00a0%`;
      sliders[k].input.ariaValueText = `${Math.round(100 * share)} % of the request`;
    });
  };
  const root = make("details", { className: "mixer" }, make("summary", {}, "Mix classes"));
  const acts = box("buttons acts", make("label", {}, "Half and half with ", half), clear);
  root.append(box("dials", ...sliders.map((slider) => slider.row)), acts, note);
  return { root, inputs: sliders.map((slider) => slider.input), half, clear, show };
}

/** @param {Data} data */
function buildView(data) {
  /** @type {() => Map<number, string>} */
  const plain = () => new Map(); // every dot in the text's colour
  const follow = make("input", { type: "checkbox" });
  const view = {
    choices: makeChoices(data.names, data.shape, data.ink),
    mixer: makeMixer(data.names),
    pad: makePad(data, plain, { named: false }), // classes lie on one another
    menus: makeMenus(data.latentDim),
    picture: makePicture(data.shape, data.ink),
    dials: makeDials(data.scales),
    zero: button("Middle of the prior"),
    random: button("Random style"),
    undo: button("Undo"),
    follow,
    sentence: makeSentence(),
  };
  const changes = [view.random, view.zero, view.undo];
  const followRow = make("label", { hidden: !data.learned }, follow, "z follows p(z | c)");
  const plane = box("plane", view.pad.root, view.pad.hint, view.menus.root);
  plane.hidden = data.latentDim < 2; // one dimension has no plane, only its slider
  const root = box(
    "latent-explorer conditional-explorer",
    view.choices.root,
    plane,
    box("answer", view.picture.canvas, box("buttons acts", ...changes, followRow)),
    view.mixer.root,
    view.dials.root,
    view.sentence,
  );
  keepKeys(root);
  return { ...view, root };
}

// --- wiring: one function each way ---

/** Everything that stays as it is while the explorer is shown.
 * @param {Model} model */
function readModel(model) {
  /** @type {number[]} */
  const low = model.get("low");
  const steps = model.get("prior_steps");
  return {
    latentDim: low.length,
    scales: low.map((value, d) => sliderScale(value, model.get("high")[d])),
    shape: model.get("image_shape"),
    codes: unpackHalves(model.get("codes")),
    labels: bytesOf(model.get("labels")),
    names: model.get("names"),
    ink: model.get("ink"),
    count: describeCount(
      model.get("codes").byteLength / (2 * low.length),
      model.get("total_codes"),
    ),
    learned: steps.length > 0,
    prior: !steps.length, // the pad's circles are those of N(0, I)
    priorAt: makePrior(
      steps.length ? makeDecoder(steps, unpackHalves(model.get("prior_weights"))) : null,
      low.length,
    ),
    decode: makeDecoder(model.get("steps"), unpackHalves(model.get("weights"))),
  };
}

/**
 * @param {number[]} z
 * @param {Pair} axes
 * @param {number[]} mix
 * @param {Float32Array} pixels
 * @param {Data} data
 */
function describe(z, axes, mix, pixels, { names, shape }) {
  const place = [...new Set(axes.map((d) => `z[${d}] = ${format(z[d])}`))].join(", ");
  return `${describeMix(mix, names)} Style ${place}. ${describePicture(pixels, shape)}`;
}

/** How the view follows the model: the pictures, and the plane under the code.
 * @param {Model} model
 * @param {Data} data
 * @param {View} view
 * @param {{ say: Say }} speaker */
function makePainters(model, data, view, { say }) {
  const { choices } = view.choices;
  let shown = ""; // what the pictures were drawn of, in words
  /**
   * @param {number[]} z
   * @param {number[]} mix
   */
  const showChoices = (z, mix) => {
    const from = data.priorAt(simplex(mix));
    choices.forEach(({ paint }, k) => {
      const request = pure(k, choices.length);
      const style = model.get("follow_prior") ? carry(z, from, data.priorAt(request)) : z;
      paint(data.decode([...style, ...request]));
    });
  };
  const showPictures = () => {
    const [z, mix, axes] = [model.get("z"), model.get("mix"), model.get("axes")];
    showChoices(z, mix);
    const pixels = data.decode([...z, ...simplex(mix)]);
    view.picture.paint(pixels);
    view.choices.show(mix);
    view.mixer.show(mix);
    view.pad.moveTo(z, axes);
    view.dials.show(z);
    view.follow.checked = model.get("follow_prior");
    shown = describe(z, axes, mix, pixels, data); // now: the next decoding overwrites pixels
    say(() => shown);
  };
  const showPlane = () => {
    const axes = model.get("axes");
    view.menus.show(axes);
    view.pad.drawAll(axes, data.labels.length ? onlyClass(model.get("mix")) : null);
    view.pad.moveTo(model.get("z"), axes);
  };
  return { showPictures, showPlane };
}

/** The request: buttons, mixer, and whether z follows.
 * @param {Model} model
 * @param {Data} data
 * @param {View} view
 * @param {Life} life */
function listenToRequest(model, data, view, { listen, write }) {
  /** @param {number[]} mix */
  const priorOf = (mix) => data.priorAt(simplex(mix));
  let mixture = model.get("mix"); // the last one: where a share goes that the only class gives up
  /** @param {number[]} mix */
  const ask = (mix) => {
    if (onlyClass(mix) === null) mixture = mix;
    const z = model.get("z");
    const moved = data.learned && model.get("follow_prior");
    write({ mix, z: moved ? carry(z, priorOf(model.get("mix")), priorOf(mix)) : z });
  };
  view.choices.choices.forEach(({ button }, k) => {
    listen(button, "click", () => ask(pure(k, data.names.length)));
  });
  view.mixer.inputs.forEach((input, k) => {
    listen(input, "input", () => {
      const mix = model.get("mix");
      const others = onlyClass(mix) === k ? mixture : mix;
      const next = withShare(mix, k, Number(input.value), others);
      // nothing to give to: the slider stays
      if (next === mix) view.mixer.show(mix);
      else ask(next);
    });
  });
  listen(view.mixer.half, "change", () => {
    const k = view.mixer.half.value;
    if (k !== "") ask(halved(model.get("mix"), Number(k)));
  });
  listen(view.mixer.clear, "click", () => {
    const mix = model.get("mix");
    ask(pure(mix.indexOf(Math.max(...mix)), mix.length));
  });
  listen(view.follow, "change", () => write({ follow_prior: view.follow.checked }));
  listen(view.zero, "click", () => write({ z: [...priorOf(model.get("mix")).mu] }));
  listen(view.random, "click", () => {
    const { mu, sigma } = priorOf(model.get("mix"));
    write({ z: mu.map((mean, d) => data.scales[d].tidy(mean + sigma[d] * anyNormal())) });
  });
}

/** @param {Mounting} mounting */
function render({ model, el }) {
  const data = readModel(model);
  const view = buildView(data);
  const life = makeLifetime(model, el);
  const speaker = life.makeSpeaker(view.sentence);
  const { showPictures, showPlane } = makePainters(model, data, view, speaker);
  listenToRequest(model, data, view, life);
  listenToUndo(view.undo, "z", model, life);
  listenToDials(view.dials, life, model);
  listenToMenus(view.menus, life, model);
  listenToPad(view.pad, life, model, data.scales);
  life.watch(["z", "mix", "follow_prior", "axes"], showPictures); // axes: the sentence names them
  life.watch(["axes", "mix"], showPlane); // mix: the chosen class's codes stand out
  life.watchTheme(showPlane);
  life.watchSize(view.pad.root, showPlane);
  el.append(view.root);
  showPlane();
  showPictures();
  return life.end;
}

export default { render };
