/* Frame scrubber: a slider and a play button over pictures that were drawn beforehand.
 *
 * Traits (mirror frame_scrubber.py; F frames):
 *   index        the frame shown           title   what the slider moves through
 *   labels [F]   what the slider says      alts [F]   what each frame shows
 *   pngs         F PNG files, one after another       sizes [F]  bytes of each
 *   shape [2]    width and height in pixels
 * This file writes index. */

import { box, button, keepKeys, make } from "./parts/elements.js";
import { makeLifetime } from "./parts/lifetime.js";
import { clamp } from "./parts/scales.js";

// --- pure: no DOM, imported by tests/js ---

/** Where frame i lies in the bytes: [first, end). */
export function extent(sizes, i) {
  const first = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
  return [first, first + sizes[i]];
}

/** The frame after i while playing, or null at the last one. */
export const after = (i, count) => (i + 1 < count ? i + 1 : null);

/** Where play starts: from here, or from the beginning when the end is reached. */
export const playFrom = (i, count) => (i + 1 < count ? i : 0);

/** "step 32, 11 of 33": the position in words. */
export const position = (labels, i) => `${labels[i]}, ${i + 1} of ${labels.length}`;

/** Milliseconds a frame at normal speed: slow enough to see what changed in a short film, and a
 * long one is over in twelve seconds. */
export const interval = (count) => clamp(12_000 / count, 60, 350);

// --- view and wiring ---

const SPEEDS = [0.5, 1, 2, 4];

/** One URL per frame, made when it is first shown; `release` frees them all. */
function makeSources(bytes, sizes) {
  const urls = new Map();
  const cut = ([first, end]) => new Uint8Array(bytes.buffer, bytes.byteOffset + first, end - first);
  return {
    at(i) {
      if (!urls.has(i)) {
        const blob = new Blob([cut(extent(sizes, i))], { type: "image/png" });
        urls.set(i, URL.createObjectURL(blob));
      }
      return urls.get(i);
    },
    release: () => urls.forEach((url) => URL.revokeObjectURL(url)),
  };
}

function makeView({ title, count, shape }) {
  const [width, height] = shape;
  // the class tells the book's theme to leave the picture's brightness alone in the dark
  const picture = make("img", { className: "dark-light", width, height, decoding: "sync" });
  const range = { min: 0, max: count - 1, step: 1 };
  const symbol = (textContent, ariaLabel) => Object.assign(button(textContent), { ariaLabel });
  const speed = (factor) =>
    make("option", { value: factor, textContent: `${factor} ×`, selected: factor === 1 });
  const view = {
    picture,
    sheet: box("sheet", picture),
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
  view.root = box(
    "frame-scrubber",
    view.sheet,
    box("line", view.slider, view.label),
    box("controls acts", view.back, view.play, view.on, speeds, loop, view.enlarge),
    view.status,
  );
  keepKeys(view.root);
  return view;
}

/** Frame after frame until `step` says that there is no next one. */
function makePlayer(button, step, wait) {
  let timer = null;
  const stop = () => {
    clearTimeout(timer);
    timer = null;
    button.textContent = "Play";
  };
  const next = () => {
    timer = setTimeout(() => (step() ? next() : stop()), wait());
  };
  const start = () => {
    button.textContent = "Pause";
    next();
  };
  return { start, stop, playing: () => timer !== null };
}

/** Large or as before; a picture wider than its box can then be scrolled by keys too. */
function toggleSize({ root, sheet, enlarge }) {
  const large = root.classList.toggle("large");
  enlarge.textContent = large ? "Fit to the page" : "Enlarge";
  sheet.tabIndex = large ? 0 : -1;
}

function render({ model, el }) {
  const [labels, alts, sizes] = ["labels", "alts", "sizes"].map((name) => model.get(name));
  const count = labels.length;
  const sources = makeSources(model.get("pngs"), sizes);
  const view = makeView({ title: model.get("title"), count, shape: model.get("shape") });
  const life = makeLifetime(model, el);
  const { say, hush } = life.makeSpeaker(view.status);
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
    view.picture.src = sources.at(i);
    view.picture.alt = alts[i];
    view.slider.value = i;
    view.slider.ariaValueText = position(labels, i);
    view.label.textContent = labels[i];
    if (!player.playing()) speak();
  };
  const halt = () => {
    player.stop();
    speak();
  };
  const go = (i) => {
    if (player.playing()) halt();
    life.write({ index: clamp(i, 0, count - 1) });
  };
  const toggle = () => {
    if (player.playing()) return halt();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return go(index() + 1);
    hush(); // nothing is said while it plays
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
  life.hear(["index"], draw);
  life.onEnd(player.stop);
  life.onEnd(sources.release);
  el.append(view.root);
  draw();
  return life.end;
}

export default { render };
