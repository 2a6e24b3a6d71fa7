/* Drawings of formulas: SVG as text, its scales and its key. */

import { make } from "./elements.js";

/** An empty drawing with a name. */
export function makeDrawing(ariaLabel) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  return Object.assign(svg, { role: "img", ariaLabel });
}

/** Put parts into a drawing of this size in CSS pixels; on paper it is scaled as a whole. */
export function fill(svg, width, height, parts) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.innerHTML = parts.join("");
}

/** A line of a drawing's key: a patch in the style of what it names. */
export const keyed = (kind, text) =>
  make("span", {}, make("i", { className: kind, ariaHidden: "true" }), text);

/** SVG as text: replacing a picture's innerHTML is several times faster than building nodes. */
export function draw(tag, attributes, content = "") {
  const list = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  return `<${tag}${list.join("")}>${content}</${tag}>`;
}

export const line = (x1, y1, x2, y2, kind) => draw("line", { x1, y1, x2, y2, class: kind });

export function words(x, y, text, anchor = "middle", kind = "") {
  return draw("text", { x, y, "text-anchor": anchor, class: kind }, text);
}

/** The straight map that takes [low, high] to [from, to]. */
export const linear =
  ([low, high], from, to) =>
  (x) =>
    from + ((x - low) / (high - low)) * (to - from);
