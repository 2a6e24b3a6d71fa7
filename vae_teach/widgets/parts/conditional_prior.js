// @ts-check
/* p(z|c), fixed or learned: what the conditional explorer and the column painter share. */

/** p(z|c) as a function of c: { mu, sigma }, each [L]; N(0, I) where there is no network.
 * @param {Network | null} network
 * @param {number} latentDim
 * @returns {(c: ArrayLike<number>) => Prior} */
export function makePrior(network, latentDim) {
  if (!network) {
    const standard = { mu: Array(latentDim).fill(0), sigma: Array(latentDim).fill(1) };
    return () => standard;
  }
  return (c) => {
    const answer = [...network(c)]; // [mu, logvar]
    return {
      mu: answer.slice(0, latentDim),
      sigma: answer.slice(latentDim).map((logvar) => Math.exp(logvar / 2)),
    };
  };
}

/** The code that lies in the new prior where z lies in the old one.
 * @param {number[]} z
 * @param {Prior} from
 * @param {Prior} to */
export function carry(z, from, to) {
  return z.map((value, d) => to.mu[d] + (to.sigma[d] * (value - from.mu[d])) / from.sigma[d]);
}
