// @ts-check
/* The test pictures of the latent explorer: thumbnails to press or to drag onto the pad. */

import { make } from "./elements.js";
import { makePicture } from "./picture.js";

/** Thumbnails as toggle buttons, and the chosen picture at full size.
 * @param {Examples} examples */
export function makeStrip({ names, pixels, shape, ink }) {
  const buttons = names.map((name, i) => {
    const { canvas, paint } = makePicture(shape, ink);
    canvas.className = "thumbnail";
    canvas.ariaHidden = "true";
    paint(pixels(i));
    return make("button", { type: "button", ariaLabel: name, draggable: true }, canvas);
  });
  const root = make("div", { className: "strip", role: "group", ariaLabel: "Test pictures" });
  root.hidden = !buttons.length;
  root.append(...buttons);
  const original = makePicture(shape, ink);
  original.canvas.className = "original"; // .picture is what the decoder draws
  original.canvas.ariaLabel = "Test picture";
  const caption = make("figcaption");
  // its place is kept while no picture is chosen, so that nothing jumps when one is
  const figure = make("figure", { hidden: !buttons.length }, original.canvas, caption);
  /** @param {number} chosen */
  const show = (chosen) => {
    buttons.forEach((button, i) => {
      button.ariaPressed = String(i === chosen);
    });
    figure.classList.toggle("empty", chosen < 0);
    caption.textContent = chosen < 0 ? "no test picture chosen" : "test picture";
    original.canvas.ariaHidden = String(chosen < 0);
    if (chosen < 0) return;
    original.paint(pixels(chosen));
    original.canvas.ariaLabel = names[chosen];
  };
  return { root, buttons, figure, show };
}

/** A press chooses a picture, or lets it go; a drop on the pad chooses it.
 * @param {{ buttons: HTMLElement[] }} strip
 * @param {HTMLElement} pad
 * @param {Listen} listen
 * @param {{ chosen: () => number, choose: (index: number) => void }} choice */
export function listenToStrip({ buttons }, pad, listen, { chosen, choose }) {
  /** @type {number | null} */
  let dragged = null; // of this strip: another explorer's pictures are not ours to show
  buttons.forEach((button, i) => {
    listen(button, "click", () => choose(chosen() === i ? -1 : i));
    listen(button, "dragstart", () => (dragged = i));
    listen(button, "dragend", () => (dragged = null));
  });
  listen(pad, "dragover", (event) => {
    if (dragged !== null) event.preventDefault(); // a drop is welcome here
  });
  listen(pad, "drop", (event) => {
    if (dragged === null) return;
    event.preventDefault();
    choose(dragged);
  });
}
