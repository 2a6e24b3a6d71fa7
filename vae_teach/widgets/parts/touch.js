// @ts-check
/* A finger on a slider: what was a swipe over the page does not move it. */

/** Put a slider back where it was when the browser takes the finger's path for scrolling.
 *
 * The style sheet leaves up and down to the page (touch-action: pan-y), but the slider has followed
 * the first touch by then.
 * @param {HTMLElement} root
 * @param {Listen} listen */
export function forgiveSwipes(root, listen) {
  /** @type {{ slider: HTMLInputElement, value: string } | null} */
  let touched = null; // { slider, value } while a finger is down
  listen(root, "pointerdown", ({ target, pointerType }) => {
    const slider = target instanceof HTMLInputElement && target.type === "range";
    touched = slider && pointerType === "touch" ? { slider: target, value: target.value } : null;
  });
  listen(root, "pointerup", () => (touched = null));
  listen(root, "pointercancel", () => {
    if (!touched) return;
    const { slider, value } = touched;
    touched = null;
    if (slider.value === value) return;
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
