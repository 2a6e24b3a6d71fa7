// @ts-check
/* Frame scrubber: a slider and a play button over pictures that were drawn beforehand.
 *
 * Traits (mirror frame_scrubber.py; F frames):
 *   index        the frame shown           title   what the slider moves through
 *   labels [F]   what the slider says      alts [F]   what each frame shows
 *   pictures     F PNG files or SVG texts, one after another    sizes [F]  bytes of each
 *   kind         "png" or "svg"            scale   CSS pixels for a pixel of a PNG
 *   shape [2]    width and height in CSS pixels
 * This file writes index. */

import { box, button, keepKeys, make } from "./parts/elements.js";
import { makeLifetime } from "./parts/lifetime.js";
import { clamp } from "./parts/scales.js";

// --- pure: no DOM, imported by tests/js ---

/** Where frame i lies in the bytes: [first, end).
 * @param {number[]} sizes
 * @param {number} i
 * @returns {Pair} */
export function extent(sizes, i) {
  const first = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
  return [first, first + sizes[i]];
}

/** The bytes of frame i.
 * @param {DataView<ArrayBuffer>} bytes
 * @param {number[]} sizes
 * @param {number} i */
export function cut(bytes, sizes, i) {
  const [first, end] = extent(sizes, i);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + first, end - first);
}

/** An SVG whose ids, and what refers to them, begin with a prefix: the page may show it twice.
 * @param {string} svg
 * @param {string} prefix */
export const withOwnIds = (svg, prefix) => svg.replace(/\b(id="|href="#|url\(#)/g, `$1${prefix}`);

/** The frame after i while playing, or null at the last one.
 * @param {number} i
 * @param {number} count */
export const after = (i, count) => (i + 1 < count ? i + 1 : null);

/** Where play starts: from here, or from the beginning when the end is reached.
 * @param {number} i
 * @param {number} count */
export const playFrom = (i, count) => (i + 1 < count ? i : 0);

/** "step 32, 11 of 33": the position in words.
 * @param {string[]} labels
 * @param {number} i */
export const position = (labels, i) => `${labels[i]}, ${i + 1} of ${labels.length}`;

/** Milliseconds a frame at normal speed: slow enough to see what changed in a short film, and a
 * long one is over in twelve seconds.
 * @param {number} count */
export const interval = (count) => clamp(12_000 / count, 60, 350);

// --- view and wiring ---

const SPEEDS = [0.5, 1, 2, 4];

/**
 * @param {HTMLElement} element
 * @param {number} width
 */
const setWidth = (element, width) => element.style.setProperty("--own-width", `${width}px`);

/** PNG files in one element. A URL is made when its frame is first shown; `release` frees all.
 * @param {DataView<ArrayBuffer>} bytes
 * @param {number[]} sizes
 * @param {Pair} shape
 * @param {number} scale */
function makePixels(bytes, sizes, [width, height], scale) {
  /** @type {Map<number, string>} */
  const urls = new Map();
  // the class tells the book's theme to leave the picture's brightness alone in the dark
  const className = scale > 1 ? "dark-light squares" : "dark-light";
  const element = make("img", { className, width, height, decoding: "sync" });
  setWidth(element, width);
  /**
   * @param {number} i
   * @param {string} alt
   */
  const show = (i, alt) => {
    if (!urls.has(i)) {
      const blob = new Blob([cut(bytes, sizes, i)], { type: "image/png" });
      urls.set(i, URL.createObjectURL(blob));
    }
    Object.assign(element, { src: urls.get(i), alt });
  };
  const release = () => {
    for (const url of urls.values()) URL.revokeObjectURL(url);
  };
  return { element, show, release };
}

/** SVG texts in one element, in the page itself: so they take its typeface and its ink.
 * @param {DataView<ArrayBuffer>} bytes
 * @param {number[]} sizes
 * @param {Pair} shape */
function makeCurves(bytes, sizes, [width]) {
  const element = make("div", { className: "curves", role: "img" });
  setWidth(element, width);
  const prefix = `frames-${Math.random().toString(36).slice(2)}-`;
  /**
   * @param {number} i
   * @param {string} alt
   */
  const show = (i, alt) => {
    element.innerHTML = withOwnIds(new TextDecoder().decode(cut(bytes, sizes, i)), prefix);
    const svg = /** @type {SVGSVGElement} */ (element.firstElementChild);
    svg.style.width = ""; // the element around it has it, and the words
    svg.ariaHidden = "true";
    element.ariaLabel = alt;
  };
  return { element, show, release() {} };
}

/** @param {{ title: string, count: number, picture: HTMLElement }} film */
function makeView({ title, count, picture }) {
  const range = { min: 0, max: count - 1, step: 1 };
  /**
   * @param {string} textContent
   * @param {string} ariaLabel
   */
  const symbol = (textContent, ariaLabel) => Object.assign(button(textContent), { ariaLabel });
  /** @param {number} factor */
  const speed = (factor) =>
    make("option", { value: factor, textContent: `${factor} ×`, selected: factor === 1 });
  const view = {
    sheet: Object.assign(box("sheet", picture), { tabIndex: -1 }),
    slider: make("input", { type: "range", ...range, ariaLabel: title }),
    label: make("span", { className: "label", ariaHidden: "true" }),
    back: symbol("◂", "One frame back"),
    play: Object.assign(button("Play"), { className: "play" }),
    on: symbol("▸", "One frame on"),
    speed: make("select", {}, ...SPEEDS.map(speed)),
    loop: make("input", { type: "checkbox" }),
    enlarge: button("Enlarge"),
    status: make("p", { className: "spoken", role: "status" }),
  };
  const speeds = make("label", {}, "Speed", view.speed);
  const loop = make("label", {}, view.loop, "Loop");
  const root = box(
    "frame-scrubber",
    view.sheet,
    box("line", view.slider, view.label),
    box("controls acts", view.back, view.play, view.on, speeds, loop, view.enlarge),
    view.status,
  );
  keepKeys(root);
  return { ...view, root };
}

/** Frame after frame until `step` says that there is no next one.
 * @param {HTMLElement} button
 * @param {() => boolean} step
 * @param {() => number} wait */
function makePlayer(button, step, wait) {
  /** @type {number | undefined} */
  let timer;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    button.textContent = "Play";
  };
  const next = () => {
    timer = setTimeout(() => (step() ? next() : stop()), wait());
  };
  const start = () => {
    button.textContent = "Pause";
    next();
  };
  return { start, stop, playing: () => timer !== undefined };
}

/** A picture wider than its box can be scrolled by keys too.
 * @param {HTMLElement} sheet */
function letKeysScroll(sheet) {
  const scrolls = sheet.scrollWidth > sheet.clientWidth + 1;
  sheet.tabIndex = scrolls ? 0 : -1;
  sheet.role = scrolls ? "group" : null;
  sheet.ariaLabel = scrolls ? "Picture, scrolls sideways" : null;
}

/** Large or as before.
 * @param {{ root: HTMLElement, sheet: HTMLElement, enlarge: HTMLElement }} view */
function toggleSize({ root, sheet, enlarge }) {
  const large = root.classList.toggle("large");
  enlarge.textContent = large ? "Fit to the page" : "Enlarge";
  letKeysScroll(sheet);
}

/** @param {Mounting} mounting */
function render({ model, el }) {
  const [labels, alts, sizes] = ["labels", "alts", "sizes"].map((name) => model.get(name));
  const count = labels.length;
  const makePicture = model.get("kind") === "svg" ? makeCurves : makePixels;
  const [bytes, shape, scale] = ["pictures", "shape", "scale"].map((name) => model.get(name));
  const picture = makePicture(bytes, sizes, shape, scale);
  const view = makeView({ title: model.get("title"), count, picture: picture.element });
  const life = makeLifetime(model, el);
  const { say, silence } = life.makeSpeaker(view.status);
  /** A frame that there is: another widget's slider may be linked to this one. */
  const index = () => clamp(model.get("index"), 0, count - 1);
  const speak = () => say(() => `${position(labels, index())}. ${alts[index()]}`);
  const step = () => {
    const next = after(index(), count) ?? (view.loop.checked ? 0 : null);
    if (next !== null) life.write({ index: next });
    else speak();
    return next !== null;
  };
  const player = makePlayer(view.play, step, () => interval(count) / Number(view.speed.value));
  const draw = () => {
    const i = index();
    picture.show(i, alts[i]);
    view.slider.value = String(i);
    view.slider.ariaValueText = position(labels, i);
    view.label.textContent = labels[i];
    if (!player.playing()) speak();
  };
  const halt = () => {
    player.stop();
    speak();
  };
  /** @param {number} i */
  const go = (i) => {
    if (player.playing()) halt();
    life.write({ index: clamp(i, 0, count - 1) });
  };
  const toggle = () => {
    if (player.playing()) return halt();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return go(index() + 1);
    silence(); // nothing is said while it plays
    player.start();
    life.write({ index: playFrom(index(), count) });
  };

  life.listen(view.slider, "input", () => go(Number(view.slider.value)));
  life.listen(view.play, "click", toggle);
  life.listen(view.back, "click", () => go(index() - 1));
  life.listen(view.on, "click", () => go(index() + 1));
  life.listen(view.enlarge, "click", () => toggleSize(view));
  life.listen(view.slider, "keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault(); // the page must not scroll
    toggle();
  });
  life.watch(["index"], draw);
  life.onEnd(player.stop);
  life.onEnd(picture.release);
  life.watchSize(view.sheet, () => letKeysScroll(view.sheet));
  el.append(view.root);
  draw();
  return life.end;
}

export default { render };
