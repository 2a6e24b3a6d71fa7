/* Conditional explorer: choose what to ask for (c) and in which style (z); see what is drawn.
 *
 * Traits (mirror conditional_explorer.py; N codes, L latent dimensions, C classes):
 *   mix [C]          weight of each class; c is its share, a point of the simplex
 *   z [L]            the code shown           axes [2]  latent dimensions on the pad: across, up
 *   follow_prior     with a learned p(z|c): whether z moves along with it when c changes
 *   steps, weights   decoder from [z, c] to pixels        prior_steps, prior_weights  from c to
 *                    [mu, logvar] of p(z|c), or empty for N(0, I)
 *   codes (N, L) and labels (N,) of test pictures; names by class; low, high [L]; image_shape; ink
 * This file writes mix, z, axes and follow_prior. */

import { carry, makePrior } from "./conditional_prior.js";
import { SPEAK_AFTER, format, make } from "./elements.js";
import {
  describeInk, listenToPad, makeDecoder, makeDials, makeMenus, makePad, makePicture, onThemeChange,
  sliderScale, standardNormal, unpackHalves,
} from "./latent_explorer.js";

// --- pure maths: no DOM, imported by tests/js ---

/** Shares of the classes: at least 0, summing to 1. */
export function simplex(mix) {
  const total = mix.reduce((sum, weight) => sum + weight, 0);
  return mix.map((weight) => weight / total);
}

/** All weight on one of `count` classes. */
export const pure = (chosen, count) => Array.from({ length: count }, (_, k) => Number(k === chosen));

/** The one class that has all the weight, or null for a mixture. */
export function onlyClass(mix) {
  const given = mix.flatMap((weight, k) => (weight > 0 ? [k] : []));
  return given.length === 1 ? given[0] : null;
}

/** The request in words; of a mixture the largest share first. */
export function describeMix(mix, names) {
  const only = onlyClass(mix);
  if (only !== null) return `Asked for: ${names[only]}.`;
  const shares = simplex(mix)
    .map((share, k) => ({ share, name: names[k] }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .map(({ share, name }) => `${Math.round(100 * share)} % ${name}`);
  return `Asked for a mixture: ${shares.join(", ")}.`;
}

// --- view: builds elements and paints them; never touches the model ---

/** A button per class that shows the class in the present style. */
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
  const show = (mix) => {
    const only = onlyClass(mix);
    choices.forEach(({ button }, k) => (button.ariaPressed = String(k === only)));
  };
  return { root, choices, show };
}

/** A slider per class, folded away: what is not one class is a mixture. */
function makeMixer(names) {
  const sliders = names.map((name) => {
    const input = make("input", { type: "range", ariaLabel: `weight of ${name}` });
    Object.assign(input, { min: 0, max: 1, step: 0.01 });
    const value = make("span", { className: "value", ariaHidden: "true" });
    return { input, value, row: make("label", {}, make("span", {}, name), input, value) };
  });
  const show = (mix) => {
    simplex(mix).forEach((share, k) => {
      sliders[k].input.value = mix[k];
      sliders[k].value.textContent = `${Math.round(100 * share)} %`;
      sliders[k].input.ariaValueText = `${Math.round(100 * share)} % of the request`;
    });
  };
  const root = make("details", { className: "mixer" }, make("summary", {}, "Mix classes"));
  root.append(make("div", { className: "dials" }, ...sliders.map((slider) => slider.row)));
  return { root, inputs: sliders.map((slider) => slider.input), show };
}

function buildView(data) {
  const button = (textContent) => make("button", { type: "button", textContent });
  const noLegend = { colours: () => new Map() }; // every dot in the text's colour
  const unnamed = { ...data, names: data.names.map(() => "") }; // classes lie on one another
  const follow = make("input", { type: "checkbox" });
  const view = {
    choices: makeChoices(data.names, data.shape, data.ink),
    mixer: makeMixer(data.names),
    pad: makePad(unnamed, noLegend),
    menus: makeMenus(data.latentDim),
    picture: makePicture(data.shape, data.ink),
    dials: makeDials(data.scales),
    zero: button("Middle of the prior"),
    random: button("Random style"),
    follow,
    sentence: make("p", { className: "sentence", role: "status", ariaLive: "polite" }),
  };
  const box = (className, ...children) => make("div", { className }, ...children);
  const followRow = make("label", { hidden: !data.learned }, follow, "z follows p(z | c)");
  view.root = box(
    "latent-explorer conditional-explorer",
    view.choices.root,
    box("plane", view.pad.root, view.menus.root),
    box("answer", view.picture.canvas, box("buttons", view.random, view.zero, followRow)),
    view.mixer.root,
    view.dials.root,
    view.sentence,
  );
  // Else JupyterLab takes the arrows and Enter for its cells; it asks the focused element first.
  for (const control of view.root.querySelectorAll("input, select, button, summary, .pad")) {
    control.dataset.lmSuppressShortcuts = "";
  }
  return view;
}

// --- wiring: one function each way; everything added here is removed in render's return value ---

/** Everything that stays as it is while the explorer is shown. */
function readModel(model) {
  const low = model.get("low");
  const labels = model.get("labels");
  const steps = model.get("prior_steps");
  return {
    latentDim: low.length,
    scales: low.map((value, d) => sliderScale(value, model.get("high")[d])),
    shape: model.get("image_shape"),
    codes: unpackHalves(model.get("codes")),
    labels: new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength),
    names: model.get("names"),
    ink: model.get("ink"),
    learned: steps.length > 0,
    prior: !steps.length, // the pad's circles are those of N(0, I)
    priorAt: makePrior(
      steps.length ? makeDecoder(steps, unpackHalves(model.get("prior_weights"))) : null,
      low.length,
    ),
    decode: makeDecoder(model.get("steps"), unpackHalves(model.get("weights"))),
  };
}

function describe(z, axes, mix, pixels, { names, shape }) {
  const place = [...new Set(axes.map((d) => `z[${d}] = ${format(z[d])}`))].join(", ");
  return `${describeMix(mix, names)} Style ${place}. ${describeInk(pixels, shape)}`;
}

function render({ model, el }) {
  const data = readModel(model);
  const view = buildView(data);
  const stop = new AbortController();
  const listen = (target, type, handler) =>
    target.addEventListener(type, handler, { signal: stop.signal });
  let timer = 0;

  const priorOf = (mix) => data.priorAt(simplex(mix));
  const showPicture = () => {
    const [z, mix, axes] = [model.get("z"), model.get("mix"), model.get("axes")];
    const { choices } = view.choices;
    const from = priorOf(mix);
    choices.forEach(({ paint }, k) => {
      const request = pure(k, choices.length);
      const style = model.get("follow_prior") ? carry(z, from, data.priorAt(request)) : z;
      paint(data.decode([...style, ...request]));
    });
    const pixels = data.decode([...z, ...simplex(mix)]);
    view.picture.paint(pixels);
    view.choices.show(mix);
    view.mixer.show(mix);
    view.pad.moveTo(z, axes);
    view.dials.show(z);
    view.follow.checked = model.get("follow_prior");
    clearTimeout(timer);
    const words = describe(z, axes, mix, pixels, data); // now: the next decoding overwrites pixels
    const speak = () => (view.sentence.textContent = words);
    if (view.sentence.textContent) timer = setTimeout(speak, SPEAK_AFTER);
    else speak();
  };
  const showPlane = () => {
    view.menus.show(model.get("axes"));
    view.pad.drawAll(model.get("axes"), data.labels.length ? onlyClass(model.get("mix")) : null);
    view.pad.moveTo(model.get("z"), model.get("axes"));
  };
  const setTraits = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const setMix = (mix) => {
    if (!(mix.reduce((sum, weight) => sum + weight, 0) > 0)) return showPicture(); // nothing asked
    const z = model.get("z");
    const moved = data.learned && model.get("follow_prior");
    setTraits({ mix, z: moved ? carry(z, priorOf(model.get("mix")), priorOf(mix)) : z });
  };
  const setValues = (pairs) => {
    const z = [...model.get("z")]; // a new list: the model compares by identity
    for (const [d, value] of pairs) z[d] = value;
    setTraits({ z });
  };

  view.choices.choices.forEach(({ button }, k) =>
    listen(button, "click", () => setMix(pure(k, data.names.length))),
  );
  view.mixer.inputs.forEach((input, k) =>
    listen(input, "input", () =>
      setMix(model.get("mix").map((weight, i) => (i === k ? Number(input.value) : weight))),
    ),
  );
  view.dials.inputs.forEach((input, d) =>
    listen(input, "input", () => setValues([[d, Number(input.value)]])),
  );
  listen(view.zero, "click", () => setTraits({ z: [...priorOf(model.get("mix")).mu] }));
  listen(view.random, "click", () => {
    const { mu, sigma } = priorOf(model.get("mix"));
    const draw = () => standardNormal(Math.random(), Math.random());
    setTraits({ z: mu.map((mean, d) => data.scales[d].tidy(mean + sigma[d] * draw())) });
  });
  listen(view.follow, "change", () => setTraits({ follow_prior: view.follow.checked }));
  view.menus.selects.forEach((select, i) =>
    listen(select, "change", () => {
      const axes = [...model.get("axes")];
      const old = axes[i];
      axes[i] = Number(select.value);
      if (axes[0] === axes[1]) axes[1 - i] = old; // the same one twice: let them trade places
      setTraits({ axes });
    }),
  );
  const current = () =>
    model.get("axes").map((d) => ({ value: model.get("z")[d], scale: data.scales[d] }));
  listenToPad(view.pad, listen, current, (values) =>
    setValues(model.get("axes").map((d, i) => [d, values[i]])),
  );

  const heard = { z: showPicture, follow_prior: showPicture, axes: showPlane };
  heard.mix = () => {
    showPlane(); // the chosen class's codes stand out
    showPicture();
  };
  for (const [trait, show] of Object.entries(heard)) model.on(`change:${trait}`, show);
  onThemeChange(showPlane, stop.signal);
  const resized = new ResizeObserver(showPlane); // also fires when the pad is first laid out
  resized.observe(view.pad.root);
  el.append(view.root);
  showPlane();
  showPicture();
  return () => {
    stop.abort();
    resized.disconnect();
    clearTimeout(timer);
    for (const [trait, show] of Object.entries(heard)) model.off(`change:${trait}`, show);
    el.replaceChildren();
  };
}

export default { render };
