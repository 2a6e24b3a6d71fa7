// @ts-check
/* KL explorer: move q = N(mu, e^logvar) against p and read the divergence three ways.
 *
 * Traits (mirror kl_explorer.py):
 *   mu       mean of q                   logvar   log of the variance of q, log sigma^2
 *   p_mu     mean of p                   p_logvar log of the variance of p
 *   reverse  false: KL(q || p)           draws    how many draws the estimate takes
 *            true:  KL(p || q)           seed     counts the rows of noise drawn here
 *   limits   the two ends of each slider */

import { draw, fill, keyed, line, linear, makeDrawing, words } from "./parts/drawing.js";
import { box, button, format, keepKeys, make, makeSentence } from "./parts/elements.js";
import { logNormal } from "./parts/gaussian.js";
import { makeLifetime } from "./parts/lifetime.js";
import { noiseRow } from "./parts/noise.js";
import { niceStep } from "./parts/scales.js";
import { listenToDials, makeDials, showDials } from "./parts/trait_dials.js";

// --- pure maths: no DOM, imported by tests/js ---

/** @typedef {{ mu: number, logvar: number }} Gaussian */
/** @typedef {{ p_mu: number, p_logvar: number, reverse: boolean }} Against */
/** @typedef {Gaussian & Against & { draws: number, seed: number }} State */
/** @typedef {{ first: Gaussian, second: Gaussian }} Both */

/** KL( N(muQ, e^logvarQ) || N(muP, e^logvarP) ) in nats, closed form.
 * @param {number} muQ
 * @param {number} logvarQ
 * @param {number} muP
 * @param {number} logvarP */
function klNormals(muQ, logvarQ, muP, logvarP) {
  const d = logvarQ - logvarP;
  return 0.5 * ((muQ - muP) ** 2 * Math.exp(-logvarP) + Math.expm1(d) - d);
}

/** The two distributions in the order of the divergence: the expectation is under `first`.
 * @param {State} state */
function pair({ mu, logvar, p_mu, p_logvar, reverse }) {
  const q = { mu, logvar };
  const p = { mu: p_mu, logvar: p_logvar };
  return reverse ? { first: p, second: q } : { first: q, second: p };
}

/** @param {State} state */
export function closedForm(state) {
  const { first, second } = pair(state);
  return klNormals(first.mu, first.logvar, second.mu, second.logvar);
}

/**
 * @param {number} x
 * @param {Both} pair
 */
const logRatio = (x, { first, second }) =>
  logNormal(x, first.mu, first.logvar) - logNormal(x, second.mu, second.logvar);

/** first(x) log(first(x) / second(x)), the curve whose signed area is the divergence.
 * @param {number} x
 * @param {State} state */
export function integrand(x, state) {
  const both = pair(state);
  return Math.exp(logNormal(x, both.first.mu, both.first.logvar)) * logRatio(x, both);
}

/** Trapezoid rule over 12 standard deviations of `first`: the areas above and below the axis.
 * @param {State} state
 * @param {number} [n] */
export function areas(state, n = 2001) {
  const { first } = pair(state);
  const reach = 12 * Math.exp(0.5 * first.logvar);
  const step = (2 * reach) / (n - 1);
  let [positive, negative] = [0, 0];
  for (let i = 0; i < n; i++) {
    const value = integrand(first.mu - reach + i * step, state) * step;
    if (value > 0) positive += value;
    else negative += value;
  }
  return { positive, negative, value: positive + negative };
}

/** Mean of the log ratio over draws of `first` made from the noise, and its standard error.
 * @param {State} state
 * @param {number[]} noise */
export function estimate(state, noise) {
  const both = pair(state);
  const sigma = Math.exp(0.5 * both.first.logvar);
  const ratios = noise.map((e) => logRatio(both.first.mu + sigma * e, both));
  const value = ratios.reduce((sum, r) => sum + r, 0) / ratios.length;
  const variance = ratios.reduce((sum, r) => sum + (r - value) ** 2, 0) / (ratios.length - 1);
  return { value, stdError: Math.sqrt(variance / ratios.length) };
}

/** @param {number} value */
const fine = (value) => format(value, 3);
/** @param {number} nats */
export const toBits = (nats) => nats / Math.LN2;

/** @param {{ reverse: boolean }} state */
export const nameOf = (state) => (state.reverse ? "KL(p ‖ q)" : "KL(q ‖ p)");

/** What a reader who cannot see the picture needs to know.
 * @param {State} state */
export function describe(state) {
  const value = closedForm(state);
  const sampled = estimate(state, noiseRow(state.seed, state.draws));
  const { positive, negative } = areas(state);
  return (
    `q has mean ${format(state.mu, 2)} and standard deviation ` +
    `${format(Math.exp(0.5 * state.logvar), 2)}; p has mean ${format(state.p_mu, 2)} and ` +
    `standard deviation ${format(Math.exp(0.5 * state.p_logvar), 2)}. ` +
    `${nameOf(state)} is ${fine(value)} nats, or ${fine(toBits(value))} bits: ` +
    `an area of ${fine(positive)} above the axis and ${fine(-negative)} below it. ` +
    `${state.draws} draws estimate it as ${fine(sampled.value)} ` +
    `with a standard error of ${fine(sampled.stdError)}.`
  );
}

// --- view: builds elements and paints them; never touches the model ---

/** @type {Pair} */
const ENDS = [-6, 6];
const FRAME = { left: 46, right: 12, top: 22, bottom: 40 };
const HEIGHT = { densities: 220, integrand: 220 };
const POINTS = Array.from({ length: 481 }, (_, i) => -6 + i / 40);

/** Two to five round numbers from low to high; the axis itself need not end at one.
 * @param {number} low
 * @param {number} high */
export function ticksBetween(low, high) {
  const step = niceStep((high - low) / 4);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => {
    const tick = (first + i) * step;
    return { tick, text: format(tick, digits) };
  });
}

/** Axes with ticks; returns the two scales and the drawn parts.
 * @param {number} width
 * @param {number} height
 * @param {number} low
 * @param {number} high
 * @param {string} label */
function axes(width, height, low, high, label) {
  const { left, right, top, bottom } = FRAME;
  const x = linear(ENDS, left, width - right);
  const y = linear([low, high], height - bottom, top);
  const parts = [
    line(left, y(0), width - right, y(0), "axis"),
    line(left, top, left, y(low), "axis"),
  ];
  for (const tick of [-6, -4, -2, 0, 2, 4, 6]) {
    parts.push(words(x(tick), height - bottom + 16, format(tick, 0), "middle", "small"));
  }
  for (const { tick, text } of ticksBetween(low, high)) {
    parts.push(words(left - 6, y(tick) + 4, text, "end", "small"));
  }
  parts.push(words((left + width - right) / 2, height - 6, "x"));
  parts.push(words(left + 8, top - 8, label, "start"));
  return { x, y, parts };
}

/**
 * @param {number[][]} points
 * @param {Straight} x
 * @param {Straight} y
 */
const course = (points, x, y) =>
  points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");

/**
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {State} state
 */
function paintDensities(svg, width, state) {
  // the axis grows with the higher peak, without a jump
  const top = 0.44 * Math.exp(-0.5 * Math.min(state.logvar, state.p_logvar));
  const { x, y, parts } = axes(width, HEIGHT.densities, 0, top, "density");
  /** @type {(mu: number, logvar: number) => Pair[]} */
  const curve = (mu, logvar) => POINTS.map((z) => [z, Math.exp(logNormal(z, mu, logvar))]);
  const moving = curve(state.mu, state.logvar);
  parts.push(
    draw("polyline", { points: course(curve(state.p_mu, state.p_logvar), x, y), class: "prior" }),
  );
  parts.push(draw("polyline", { points: course(moving, x, y), class: "moving" }));
  fill(svg, width, HEIGHT.densities, parts);
}

/** The signed integrand: the area above the axis plain, the area below it hatched.
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {State} state
 * @param {string} hatch */
function paintIntegrand(svg, width, state, hatch) {
  const values = POINTS.map((z) => [z, integrand(z, state)]);
  /** @param {number} sign */
  const most = (sign) => 1.1 * Math.max(0.05, ...values.map(([, v]) => sign * v));
  const high = Math.max(most(1), most(-1) / 4);
  const low = -Math.max(most(-1), most(1) / 4);
  const name = "integrand (nats per unit of x)";
  const { x, y, parts } = axes(width, HEIGHT.integrand, low, high, name);
  /** @param {number} sign */
  const area = (sign) => {
    const inside = values.map(([z, v]) => [z, sign * v > 0 ? v : 0]);
    return course([[-6, 0], ...inside, [6, 0]], x, y);
  };
  const [patternUnits, patternTransform] = ["userSpaceOnUse", "rotate(45)"];
  const tile = { id: hatch, width: 6, height: 6, patternUnits, patternTransform };
  const pattern = draw("pattern", tile, line(0, 0, 0, 6, "hatch"));
  parts.push(draw("defs", {}, pattern), draw("polygon", { points: area(1), class: "up" }));
  parts.push(draw("polygon", { points: area(-1), class: "down" }));
  parts.push(draw("polygon", { points: area(-1), fill: `url(#${hatch})` }));
  parts.push(draw("polyline", { points: course(values, x, y), class: "curve" }));
  fill(svg, width, HEIGHT.integrand, parts);
}

/** One row a way to compute the divergence: nats and bits. */
function makeTable() {
  const names = ["closed form", "integral", "sample"];
  const cells = names.map(() => [make("td"), make("td")]);
  const rows = names.map((name, i) =>
    make("tr", {}, make("th", { scope: "row", textContent: name }), ...cells[i]),
  );
  const title = make("th", { scope: "col" });
  /** @param {string} textContent */
  const heading = (textContent) => make("th", { scope: "col", textContent });
  const head = make("tr", {}, title, heading("nats"), heading("bits"));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  /**
   * @param {string} name
   * @param {string[][]} lines
   */
  const show = (name, lines) => {
    title.textContent = name;
    lines.forEach((pair_, i) => {
      pair_.forEach((text, j) => {
        cells[i][j].textContent = text;
      });
    });
  };
  return { table, show };
}

let hatches = 0; // an SVG pattern needs an id, and a page may show the widget twice

/** @param {Limits} limits */
function buildView(limits) {
  /** @param {number} n */
  const option = (n) => make("option", { value: n, textContent: n.toLocaleString("en") });
  const view = {
    hatch: `kl-hatch-${++hatches}-${Math.random().toString(36).slice(2)}`,
    densities: makeDrawing("Densities of q and p"),
    integrand: makeDrawing("The integrand of the divergence, with its signed areas"),
    dials: makeDials({ mu: "mean μ of q", logvar: "log σ² of q" }, limits),
    dialsOfP: makeDials({ p_mu: "mean of p", p_logvar: "log σ² of p" }, limits),
    reverse: make("input", { type: "checkbox" }),
    draws: make("select", { ariaLabel: "number of draws" }, ...[10, 100, 1000].map(option)),
    again: button("Draw again"),
    over: button("Start over"),
    nameOfP: keyed("prior", ""),
    table: makeTable(),
    sentence: makeSentence(),
  };
  const toggle = make("label", { className: "toggle" }, view.reverse, "other direction: KL(p ‖ q)");
  const count = make("label", {}, "draws", view.draws);
  const ofP = box("dials", ...view.dialsOfP.map((dial) => dial.row));
  /** @param {...Node} names */
  const key = (...names) => make("p", { className: "key" }, ...names);
  const upper = key(keyed("moving", "q = N(μ, σ²)"), view.nameOfP);
  const lower = key(keyed("up", "counts up"), keyed("down", "counts down"));
  const root = box(
    "kl-explorer",
    box("dials", ...view.dials.map((dial) => dial.row)),
    make("details", { className: "wide" }, make("summary", {}, "Move p too"), ofP),
    box("choices", toggle, box("acts", count, view.again, view.over)),
    box("panel", view.densities, upper),
    box("panel", view.integrand, lower),
    view.table.table,
    view.sentence,
  );
  keepKeys(root);
  return { ...view, root };
}

/** @param {State} state */
function tableRows(state) {
  const sampled = estimate(state, noiseRow(state.seed, state.draws));
  /** @param {number} value */
  const both = (value) => [fine(value), fine(toBits(value))];
  /** @param {Straight} scale */
  const bar = (scale) => `${fine(scale(sampled.value))} ± ${fine(scale(sampled.stdError))}`;
  return [both(closedForm(state)), both(areas(state).value), [bar((v) => v), bar(toBits)]];
}

// --- wiring: one function each way ---

const NAMES = ["mu", "logvar", "p_mu", "p_logvar", "reverse", "draws", "seed"];

/** @param {State} state */
const nameOfP = ({ p_mu, p_logvar }) =>
  `p = N(${format(p_mu, p_mu ? 2 : 0)}, ${format(Math.exp(p_logvar), p_logvar ? 2 : 0)})`;

/** @param {Mounting} mounting */
function render({ model, el }) {
  const view = buildView(model.get("limits"));
  const life = makeLifetime(model, el);
  const { listen, write } = life;
  const { say } = life.makeSpeaker(view.sentence);
  const first = life.read(NAMES);
  const dials = [...view.dials, ...view.dialsOfP];
  const show = () => {
    const state = life.read(NAMES);
    showDials(dials, state);
    if (view.nameOfP.lastChild) view.nameOfP.lastChild.textContent = nameOfP(state);
    view.reverse.checked = state.reverse;
    view.draws.value = state.draws;
    if (view.densities.clientWidth) {
      paintDensities(view.densities, view.densities.clientWidth, state);
      paintIntegrand(view.integrand, view.integrand.clientWidth, state, view.hatch);
    }
    view.table.show(nameOf(state), tableRows(state));
    say(() => describe(state));
  };

  listenToDials(dials, listen, write);
  listen(view.reverse, "change", () => write({ reverse: view.reverse.checked }));
  listen(view.draws, "change", () => write({ draws: Number(view.draws.value) }));
  listen(view.again, "click", () => write({ seed: model.get("seed") + 1 }));
  listen(view.over, "click", () => write(first));
  life.watch(NAMES, show);
  life.watchSize(view.root, show);
  el.append(view.root);
  show();
  return life.end;
}

export default { render };
