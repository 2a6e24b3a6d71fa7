// @ts-check
/* What the widgets build their pages from: elements with names, and numbers as text. */

/** A number with a true minus sign, and none before a zero.
 * @param {number} value
 * @param {number} [digits] */
export function format(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** An element with properties and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]} */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * @param {string} className
 * @param {...(Node | string)} children
 */
export const box = (className, ...children) => make("div", { className }, ...children);

/**
 * @param {string} textContent
 * @param {boolean} [hidden]
 */
export const button = (textContent, hidden = false) =>
  make("button", { type: "button", textContent, hidden });

/** The sentence that tells those who cannot see the picture what it shows. */
export const makeSentence = () =>
  make("p", { className: "sentence", role: "status", ariaLive: "polite" });

/** Where a canvas is painted.
 * @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot paint a canvas");
  return context;
}

/** A slider with its name and a place for its value; `range` holds min, max and step.
 * @param {string} name
 * @param {{ min: number, max: number, step: number }} range
 * @param {string} [ariaLabel] */
export function makeSlider(name, range, ariaLabel = name) {
  const input = Object.assign(make("input", { type: "range", ariaLabel }), range);
  const value = make("span", { className: "value", ariaHidden: "true" });
  return { input, value, row: make("label", {}, make("span", {}, name), input, value) };
}

/** Keep the arrows and Enter, which JupyterLab takes for its cells. It asks the element in focus
 * before those around it, so every control has to say so itself.
 * @param {HTMLElement} root */
export function keepKeys(root) {
  for (const control of /** @type {NodeListOf<HTMLElement>} */ (
    root.querySelectorAll("input, select, button, summary, [tabindex]")
  )) {
    control.dataset.lmSuppressShortcuts = "";
  }
}
