/* Frame scrubber: a slider and a play button over pictures that were drawn beforehand.
 *
 * Traits (mirror frame_scrubber.py; F frames):
 *   index        the frame shown           title   what the slider moves through
 *   labels [F]   what the slider says      alts [F]   what each frame shows
 *   pngs         F PNG files, one after another       sizes [F]  bytes of each
 *   shape [2]    width and height in pixels
 * This file writes index. */

import { SPEAK_AFTER, make } from "./elements.js";

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
  const slider = make("input", { type: "range", min: 0, max: count - 1, step: 1, ariaLabel: title });
  const play = make("button", { type: "button", textContent: "Play" });
  const label = make("span", { className: "label", ariaHidden: "true" });
  const status = make("p", { className: "spoken", role: "status" });
  const controls = make("div", { className: "controls" }, play, slider, label);
  const root = make("div", { className: "frame-scrubber" }, picture, controls, status);
  return { root, picture, slider, play, label, status };
}

function render({ model, el }) {
  const [labels, alts, sizes] = ["labels", "alts", "sizes"].map((name) => model.get(name));
  const count = labels.length;
  const sources = makeSources(model.get("pngs"), sizes);
  const view = makeView({ title: model.get("title"), count, shape: model.get("shape") });
  const controller = new AbortController();
  const listen = (target, event, callback) =>
    target.addEventListener(event, callback, { signal: controller.signal });
  let [playing, speaking] = [null, null];

  function draw() {
    const i = model.get("index");
    view.picture.src = sources.at(i);
    view.picture.alt = alts[i];
    view.slider.value = i;
    view.slider.ariaValueText = position(labels, i);
    view.label.textContent = labels[i];
    clearTimeout(speaking);
    if (playing === null) speaking = setTimeout(speak, SPEAK_AFTER);
  }
  const speak = () => {
    const i = model.get("index");
    view.status.textContent = `${position(labels, i)}. ${alts[i]}`;
  };
  function show(i) {
    model.set("index", i);
    model.save_changes();
  }
  function stop() {
    clearInterval(playing);
    playing = null;
    view.play.textContent = "Play";
    clearTimeout(speaking);
    speaking = setTimeout(speak, SPEAK_AFTER);
  }
  function start() {
    view.play.textContent = "Pause";
    show(playFrom(model.get("index"), count));
    playing = setInterval(() => {
      const next = after(model.get("index"), count);
      if (next === null) stop();
      else show(next);
    }, INTERVAL);
  }

  listen(view.slider, "input", () => {
    if (playing !== null) stop();
    show(Number(view.slider.value));
  });
  listen(view.play, "click", () => (playing === null ? start() : stop()));
  model.on("change:index", draw);
  el.append(view.root);
  draw();
  speak();
  return () => {
    clearInterval(playing);
    clearTimeout(speaking);
    controller.abort();
    model.off("change:index", draw);
    sources.release();
  };
}

export default { render };
