// @ts-check
/* One step back. */

const REST = 400; // ms: changes that follow one another faster are one drag, so one step

/** Let a button take back the last change of a trait, and the one before it.
 * @param {HTMLElement} button
 * @param {string} name
 * @param {Model} model
 * @param {Life} life */
export function listenToUndo(button, name, model, { listen, watch, write }) {
  /** @type {unknown[]} */
  const past = [];
  let shown = model.get(name);
  let changed = -Infinity; // when
  let returning = false;
  // not `disabled`, which would take the focus from who presses it until nothing is left
  const show = () => (button.ariaDisabled = String(!past.length));
  show();
  watch([name], () => {
    const now = performance.now();
    if (!returning && now - changed > REST) past.push(shown);
    changed = returning ? -Infinity : now;
    returning = false;
    shown = model.get(name);
    show();
  });
  listen(button, "click", () => {
    if (!past.length) return;
    returning = true;
    write({ [name]: past.pop() });
  });
}
