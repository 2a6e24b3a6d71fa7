// @ts-check
/* Column painter: paint one column of pixels; a CVAE and a regressor fill in the others.
 *
 * Traits (mirror column_painter.py; H rows, W columns, L latent dimensions, K draws, N examples):
 *   given [H]            the painted column from the top, 1 is ink
 *   noise [K][L]         standard normals, one list per draw; z = mu(c) + sigma(c) * noise
 *   column               which column is painted, from 0        image_shape [H, W]
 *   steps, weights       decoder from [z, c] to the other columns, row by row
 *   prior_*              from c to [mu, logvar] of p(z|c), or empty for N(0, I)
 *   regressor_*          from c to the other columns, or empty
 *   examples (N, H)      bytes of 0 and 1
 * This file writes given and noise. */

import { makePrior } from "./parts/conditional_prior.js";
import { makeDecoder } from "./parts/decoder.js";
import { box, button, contextOf, keepKeys, make, makeSentence } from "./parts/elements.js";
import { bytesOf, unpackHalves } from "./parts/float16.js";
import { anyNormal } from "./parts/gaussian.js";
import { makeLifetime } from "./parts/lifetime.js";
import { clamp } from "./parts/scales.js";
import { listenToUndo } from "./parts/undo.js";

/** @typedef {ReturnType<typeof readModel>} Data */
/** @typedef {ReturnType<typeof buildView>} View */

// --- pure maths: no DOM, imported by tests/js ---

/** The whole picture, row by row: the given column among the others, W - 1 of them a row.
 * @param {number[]} given
 * @param {ArrayLike<number>} others
 * @param {number} column
 * @param {number} width */
export function compose(given, others, column, width) {
  const picture = new Float32Array(given.length * width);
  given.forEach((value, row) => {
    for (let x = 0, from = row * (width - 1); x < width; x++) {
      picture[row * width + x] = x === column ? value : others[from++];
    }
  });
  return picture;
}

/** `given` with the rows between two rows, both included, set to one value.
 * @param {number[]} given
 * @param {number} from
 * @param {number} to
 * @param {number} value */
export function paintRows(given, from, to, value) {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  return given.map((old, row) => (row >= low && row <= high ? value : old));
}

/** The row under a point `y` of a strip of `height`, clamped to its ends.
 * @param {number} y
 * @param {number} height
 * @param {number} rows */
export function rowAt(y, height, rows) {
  return clamp(Math.floor((y / height) * rows), 0, rows - 1);
}

/** Runs of ink as the reader counts them, from row 1: [[first, last], ...].
 * @param {number[]} given */
export function runs(given) {
  /** @type {Pair[]} */
  const found = [];
  given.forEach((value, row) => {
    if (!value) return;
    if (!given[row - 1]) found.push([row + 1, row + 1]);
    found[found.length - 1][1] = row + 1;
  });
  return found;
}

/** Sum over pixels of the variance between draws: how different the answers are.
 * @param {ArrayLike<number>[]} pictures */
export function variety(pictures) {
  let total = 0;
  for (let i = 0; i < pictures[0].length; i++) {
    const mean = pictures.reduce((sum, picture) => sum + picture[i], 0) / pictures.length;
    total += pictures.reduce((sum, picture) => sum + (picture[i] - mean) ** 2, 0);
  }
  return total / Math.max(pictures.length - 1, 1);
}

/** Share of the other columns' pixels that are neither dark nor light.
 * @param {Float32Array} pixels */
export function greyShare(pixels) {
  let grey = 0;
  for (const value of pixels) grey += Number(value > 0.2 && value < 0.8);
  return grey / pixels.length;
}

/** What is painted and what came of it, in words.
 * @param {number[]} given
 * @param {Float32Array[]} draws
 * @param {Float32Array | undefined} average */
export function describe(given, draws, average) {
  /** @param {number[]} run */
  const rows = ([first, last]) => (first === last ? `${first}` : `${first} to ${last}`);
  const ink = runs(given).map(rows);
  /** @param {number} share */
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const mean = draws.reduce((sum, draw) => sum + greyShare(draw), 0) / draws.length;
  const painted = ink.length ? `Ink in rows ${ink.join(", ")}.` : "The column is empty.";
  const answers =
    ` The ${draws.length} draws differ by ${variety(draws).toFixed(1)} squared intensity; ` +
    `${percent(mean)} of their pixels are neither dark nor light`;
  const other = average ? `, ${percent(greyShare(average))} of the regressor's` : "";
  return `${painted}${answers}${other}.`;
}

// --- view: builds elements and paints them; never touches the model ---

/** The given column's colours, blue paper and orange ink; plots_conditional.py has them too. */
const GIVEN = { paper: [158, 201, 242], ink: [217, 107, 0] };
const PLAIN = { paper: [255, 255, 255], ink: [0, 0, 0] };

/** One native checkbox per pixel: keyboard and screen reader for nothing.
 * @param {number} rows */
function makeStrip(rows) {
  const cells = Array.from({ length: rows }, (_, row) =>
    make("input", { type: "checkbox", ariaLabel: `row ${row + 1}`, tabIndex: row ? -1 : 0 }),
  );
  const root = make("div", { className: "strip", role: "group" }, ...cells);
  root.ariaLabel = "The column to paint. Arrow keys move, Space paints, Shift and arrow paint on.";
  for (const [kind, bytes] of Object.entries(GIVEN)) {
    root.style.setProperty(`--given-${kind}`, `rgb(${bytes})`);
  }
  /** @param {number[]} given */
  const show = (given) =>
    given.forEach((value, row) => {
      cells[row].checked = value === 1;
    });
  /** @param {number} row */
  const focus = (row) => {
    cells.forEach((cell, other) => {
      cell.tabIndex = other === row ? 0 : -1;
    });
    cells[row].focus();
  };
  /** @param {MouseEvent} pointer */
  const rowUnder = ({ clientY }) => {
    const box = root.getBoundingClientRect();
    return rowAt(clientY - box.top, box.height, rows);
  };
  return { root, cells, show, focus, rowUnder };
}

/**
 * @param {Pair} shape
 * @param {string} label
 */
function makeAnswer([height, width], label) {
  const canvas = make("canvas", { className: "picture", width, height, role: "img" });
  canvas.ariaLabel = label;
  canvas.style.aspectRatio = `${width} / ${height}`;
  const context = contextOf(canvas);
  const image = context.createImageData(width, height);
  /** Ink on paper; the given column in its own two colours.
   * @param {Float32Array} pixels
   * @param {number} column */
  const paint = (pixels, column) => {
    pixels.forEach((value, i) => {
      const { paper, ink } = i % width === column ? GIVEN : PLAIN;
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = paper[k] + value * (ink[k] - paper[k]);
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
  };
  return { canvas, paint };
}

/** @param {Data} data */
function buildView(data) {
  const draws = data.noise.map((_, k) => makeAnswer(data.shape, `draw ${k + 1} of the CVAE`));
  const average = data.regress ? makeAnswer(data.shape, "the regressor's answer") : null;
  const view = {
    strip: makeStrip(data.shape[0]),
    draws,
    average,
    clear: button("Clear"),
    undo: button("Undo"),
    example: button("A test column", !data.examples.length),
    redraw: button("New draws"),
    sentence: makeSentence(),
  };
  /**
   * @param {{ canvas: HTMLCanvasElement }} answer
   * @param {string} title
   */
  const titled = ({ canvas }, title) => make("figure", {}, canvas, make("figcaption", {}, title));
  const answers = box("answers", ...draws.map((draw, k) => titled(draw, `CVAE, draw ${k + 1}`)));
  if (average) answers.append(titled(average, "regressor"));
  const hint = make("p", {}, make("strong", {}, `Paint column ${data.column}`), " here:");
  const root = box(
    "column-painter",
    box("painting", hint, view.strip.root),
    box("right", box("buttons acts", view.example, view.clear, view.undo, view.redraw), answers),
    view.sentence,
  );
  keepKeys(root);
  return { ...view, root };
}

// --- wiring: one function each way ---

/** Everything that stays as it is while the painter is shown.
 * @param {Model} model */
function readModel(model) {
  /** @type {number[][]} */
  const noise = model.get("noise");
  /** @param {string} name */
  const network = (name) => {
    const steps = model.get(`${name}_steps`);
    return steps.length ? makeDecoder(steps, unpackHalves(model.get(`${name}_weights`))) : null;
  };
  return {
    noise,
    shape: /** @type {Pair} */ (model.get("image_shape")),
    column: model.get("column"),
    examples: bytesOf(model.get("examples")),
    priorAt: makePrior(network("prior"), noise[0].length),
    decode: makeDecoder(model.get("steps"), unpackHalves(model.get("weights"))),
    regress: network("regressor"),
  };
}

/** Pointer and keyboard on the strip; `paint(from, to, value)` sets rows.
 * @param {ReturnType<typeof makeStrip>} strip
 * @param {Listen} listen
 * @param {() => number[]} current
 * @param {(from: number, to: number, value: number) => void} paint */
function listenToStrip(strip, listen, current, paint) {
  /** @type {{ row: number, value: number } | null} */
  let stroke = null; // { value, row } while the pointer is down
  listen(strip.root, "pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // else the checkbox under the pointer toggles as well
    strip.root.setPointerCapture(event.pointerId); // the stroke goes on outside the strip
    const row = strip.rowUnder(event);
    stroke = { row, value: 1 - current()[row] };
    strip.focus(row);
    paint(row, row, stroke.value);
  });
  listen(strip.root, "pointermove", (event) => {
    if (!stroke || !strip.root.hasPointerCapture(event.pointerId)) return;
    const row = strip.rowUnder(event);
    if (row !== stroke.row) paint(stroke.row, row, stroke.value); // also the rows a fast one skips
    stroke.row = row;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    listen(strip.root, end, () => (stroke = null));
  }
  listen(strip.root, "click", (event) => {
    if (event.detail > 0) event.preventDefault(); // the pointer has painted already
  });
  strip.cells.forEach((cell, row) => {
    listen(cell, "change", () => paint(row, row, Number(cell.checked)));
    listen(cell, "keydown", (event) => {
      const last = strip.cells.length - 1;
      /** @type {Record<string, number | undefined>} */
      const targets = { ArrowUp: row - 1, ArrowDown: row + 1, Home: 0, End: last };
      const target = targets[event.key];
      if (target === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault(); // the page must not scroll
      const next = clamp(target, 0, last);
      if (event.shiftKey) paint(row, next, current()[row]);
      strip.focus(next);
    });
  });
}

/**
 * @param {Model} model
 * @param {Data} data
 * @param {View} view
 * @param {{ say: Say }} speaker
 */
function makePainter(model, data, view, { say }) {
  /** @param {Float32Array} others */
  const whole = (others) => compose(model.get("given"), others, data.column, data.shape[1]);
  return () => {
    /** @type {number[]} */
    const given = model.get("given");
    const { mu, sigma } = data.priorAt(given);
    /** @type {number[][]} */
    const rows = model.get("noise");
    const codes = rows.map((noise) => noise.map((e, d) => mu[d] + sigma[d] * e));
    const draws = codes.map((z) => Float32Array.from(data.decode([...z, ...given])));
    draws.forEach((others, k) => {
      view.draws[k].paint(whole(others), data.column);
    });
    const average = data.regress?.(given);
    if (average) view.average?.paint(whole(average), data.column);
    view.strip.show(given);
    say(() => describe(given, draws, average));
  };
}

/** @param {Mounting} mounting */
function render({ model, el }) {
  const data = readModel(model);
  const view = buildView(data);
  const life = makeLifetime(model, el);
  const { listen, write } = life;
  const show = makePainter(model, data, view, life.makeSpeaker(view.sentence));

  listenToStrip(
    view.strip,
    listen,
    () => model.get("given"),
    (from, to, value) => write({ given: paintRows(model.get("given"), from, to, value) }),
  );
  listen(view.clear, "click", () => write({ given: model.get("given").map(() => 0) }));
  listen(view.example, "click", () => {
    const rows = data.shape[0];
    const start = rows * Math.floor((Math.random() * data.examples.length) / rows);
    write({ given: [...data.examples.subarray(start, start + rows)] });
  });
  listen(view.redraw, "click", () =>
    write({ noise: data.noise.map((noise) => noise.map(anyNormal)) }),
  );
  listenToUndo(view.undo, "given", model, life);
  life.watch(["given", "noise"], show);
  el.append(view.root);
  show();
  return life.end;
}

export default { render };
