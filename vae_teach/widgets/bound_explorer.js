// @ts-check
/* BoundExplorer: a Gaussian q over the exact posterior; ELBO + KL(q || p(z|x)) = log p(x).
 *
 * The model: p(z) = N(0, 1), p(x|z) = N(z^2, sigma_x^2). Nats throughout.
 * Traits (mirror bound_explorer.py):
 *   mu       mean of q          logvar   log of q's variance, log sigma^2
 *   x        the data point     sigma_x  observation noise of the model
 *   limits   the two ends of each slider */

import { draw, fill, keyed, line, linear, makeDrawing, words } from "./parts/drawing.js";
import { box, button, format, keepKeys, make, makeSentence } from "./parts/elements.js";
import { logNormal } from "./parts/gaussian.js";
import { makeLifetime } from "./parts/lifetime.js";
import { clamp, niceStep } from "./parts/scales.js";
import { listenToDials, makeDials, showDials } from "./parts/trait_dials.js";

// --- pure maths: no DOM, imported by tests/js ---

/** @typedef {{ mu: number, logvar: number }} Gaussian */
/** @typedef {{ x: number, sigma_x: number }} Noisy */
/** @typedef {Gaussian & Noisy} State */
/** @typedef {ReturnType<typeof account>} Numbers */

const LOG_2PI = Math.log(2 * Math.PI);

/** log p(x, z) = log p(x|z) + log p(z).
 * @param {number} z
 * @param {Noisy} state */
function logJoint(z, { x, sigma_x }) {
  return logNormal(x, z * z, 2 * Math.log(sigma_x)) + logNormal(z, 0, 0);
}

/** n points from low to high and what the trapezoid rule weighs them by.
 * @param {number} low
 * @param {number} high
 * @param {number} n */
function trapezoid(low, high, n) {
  const step = (high - low) / (n - 1);
  const points = Array.from({ length: n }, (_, i) => low + i * step);
  return { points, weights: points.map((_, i) => (i % (n - 1) === 0 ? step / 2 : step)) };
}

const PRIOR_GRID = trapezoid(-8, 8, 3201); // N(0, 1) has 1e-15 of its mass outside

/** log p(x): the log of the integral of p(x, z) over z, the largest term taken out first.
 * @param {Noisy} state */
export function logEvidence({ x, sigma_x }) {
  const terms = PRIOR_GRID.points.map((z) => logJoint(z, { x, sigma_x }));
  const most = terms.reduce((a, b) => Math.max(a, b));
  const sum = terms.reduce((total, t, i) => total + PRIOR_GRID.weights[i] * Math.exp(t - most), 0);
  return most + Math.log(sum);
}

/** The bound, exactly: E[z^2] = mu^2 + v and E[z^4] = mu^4 + 6 mu^2 v + 3 v^2 under q.
 * @param {State} state */
export function bound({ mu, logvar, x, sigma_x }) {
  const [m, v] = [mu * mu, Math.exp(logvar)];
  const error = x * x - 2 * x * (m + v) + m * m + 6 * m * v + 3 * v * v; // E[(x - z^2)^2]
  const likelihood = -0.5 * LOG_2PI - Math.log(sigma_x) - error / (2 * sigma_x ** 2);
  const kl = 0.5 * (m + Math.expm1(logvar) - logvar); // KL(q || p(z))
  return { likelihood, kl, elbo: likelihood - kl };
}

/** How steeply the ELBO rises with mu and with log sigma^2.
 * @param {State} state */
export function slope({ mu, logvar, x, sigma_x }) {
  const v = Math.exp(logvar);
  return {
    mu: (2 * mu * (x - mu * mu - 3 * v)) / sigma_x ** 2 - mu,
    logvar: (v * (x - 3 * mu * mu - 3 * v)) / sigma_x ** 2 - 0.5 * Math.expm1(logvar),
  };
}

/** KL(q || p(z|x)) from its definition, without the bound, on a grid of 9 sigma around mu.
 * @param {State} state
 * @param {number} [evidence] */
export function gap(state, evidence = logEvidence(state)) {
  const { mu, logvar } = state;
  const reach = 9 * Math.exp(0.5 * logvar);
  const { points, weights } = trapezoid(mu - reach, mu + reach, 361);
  return points.reduce((sum, z, i) => {
    const logQ = logNormal(z, mu, logvar);
    return sum + weights[i] * Math.exp(logQ) * (logQ - logJoint(z, state) + evidence);
  }, 0);
}

/** Every number of the table.
 * @param {State} state */
export function account(state) {
  const evidence = logEvidence(state);
  const between = gap(state, evidence);
  const parts = bound(state);
  return { ...parts, gap: between, sum: parts.elbo + between, evidence };
}

/** One gradient step on the ELBO that never lowers it (Armijo); null where none raises it.
 * @param {State} state
 * @param {Limits} limits */
export function climb(state, limits) {
  const up = slope(state);
  const now = bound(state).elbo;
  // at most 0.3 long: far from the posterior the slope is in the hundreds
  for (let rate = Math.min(0.2, 0.3 / Math.hypot(up.mu, up.logvar)); rate > 1e-9; rate /= 2) {
    const mu = clamp(state.mu + rate * up.mu, ...limits.mu);
    const logvar = clamp(state.logvar + rate * up.logvar, ...limits.logvar);
    const promised = (mu - state.mu) * up.mu + (logvar - state.logvar) * up.logvar;
    const gain = bound({ ...state, mu, logvar }).elbo - now;
    if (gain > 0 && gain >= 0.1 * promised) return { mu, logvar };
  }
  return null;
}

/** Whether the ELBO is so level that a climb has come to its end.
 * @param {State} state */
export function isLevel(state) {
  const up = slope(state);
  return Math.hypot(up.mu, up.logvar) < 0.01;
}

/** The axis of nats: whole numbers that hold log p(x) and the most any log-likelihood can be.
 * @param {Noisy} state
 * @param {number} [evidence]
 * @returns {Pair} */
export function axis({ x, sigma_x }, evidence = logEvidence({ x, sigma_x })) {
  return [Math.floor(evidence) - 6, Math.ceil(-0.5 * LOG_2PI - Math.log(sigma_x)) + 0];
}

/** What a reader who cannot see the picture needs to know.
 * @param {State} state */
export function describe(state) {
  const { elbo, gap: between, sum } = account(state);
  return (
    `q has μ = ${format(state.mu)} and σ = ${format(Math.exp(0.5 * state.logvar))}. ` +
    `The ELBO is ${format(elbo, 3)} nats and the gap ${format(between, 3)}; ` +
    `together they are ${format(sum, 3)}, which is log p(x).` +
    (isLevel(state) ? " The ELBO is level here: no small move of q raises it." : "")
  );
}

// --- view: builds elements and paints them; never touches the model ---

// the name of q, where it is off the sheet, has a line to itself under that of the axis
const DENSITY = {
  height: 246,
  left: 40,
  right: 10,
  top: 38,
  bottom: 40,
  ends: /** @type {Pair} */ ([-4, 4]),
  points: 401,
};
const BARS = { height: 172, side: 16, first: 60, second: 112, thick: 18, bottom: 134 };

/** A tick's step that leaves at most seven ticks on the axis.
 * @param {number} length */
const tickStep = (length) => niceStep(length / 7);

/** Prior dashed, posterior filled, q a solid line; the height is set by the posterior alone.
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {State} state
 * @param {number} evidence
 * @param {Gaussian[]} trail */
function paintDensities(svg, width, state, evidence, trail) {
  const { height, left, right, top, bottom, ends, points } = DENSITY;
  const { points: zs } = trapezoid(...ends, points);
  const posterior = zs.map((z) => Math.exp(logJoint(z, state) - evidence));
  // q on one hump of two is twice as high as that hump
  const most = 2.3 * Math.max(...posterior, 0.4);
  const x = linear(ends, left, width - right);
  const y = linear([0, most], height - bottom, top);
  /** @param {number[]} values */
  const course = (values) =>
    values.map((p, i) => `${x(zs[i]).toFixed(1)},${y(Math.min(p, most)).toFixed(1)}`).join(" ");
  const parts = [];
  const filled = `${x(ends[0])},${y(0)} ${course(posterior)} ${x(ends[1])},${y(0)}`;
  parts.push(draw("polygon", { points: filled, class: "posterior" }));
  parts.push(line(left, y(0), width - right, y(0), "axis"), line(left, top, left, y(0), "axis"));
  for (const tick of [-4, -2, 0, 2, 4]) {
    parts.push(line(x(tick), y(0), x(tick), y(0) + 4, "axis"));
    parts.push(words(x(tick), y(0) + 17, format(tick, 0), "middle", "small"));
  }
  for (let tick = 0, step = tickStep(1.4 * most); tick <= most; tick += step) {
    parts.push(words(left - 6, y(tick) + 4, format(tick, step < 1 ? 1 : 0), "end", "small"));
  }
  parts.push(words((left + width - right) / 2, height - 6, "latent z"));
  parts.push(words(left + 6, 14, "density", "start"));
  const prior = zs.map((z) => Math.exp(logNormal(z, 0, 0)));
  parts.push(draw("polyline", { points: course(prior), class: "prior" }));
  if (trail.length) parts.push(paintTrail([...trail, state], x, y, most));
  parts.push(paintQ(state, x, y, most));
  fill(svg, width, height, parts);
}

/** @param {Gaussian} q */
const peakOf = ({ mu, logvar }) => Math.exp(logNormal(mu, mu, logvar));

/** Where the top of q has been on the climb.
 * @param {Gaussian[]} trail
 * @param {Straight} x
 * @param {Straight} y
 * @param {number} most */
function paintTrail(trail, x, y, most) {
  const tops = trail.map((q) => `${x(q.mu).toFixed(1)},${y(Math.min(peakOf(q), most)).toFixed(1)}`);
  return draw("polyline", { points: tops.join(" "), class: "trail" });
}

/** q as a line through points of its own: a narrow q would fall between those of the others.
 * @param {Gaussian} q
 * @param {Straight} x
 * @param {Straight} y
 * @param {number} most */
function paintQ({ mu, logvar }, x, y, most) {
  const reach = 5 * Math.exp(0.5 * logvar);
  const [low, high] = DENSITY.ends;
  const inside = trapezoid(mu - reach, mu + reach, 161).points.filter((z) => low <= z && z <= high);
  /** @param {number} z */
  const density = (z) => Math.exp(logNormal(z, mu, logvar));
  /** @param {number} z */
  const height = (z) => y(Math.min(density(z), most)).toFixed(1);
  const points = inside.map((z) => `${x(z).toFixed(1)},${height(z)}`);
  const peak = peakOf({ mu, logvar });
  const name = peak > most ? `q ↑ to ${format(peak, 1)}` : "q";
  const curve = draw("polyline", { points: points.join(" "), class: "q" });
  return curve + words(x(mu), y(Math.min(peak, most)) - 7, name, "middle", "name");
}

/** Two bars on one axis: what the ELBO is made of, and how far it is below log p(x).
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {State} state
 * @param {Numbers} numbers
 * @param {{ elbo: number }[]} trail */
function paintBars(svg, width, state, { likelihood, elbo, evidence }, trail) {
  const { height, side, first, second, thick, bottom } = BARS;
  const ends = axis(state, evidence);
  const x = linear(ends, side, width - side);
  const cut = elbo < ends[0];
  /** @param {number} value */
  const at = (value) => x(clamp(value, ...ends));
  /**
   * @param {number} from
   * @param {number} to
   * @param {number} y
   * @param {string} kind
   */
  const bar = (from, to, y, kind) =>
    draw("rect", { x: at(from), y, width: at(to) - at(from), height: thick, class: kind });
  const parts = [
    bar(elbo, likelihood, first, "cost"),
    bar(ends[0], elbo, second, "elbo"),
    bar(elbo, evidence, second, "gap"),
  ];
  if (likelihood >= ends[0]) {
    parts.push(line(at(likelihood), first - 3, at(likelihood), first + thick + 3, "end"));
  }
  if (cut) parts.push(leftArrow(side, first, thick), leftArrow(side, second, thick));
  else parts.push(line(at(elbo), first, at(elbo), second + thick + 3, "end"));
  for (const { elbo: passed } of trail) {
    parts.push(line(at(passed), second + thick - 5, at(passed), second + thick, "trail"));
  }
  parts.push(line(x(evidence), 22, x(evidence), bottom, "evidence"));
  const name = `log p(x) = ${format(evidence, 3)}`;
  parts.push(words(x(evidence), 14, name, anchorAt(x(evidence), width)));
  parts.push(words(side, first - 8, "E[log p(x|z)] − KL(q‖p(z))", "start"));
  parts.push(words(side, second - 8, "ELBO + gap", "start"));
  parts.push(line(side, bottom, width - side, bottom, "axis"));
  for (let tick = ends[0], step = tickStep(ends[1] - ends[0]); tick <= ends[1]; tick += step) {
    parts.push(line(x(tick), bottom, x(tick), bottom + 4, "axis"));
    parts.push(words(x(tick), bottom + 17, format(tick, 0), "middle", "small"));
  }
  parts.push(words(width / 2, height - 4, "nats"));
  fill(svg, width, height, parts);
}

/** Words at the axis' right end grow leftwards.
 * @param {number} x
 * @param {number} width */
const anchorAt = (x, width) => (x > width - 80 ? "end" : "middle");

/** The bar goes on beyond the axis.
 * @param {number} x
 * @param {number} y
 * @param {number} thick */
function leftArrow(x, y, thick) {
  const d = `M${x},${y} L${x - 12},${y + thick / 2} L${x},${y + thick} Z`;
  return draw("path", { d, class: "beyond" });
}

const ROWS = [
  ["expected log-likelihood", "likelihood"],
  ["− KL to the prior", "kl"],
  ["= ELBO", "elbo"],
  ["+ gap, KL(q‖p(z|x))", "gap"],
  ["= sum", "sum"],
  ["log p(x), by integration", "evidence"],
];

function makeTable() {
  const rows = ROWS.map(([name, key]) => {
    const cell = make("td");
    const heading = make("th", { scope: "row", textContent: name });
    const row = make("tr", { className: key }, heading, cell);
    return { row, cell, key };
  });
  const caption = make("caption", { textContent: "In nats, each rounded by itself" });
  const table = make("table", {}, caption, make("tbody", {}, ...rows.map(({ row }) => row)));
  /** @param {Record<string, number>} numbers */
  const show = (numbers) => {
    for (const { cell, key } of rows) cell.textContent = format(numbers[key], 3);
  };
  return { table, show };
}

const DIALS = {
  mu: "mean μ of q",
  logvar: "log σ² of q",
  x: "data point x",
  sigma_x: "noise σₓ of the model",
};

/** @param {Limits} limits */
function buildView(limits) {
  const view = {
    densities: makeDrawing("Densities over z: prior, posterior and q"),
    bars: makeDrawing("Nats: the parts of the ELBO, and its gap to log p(x)"),
    dials: makeDials(DIALS, limits),
    climb: button("Climb"),
    step: button("One step"),
    over: button("Start over"),
    note: make("span", { ariaLive: "polite" }),
    trailKey: keyed("trail", "the climb so far"),
    table: makeTable(),
    sentence: makeSentence(),
  };
  const key = make("p", { className: "key" });
  key.append(keyed("prior", "prior p(z)"), keyed("posterior", "posterior p(z|x)"));
  key.append(keyed("q", "q(z)"), view.trailKey);
  const parts = make("p", { className: "key" });
  parts.append(keyed("cost", "KL(q‖p(z))"), keyed("elbo", "up to the ELBO"), keyed("gap", "gap"));
  const root = box(
    "bound-explorer",
    box("dials", ...view.dials.map((dial) => dial.row)),
    box("choices acts", view.climb, view.step, view.over, view.note),
    box("panel", view.densities, key),
    box("panel", view.bars, parts, view.table.table),
    view.sentence,
  );
  keepKeys(root);
  return { ...view, root };
}

// --- wiring: one function each way ---

const EVERY = 25; // ms a step: a climb is over in some seconds
const NAMES = ["mu", "logvar", "x", "sigma_x"];

/** Climb by itself: one step after another, or all at once where motion is not wanted.
 * @param {() => boolean} step */
function makeWalk(step) {
  let timer = 0;
  const walk = () => {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    while (step()) {
      if (!still) {
        timer = setTimeout(walk, EVERY);
        return;
      }
    }
  };
  return { start: walk, halt: () => clearTimeout(timer) };
}

/** Steps uphill, and where they have led.
 * @param {() => State} read
 * @param {Write} write
 * @param {HTMLElement} note
 * @param {Limits} limits */
function makeClimber(read, write, note, limits) {
  /** @type {(Gaussian & { elbo: number })[]} */
  const trail = []; // { mu, logvar, elbo } before each step
  const top = () => {
    note.textContent = "At the top: no small move of q raises the ELBO.";
    return false;
  };
  /** One step; false at the top. */
  const step = () => {
    const state = read();
    const next = isLevel(state) ? null : climb(state, limits);
    if (!next) return top();
    note.textContent = "";
    trail.push({ mu: state.mu, logvar: state.logvar, elbo: bound(state).elbo });
    write(next);
    return true;
  };
  const forget = () => {
    note.textContent = "";
    trail.length = 0;
  };
  return { trail, step, forget };
}

/** @param {Mounting} mounting */
function render({ model, el }) {
  const limits = model.get("limits");
  const view = buildView(limits);
  const life = makeLifetime(model, el);
  const { listen, write } = life;
  const { say } = life.makeSpeaker(view.sentence);
  const read = () => life.read(NAMES);
  const first = read();
  const { trail, step, forget } = makeClimber(read, write, view.note, limits);
  const show = () => {
    const state = read();
    const numbers = account(state);
    showDials(view.dials, state);
    view.trailKey.hidden = !trail.length;
    const width = view.densities.clientWidth;
    if (width) {
      paintDensities(view.densities, width, state, numbers.evidence, trail);
      paintBars(view.bars, view.bars.clientWidth, state, numbers, trail);
    }
    view.table.show(numbers);
    say(() => describe(state));
  };
  const walk = makeWalk(step);
  life.onEnd(walk.halt);
  /** Whatever the reader does next ends a climb that is under way.
   * @type {(deed: (values: any) => void) => (values?: any) => void} */
  const act = (deed) => (values) => {
    walk.halt();
    deed(values);
  };
  const leave = act((values) => {
    forget();
    write(values);
  });

  listenToDials(view.dials, listen, leave);
  listen(view.climb, "click", act(walk.start));
  listen(view.step, "click", act(step));
  listen(view.over, "click", () => leave(first));
  life.watch(NAMES, show);
  life.watchSize(view.root, show);
  el.append(view.root);
  show();
  return life.end;
}

export default { render };
