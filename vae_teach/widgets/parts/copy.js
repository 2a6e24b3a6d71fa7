// @ts-check
/* Text to the clipboard. */

import { make } from "./elements.js";

/** Copy a text, and say so on the button for a while.
 * @param {string} text
 * @param {HTMLElement} button */
export async function copyText(text, button) {
  button.dataset.name ??= button.textContent;
  const { name } = button.dataset;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text, button); // a page from plain http has no clipboard
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = name), 1200);
}

/**
 * @param {string} text
 * @param {HTMLElement} button
 */
function copyBySelection(text, button) {
  const field = make("textarea", { value: text });
  button.after(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
