// @ts-check
/* Drawings of formulas: SVG as text, its scales and its key. */

import { make } from "./elements.js";

/** An empty drawing with a name.
 * @param {string} ariaLabel */
export function makeDrawing(ariaLabel) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  return Object.assign(svg, { role: "img", ariaLabel });
}

/** Put parts into a drawing of this size in CSS pixels; on paper it is scaled as a whole.
 * @param {SVGSVGElement} svg
 * @param {number} width
 * @param {number} height
 * @param {string[]} parts */
export function fill(svg, width, height, parts) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.innerHTML = parts.join("");
}

/** A line of a drawing's key: a patch in the style of what it names.
 * @param {string} kind
 * @param {string} text */
export const keyed = (kind, text) =>
  make("span", {}, make("i", { className: kind, ariaHidden: "true" }), text);

/** SVG as text: replacing a picture's innerHTML is several times faster than building nodes.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [content] */
export function draw(tag, attributes, content = "") {
  const list = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  return `<${tag}${list.join("")}>${content}</${tag}>`;
}

/**
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} kind
 */
export const line = (x1, y1, x2, y2, kind) => draw("line", { x1, y1, x2, y2, class: kind });

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} [anchor]
 * @param {string} [kind]
 */
export function words(x, y, text, anchor = "middle", kind = "") {
  return draw("text", { x, y, "text-anchor": anchor, class: kind }, text);
}

/** The straight map that takes [low, high] to [from, to].
 * @type {(ends: Pair, from: number, to: number) => Straight} */
export const linear =
  ([low, high], from, to) =>
  (x) =>
    from + ((x - low) / (high - low)) * (to - from);
