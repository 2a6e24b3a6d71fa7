/* What the widgets build their pages from: elements, drawings as text, numbers. */

export const SPEAK_AFTER = 400; // ms of rest before the description changes: a drag must not flood it

/** A number with a true minus sign, and none before a zero. */
export function format(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** An element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

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
export const linear = ([low, high], from, to) => (x) =>
  from + ((x - low) / (high - low)) * (to - from);
