// @ts-check
/* The normal distribution: its log-density, and numbers drawn from it. Nats. */

const LOG_2PI = Math.log(2 * Math.PI);

/** log N(x | mean, exp(logvar)).
 * @param {number} x
 * @param {number} mean
 * @param {number} logvar */
export function logNormal(x, mean, logvar) {
  return -0.5 * (LOG_2PI + logvar + (x - mean) ** 2 * Math.exp(-logvar));
}

/** log N(z | 0, I).
 * @param {number[]} z */
export const logPrior = (z) => z.reduce((sum, value) => sum + logNormal(value, 0, 0), 0);

/** One draw of N(0, 1) from two uniform numbers in [0, 1) (Box and Muller).
 * @param {number} u
 * @param {number} v */
export function standardNormal(u, v) {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}

/** A draw of N(0, 1) that no seed repeats; noise.js has those that a seed does. */
export const anyNormal = () => standardNormal(Math.random(), Math.random());
