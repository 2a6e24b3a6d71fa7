/* Sliders that write a trait each, a number; the log of a variance is told as sigma too. */

import { format, makeSlider } from "./elements.js";

/** A slider for each trait of { trait: { name, range: [lowest, highest, step] } }. */
export function makeDials(traits) {
  return Object.entries(traits).map(
    ([
      trait,
      {
        name,
        range: [min, max, step],
      },
    ]) => {
      const dial = makeSlider(name, { min, max, step });
      dial.input.dataset.trait = trait;
      return dial;
    },
  );
}

/** Put the sliders and their texts where the state is. */
export function showDials(dials, state) {
  for (const { input, value } of dials) {
    const trait = input.dataset.trait;
    input.value = state[trait];
    const sigma = trait.endsWith("logvar") ? `, σ = ${format(Math.exp(0.5 * state[trait]))}` : "";
    input.ariaValueText = value.textContent = format(state[trait]) + sigma;
  }
}

/** Whenever a reader moves a slider, `write` gets what it now says, as { trait: value }. */
export function listenToDials(dials, listen, write) {
  for (const { input } of dials) {
    listen(input, "input", () => write({ [input.dataset.trait]: Number(input.value) }));
  }
}
