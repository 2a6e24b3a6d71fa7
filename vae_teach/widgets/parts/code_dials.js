// @ts-check
/* A slider per latent dimension. */

import { box, format, makeSlider } from "./elements.js";

/** A copy of z with some values replaced: [[dimension, value], ...].
 * @param {number[]} z
 * @param {Pair[]} pairs */
export function replaced(z, pairs) {
  const copy = [...z]; // a new list: the model compares by identity
  for (const [d, value] of pairs) copy[d] = value;
  return copy;
}

/** A slider per dimension; `scales` are those of scales.js.
 * @param {Scale[]} scales */
export function makeDials(scales) {
  const dials = scales.map(({ min, max, step }, d) => makeSlider(`z[${d}]`, { min, max, step }));
  /** @param {number[]} z */
  const show = (z) =>
    dials.forEach(({ input, value }, d) => {
      input.value = String(z[d]);
      input.ariaValueText = value.textContent = format(z[d], scales[d].digits);
    });
  const root = box("dials", ...dials.map(({ row }) => row));
  return { root, inputs: dials.map(({ input }) => input), show };
}

/** The sliders write the trait z.
 * @param {{ inputs: HTMLInputElement[] }} dials
 * @param {Life} life
 * @param {Model} model */
export function listenToDials({ inputs }, { listen, write }, model) {
  inputs.forEach((input, d) => {
    const moved = () => replaced(model.get("z"), [[d, Number(input.value)]]);
    listen(input, "input", () => write({ z: moved() }));
  });
}
