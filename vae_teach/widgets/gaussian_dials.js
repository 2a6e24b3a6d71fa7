/* Two sliders for N(mu, sigma^2): its mean and the log of its variance, told as sigma too. */

import { format, makeSlider } from "./elements.js";

function makeDial(trait, name, [min, max, step]) {
  const dial = makeSlider(name, { min, max, step });
  dial.input.dataset.trait = trait;
  return dial;
}

/** The sliders of the traits mu and logvar; each range is [lowest, highest, step]. */
export function makeDials({ mu, logvar }) {
  return [makeDial("mu", "mean μ", mu), makeDial("logvar", "log σ²", logvar)];
}

/** Put the sliders and their texts where the state is. */
export function showDials(dials, state) {
  for (const { input, value } of dials) {
    const trait = input.dataset.trait;
    input.value = state[trait];
    const sigma = trait === "logvar" ? `, σ = ${format(Math.exp(0.5 * state.logvar))}` : "";
    input.ariaValueText = value.textContent = format(state[trait]) + sigma;
  }
}
