// @ts-check
/* Reparameterization: a row of noise, the samples z = mu + sigma eps, and the average of z^2.
 *
 * Traits (mirror reparameterization.py):
 *   mu       mean                        logvar   log of the variance, log sigma^2
 *   eps [N]  the row of noise            redraw   true: new noise at every move
 *   seed     counts the rows of noise drawn here; with it a page can be replayed
 *   limits   the two ends of each slider */

import { draw, fill, keyed, line, linear, makeDrawing, words } from "./parts/drawing.js";
import { box, button, format, keepKeys, make, makeSentence } from "./parts/elements.js";
import { makeLifetime } from "./parts/lifetime.js";
import { noiseRow } from "./parts/noise.js";
import { listenToDials, makeDials, showDials } from "./parts/trait_dials.js";

// --- pure maths: no DOM, imported by tests/js ---

/** @typedef {{ mu: number, logvar: number, eps: number[] }} Row */
/** @typedef {Row & { redraw: boolean, seed: number }} State */
/** @typedef {{ measured: number, exact: number }} Moved */
/** @typedef {ReturnType<typeof buildView>} View */

/** z = mu + sigma eps for every number of the row.
 * @param {Row} row */
export function samples({ mu, logvar, eps }) {
  const sigma = Math.exp(0.5 * logvar);
  return eps.map((e) => mu + sigma * e);
}

/** @param {number[]} numbers */
const average = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** The average of z^2 over the row, and its derivatives along the paths of the samples.
 * @param {Row} row */
export function measured({ mu, logvar, eps }) {
  const sigma = Math.exp(0.5 * logvar);
  const z = samples({ mu, logvar, eps });
  return {
    value: average(z.map((x) => x * x)),
    byMu: average(z.map((x) => 2 * x)),
    byLogvar: average(z.map((x, i) => x * sigma * eps[i])), // 2 z times dz/dlogvar = sigma eps / 2
  };
}

/** The same three for the expectation, mu^2 + sigma^2.
 * @param {{ mu: number, logvar: number }} state */
export function exact({ mu, logvar }) {
  const variance = Math.exp(logvar);
  return { value: mu * mu + variance, byMu: 2 * mu, byLogvar: variance };
}

/** Points [mu, average of z^2] over the slider's range: one row for all, or a row for each.
 * @param {State} state
 * @param {number[]} mus */
export function averages({ logvar, eps, redraw, seed }, mus) {
  return mus.map((mu, i) => {
    const row = redraw ? noiseRow(1000 * (seed + 1) + i, eps.length) : eps;
    return [mu, measured({ mu, logvar, eps: row }).value];
  });
}

/** How much a move changed the average of z^2 and its expectation; null if nothing moved.
 * @param {Row | null} before
 * @param {Row} now */
export function changes(before, now) {
  if (!before || (before.mu === now.mu && before.logvar === now.logvar)) return null;
  return {
    measured: measured(now).value - measured(before).value,
    exact: exact(now).value - exact(before).value,
  };
}

/** What a reader who cannot see the picture needs to know.
 * @param {State} state
 * @param {Moved | null} moved */
export function describe(state, moved) {
  const [got, true_] = [measured(state), exact(state)];
  const sigma = format(Math.exp(0.5 * state.logvar));
  const start =
    `μ = ${format(state.mu)}, σ = ${sigma}. The average of z² over ${state.eps.length} samples ` +
    `is ${format(got.value)}, its expectation ${format(true_.value)}.`;
  if (state.redraw) {
    const last = moved
      ? ` The last move changed the average by ${format(moved.measured)}` +
        ` and the expectation by ${format(moved.exact)}.`
      : "";
    return `${start} New noise at every move: no sample has a path, so there is no slope.${last}`;
  }
  return (
    `${start} The noise stands still, so every sample has a path: the average has slope ` +
    `${format(got.byMu)} in μ, where the expectation has ${format(true_.byMu)}.`
  );
}

// --- view: builds elements and paints them; never touches the model ---

const DIALS = { mu: "mean μ", logvar: "log σ²" };
/** @type {Pair} */
const ENDS = [-6.2, 6.2]; // of the two axes of noise and samples: one scale, so lines show the map
const ARROW = 0.3; // share of the slope that an arrow is long
const SCALE_BAR = 5; // the slope whose arrow the key shows
const LANE = 9; // pixels from one sample's arrow to the next
const TOP = { noise: 34, samples: 122, key: 162, lanes: 186 };
const CURVE = { height: 264, left: 44, right: 12, top: 28, bottom: 44, most: 10 };
const POINTS = 81; // on the curve

/**
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 * @param {string} kind
 */
const dot = (cx, cy, r, kind) => draw("circle", { cx, cy, r, class: kind });

/** A horizontal arrow with its head at x2.
 * @param {number} x1
 * @param {number} x2
 * @param {number} y
 * @param {string} kind */
function arrow(x1, x2, y, kind) {
  const back = x2 > x1 ? -5 : 5;
  const tip = `M${x2 + back},${y - 4} L${x2},${y} L${x2 + back},${y + 4}`;
  const head = Math.abs(x2 - x1) < 5 ? "" : tip;
  return draw("path", { d: `M${x1},${y} L${x2},${y} ${head}`, class: kind });
}

/** Noise above, samples below, a line from each to each, an arrow for each sample's slope.
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {State} state */
function paintRow(svg, width, state) {
  const eps = [...state.eps].sort((a, b) => a - b); // arrows in the order of their samples
  const z = samples({ ...state, eps });
  const x = linear(ENDS, 12, width - 12);
  const parts = [];
  for (const { y, name } of [
    { y: TOP.noise, name: "noise ε" },
    { y: TOP.samples, name: "z = μ + σ ε" },
  ]) {
    parts.push(words(12, y - 16, name, "start"), line(12, y, width - 12, y, "axis"));
    for (const tick of [-6, -4, -2, 0, 2, 4, 6]) {
      parts.push(line(x(tick), y - 3, x(tick), y + 3, "axis"));
      if (y === TOP.samples) parts.push(words(x(tick), y + 18, format(tick, 0), "middle", "small"));
    }
  }
  eps.forEach((e, i) => {
    parts.push(line(x(e), TOP.noise, x(z[i]), TOP.samples, "path"));
  });
  eps.forEach((e, i) => {
    parts.push(dot(x(e), TOP.noise, 4, "noise"), dot(x(z[i]), TOP.samples, 4, "sample"));
  });
  parts.push(...(state.redraw ? noArrows(width) : arrows(x, z, state)));
  fill(svg, width, TOP.lanes + LANE * z.length + 34, parts);
}

/** Each sample's way downhill in a lane of its own, and the average of them all.
 * @param {Straight} x
 * @param {number[]} z
 * @param {State} state */
function arrows(x, z, state) {
  const bottom = TOP.lanes + LANE * z.length;
  const [from, to] = [14, 14 + x(ARROW * SCALE_BAR) - x(0)];
  const parts = [
    words(12, TOP.key, "downhill, sample by sample", "start"),
    arrow(from, to, TOP.key + 14, "arrow scale"),
    words(to + 8, TOP.key + 18, `is a slope of ${SCALE_BAR}`, "start", "small"),
  ];
  z.forEach((value, i) => {
    const y = TOP.lanes + LANE * (i + 0.5);
    const end = x(value - ARROW * 2 * value);
    parts.push(arrow(x(value), end, y, "arrow"), dot(x(value), y, 1.5, "sample"));
  });
  const end = x(state.mu - ARROW * measured(state).byMu);
  parts.push(arrow(x(state.mu), end, bottom + 10, "arrow mean"));
  parts.push(words(12, bottom + 28, "the average of the arrows, from μ", "start"));
  return parts;
}

/** @param {number} width */
function noArrows(width) {
  return [
    words(width / 2, TOP.lanes + 30, "no arrows: the samples were drawn anew,"),
    words(width / 2, TOP.lanes + 48, "so no path leads from μ and σ to them"),
  ];
}

/** The average of z^2 over mu: a smooth curve for one row of noise, a cloud for a row each.
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {State} state
 * @param {Pair} ends of mu */
function paintCurve(svg, width, state, [low, high]) {
  const { height, left, right, top, bottom, most } = CURVE;
  const x = linear([low, high], left, width - right);
  const y = linear([0, most], height - bottom, top);
  const mus = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
  const { value } = measured(state);
  /** @param {number[][]} points */
  const course = (points) => points.map(([mu, value]) => `${x(mu)},${y(value)}`).join(" ");
  const parts = [
    line(left, y(0), width - right, y(0), "axis"),
    line(left, top, left, y(0), "axis"),
  ];
  for (let tick = Math.ceil(low); tick <= high; tick++) {
    parts.push(words(x(tick), y(0) + 16, format(tick, 0), "middle", "small"));
  }
  for (const tick of [0, 2, 4, 6, 8, 10]) {
    parts.push(words(left - 6, y(tick) + 4, String(tick), "end", "small"));
  }
  parts.push(words((left + width - right) / 2, height - 8, "μ"));
  parts.push(words(left + 8, 14, "average of z²", "start"));
  const inFrame = []; // what leaves the frame at its top is cut off there
  const expectation = mus.map((mu) => [mu, exact({ mu, logvar: state.logvar }).value]);
  inFrame.push(draw("polyline", { points: course(expectation), class: "expectation" }));
  const points = averages(state, mus);
  if (state.redraw) {
    points.forEach(([mu, value]) => {
      inFrame.push(dot(x(mu), y(value), 2, "cloud"));
    });
  } else {
    inFrame.push(draw("polyline", { points: course(points), class: "average" }));
    const { byMu } = measured(state);
    const [from, to] = [state.mu - 0.5, state.mu + 0.5];
    const [start, end] = [value - 0.5 * byMu, value + 0.5 * byMu];
    inFrame.push(line(x(from), y(start), x(to), y(end), "tangent"));
  }
  const frame = {
    y: top,
    width,
    height: height - top,
    viewBox: `0 ${top} ${width} ${height - top}`,
  };
  parts.push(draw("svg", frame, inFrame.join("")));
  if (value <= most) parts.push(dot(x(state.mu), y(value), 5, "now"));
  else parts.push(words(width - right, 14, `now ↑ ${format(value)}`, "end", "small"));
  fill(svg, width, height, parts);
}

/** Rows of measured and exact numbers. */
function makeTable() {
  /** @param {string} textContent */
  const heading = (textContent) => make("th", { scope: "col", textContent });
  const names = ["average of z²", "slope in μ", "slope in log σ²", "change at the last move"];
  const rows = names.map((name) => {
    const cells = [make("td"), make("td")];
    return {
      cells,
      row: make("tr", {}, make("th", { scope: "row", textContent: name }), ...cells),
    };
  });
  const titles = [make("td"), heading("these samples"), heading("expectation")];
  const head = make("thead", {}, make("tr", {}, ...titles));
  const table = make("table", {}, head, make("tbody", {}, ...rows.map((r) => r.row)));
  /** @param {string[][]} pairs */
  const show = (pairs) =>
    pairs.forEach((pair, i) => {
      pair.forEach((text, j) => {
        rows[i].cells[j].textContent = text;
      });
    });
  return { table, show };
}

/** @param {Limits} limits */
function buildView(limits) {
  const view = {
    row: makeDrawing("Noise, samples and the slope of each sample"),
    curve: makeDrawing("The average of z² for every μ"),
    dials: makeDials(DIALS, limits),
    redraw: make("input", { type: "checkbox" }),
    fresh: button("New noise"),
    table: makeTable(),
    sentence: makeSentence(),
  };
  const toggle = make(
    "label",
    { className: "toggle" },
    view.redraw,
    "draw new noise at every move",
  );
  const stillKey = keyed("average", "average over these samples");
  const drawnKey = keyed("cloud", "averages, each of new samples");
  const key = make("p", { className: "key" }, keyed("expectation", "expectation μ² + σ²"));
  key.append(stillKey, drawnKey);
  const root = box(
    "reparameterization",
    box("dials", ...view.dials.map((dial) => dial.row)),
    box("choices", toggle, box("acts", view.fresh)),
    box("panel", view.row),
    box("panel", view.curve, key),
    view.table.table,
    view.sentence,
  );
  keepKeys(root);
  return { ...view, stillKey, drawnKey, root };
}

/** What the table says: slopes only where the samples have paths.
 * @param {State} state
 * @param {Moved | null} moved */
function tableRows(state, moved) {
  const [got, true_] = [measured(state), exact(state)];
  /** @param {number} value */
  const slope = (value) => (state.redraw ? "none" : format(value));
  return [
    [format(got.value), format(true_.value)],
    [slope(got.byMu), format(true_.byMu)],
    [slope(got.byLogvar), format(true_.byLogvar)],
    moved ? [format(moved.measured), format(moved.exact)] : ["no move yet", "no move yet"],
  ];
}

// --- wiring: one function each way ---

/** @type {(keyof State)[]} */
const NAMES = ["mu", "logvar", "eps", "redraw", "seed"];

/**
 * @param {Life} life
 * @param {View} view
 * @param {{ say: Say }} speaker
 * @param {Limits} limits
 */
function makePainter(life, view, { say }, limits) {
  /** @type {State | null} */
  let shown = null; // the state on the page
  /** @type {State | null} */
  let before = null; // the one before it, for the table's last line
  return () => {
    /** @type {State} */
    const state = life.read(NAMES);
    const last = shown;
    if (last && NAMES.some((name) => last[name] !== state[name])) before = last;
    shown = state;
    const moved = changes(before, state);
    showDials(view.dials, state);
    view.redraw.checked = state.redraw;
    view.stillKey.hidden = state.redraw;
    view.drawnKey.hidden = !state.redraw;
    const width = view.row.clientWidth;
    if (width) {
      paintRow(view.row, width, state);
      paintCurve(view.curve, view.curve.clientWidth, state, limits.mu);
    }
    view.table.show(tableRows(state, moved));
    say(() => describe(state, moved));
  };
}

/** @param {Mounting} mounting */
function render({ model, el }) {
  const limits = model.get("limits");
  const view = buildView(limits);
  const life = makeLifetime(model, el);
  const { listen, write } = life;
  const show = makePainter(life, view, life.makeSpeaker(view.sentence), limits);
  const freshNoise = () => {
    const seed = model.get("seed") + 1;
    return { seed, eps: noiseRow(seed, model.get("eps").length) };
  };

  listenToDials(view.dials, listen, (moved) =>
    write(model.get("redraw") ? { ...moved, ...freshNoise() } : moved),
  );
  listen(view.redraw, "change", () => write({ redraw: view.redraw.checked }));
  listen(view.fresh, "click", () => write(freshNoise()));
  life.watch(NAMES, show);
  life.watchSize(view.root, show);
  el.append(view.root);
  show();
  return life.end;
}

export default { render };
