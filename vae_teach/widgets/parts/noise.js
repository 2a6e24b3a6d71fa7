// @ts-check
/* Random numbers that a seed repeats; Math.random() takes none. */

import { standardNormal } from "./gaussian.js";

/** A function that returns the next uniform number in [0, 1) (mulberry32).
 * @param {number} seed */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A row of N(0, 1). A seed always gives the same row.
 * @param {number} seed
 * @param {number} count */
export function noiseRow(seed, count) {
  const next = uniforms(Math.imul(seed + 1, 0x85ebca6b)); // neighbouring seeds far apart
  return Array.from({ length: count }, () => standardNormal(next(), next()));
}
