/* What the widgets build their pages from: elements with names, and numbers as text. */

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

export const box = (className, ...children) => make("div", { className }, ...children);

export const button = (textContent, hidden = false) =>
  make("button", { type: "button", textContent, hidden });

/** The sentence that tells those who cannot see the picture what it shows. */
export const makeSentence = () =>
  make("p", { className: "sentence", role: "status", ariaLive: "polite" });

/** A slider with its name and a place for its value; `range` holds min, max and step. */
export function makeSlider(name, range, ariaLabel = name) {
  const input = Object.assign(make("input", { type: "range", ariaLabel }), range);
  const value = make("span", { className: "value", ariaHidden: "true" });
  return { input, value, row: make("label", {}, make("span", {}, name), input, value) };
}

/** Keep the arrows and Enter, which JupyterLab takes for its cells. It asks the element in focus
 * before those around it, so every control has to say so itself. */
export function keepKeys(root) {
  for (const control of root.querySelectorAll("input, select, button, summary, [tabindex]")) {
    control.dataset.lmSuppressShortcuts = "";
  }
}
