// @ts-check
/* Sliders that write a trait each, a number; the log of a variance is told as sigma too. */

import { format, makeSlider } from "./elements.js";

const STEP = 0.05;

/** A slider for each trait.
 * @param {Record<string, string>} names of the sliders, by trait
 * @param {Limits} limits */
export function makeDials(names, limits) {
  return Object.entries(names).map(([trait, name]) => {
    const [min, max] = limits[trait];
    const dial = makeSlider(name, { min, max, step: STEP });
    dial.input.dataset.trait = trait;
    return { trait, ...dial };
  });
}

/** Put the sliders and their texts where the state is.
 * @param {TraitDial[]} dials
 * @param {Record<string, any>} state */
export function showDials(dials, state) {
  for (const { trait, input, value } of dials) {
    input.value = String(state[trait]);
    const sigma = trait.endsWith("logvar") ? `, σ = ${format(Math.exp(0.5 * state[trait]))}` : "";
    input.ariaValueText = value.textContent = format(state[trait]) + sigma;
  }
}

/** Whenever a reader moves a slider, `write` gets what it now says, as { trait: value }.
 * @param {TraitDial[]} dials
 * @param {Listen} listen
 * @param {Write} write */
export function listenToDials(dials, listen, write) {
  for (const { trait, input } of dials) {
    listen(input, "input", () => write({ [trait]: Number(input.value) }));
  }
}
