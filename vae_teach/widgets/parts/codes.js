// @ts-check
/* A cloud of test codes: where it lies, and what it says about a place. */

import { format } from "./elements.js";

/** Mean and standard deviation of each latent dimension of (N, L) codes.
 * @param {Float32Array} codes
 * @param {number} latentDim */
export function moments(codes, latentDim) {
  const count = codes.length / latentDim;
  return Array.from({ length: latentDim }, (_, d) => {
    let sum = 0;
    let squares = 0;
    for (let i = d; i < codes.length; i += latentDim) {
      sum += codes[i];
      squares += codes[i] * codes[i];
    }
    const mean = sum / count;
    return { mean, std: Math.sqrt(Math.max(squares / count - mean * mean, 0)) };
  });
}

/** The k codes nearest to z, nearest first: [{ index, distance }].
 * @param {number[]} z
 * @param {Float32Array} codes
 * @param {number} k */
export function nearestCodes(z, codes, k) {
  /** @type {{ index: number, square: number }[]} */
  const found = [];
  for (let index = 0; index * z.length < codes.length; index++) {
    let square = 0;
    for (let d = 0; d < z.length; d++) square += (z[d] - codes[index * z.length + d]) ** 2;
    if (found.length === k && square >= found[k - 1].square) continue;
    const place = found.findIndex((other) => square < other.square);
    found.splice(place < 0 ? found.length : place, 0, { index, square });
    if (found.length > k) found.pop();
  }
  return found.map(({ index, square }) => ({ index, distance: Math.sqrt(square) }));
}

/** How many of the test codes are on the pad.
 * @param {number} shown
 * @param {number} total */
export function describeCount(shown, total) {
  /** @param {number} count */
  const number = (count) => count.toLocaleString("en");
  if (!shown) return "";
  const all = shown >= total;
  return all ? `${number(shown)} test codes.` : `${number(shown)} of ${number(total)} test codes.`;
}

/** Where the codes of each class lie on average, on two of the L dimensions.
 * @param {Float32Array} codes
 * @param {Uint8Array} labels
 * @param {number} latentDim
 * @param {Pair} axes
 * @returns {ClassCentre[]} */
export function classCentres(codes, labels, latentDim, [across, up]) {
  /** @type {Map<number, number[]>} */
  const sums = new Map(); // class -> [sum across, sum up, count]
  labels.forEach((label, i) => {
    const sum = sums.get(label) ?? [0, 0, 0];
    sum[0] += codes[i * latentDim + across];
    sum[1] += codes[i * latentDim + up];
    sum[2] += 1;
    sums.set(label, sum);
  });
  return [...sums].map(([label, [a, u, count]]) => ({ label, across: a / count, up: u / count }));
}

/** What the test codes around z say; `near` from nearestCodes, `labels` may be empty.
 * @param {{ index: number, distance: number }[]} near
 * @param {Uint8Array} labels
 * @param {string[]} names
 * @param {number} gapRadius */
export function describeCodes(near, labels, names, gapRadius) {
  if (!near.length) return "";
  const { index, distance } = near[0];
  const named = labels.length > 0;
  const nearest = named ? names[labels[index]] : "";
  if (gapRadius > 0 && distance > gapRadius) {
    return (
      `A gap: no test code within ${format(gapRadius)}; the nearest` +
      `${named ? `, of class ${nearest},` : ""} is ${format(distance)} away.`
    );
  }
  if (!named) return `The nearest test code is ${format(distance)} away.`;
  const answer = `The nearest test code is of class ${nearest}, ${format(distance)} away`;
  if (near.length === 1) return `${answer}.`;
  const alike = near.filter((other) => labels[other.index] === labels[index]).length;
  const are = alike === 1 ? "is" : "are";
  return `${answer}; of the ${near.length} nearest, ${alike} ${are} of that class.`;
}
