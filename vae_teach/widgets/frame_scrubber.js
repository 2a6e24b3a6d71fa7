/* Frame scrubber: a slider and a play button over pictures that were drawn beforehand.
 *
 * Traits (mirror frame_scrubber.py; F frames):
 *   index        the frame shown           title   what the slider moves through
 *   labels [F]   what the slider says      alts [F]   what each frame shows
 *   pngs         F PNG files, one after another       sizes [F]  bytes of each
 *   shape [2]    width and height in pixels
 * This file writes index. */

import { box, button, keepKeys, make } from "./elements.js";
import { makeLifetime } from "./lifetime.js";
import { clamp } from "./scales.js";

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

// --- view and wiring ---

const INTERVAL = 350; // ms a frame: slow enough to see what changed

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
  const picture = make("img", { width, height, decoding: "sync" });
  const range = { min: 0, max: count - 1, step: 1 };
  const slider = make("input", { type: "range", ...range, ariaLabel: title });
  const play = button("Play");
  const label = make("span", { className: "label", ariaHidden: "true" });
  const status = make("p", { className: "spoken", role: "status" });
  const root = box("frame-scrubber", picture, box("controls", play, slider, label), status);
  keepKeys(root);
  return { root, picture, slider, play, label, status };
}

/** Frame after frame until the last one. */
function makePlayer(view, step) {
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    view.play.textContent = "Play";
  };
  const start = () => {
    view.play.textContent = "Pause";
    timer = setInterval(() => step() || stop(), INTERVAL);
  };
  return { start, stop, playing: () => timer !== null };
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
  const player = makePlayer(view, () => {
    const next = after(index(), count);
    if (next !== null) life.write({ index: next });
    else speak();
    return next !== null;
  });
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

  life.listen(view.slider, "input", () => {
    if (player.playing()) halt();
    life.write({ index: Number(view.slider.value) });
  });
  life.listen(view.play, "click", () => {
    if (player.playing()) return halt();
    hush(); // nothing is said while it plays
    player.start();
    life.write({ index: playFrom(index(), count) });
  });
  life.hear(["index"], draw);
  life.onEnd(player.stop);
  life.onEnd(sources.release);
  el.append(view.root);
  draw();
  return life.end;
}

export default { render };
