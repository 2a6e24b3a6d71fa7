// @ts-check
/* A network of dense layers, run on plain arrays: the decoder, a prior, a regressor. */

import { makeTaker } from "./float16.js";

/** @type {Record<string, (x: number) => number>} */
export const ACTIVATIONS = {
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), // no overflow
};

/** out = W x + b, W (outputs, inputs) row by row.
 * @param {ArrayLike<number>} x
 * @param {Float32Array} weight
 * @param {Float32Array} bias
 * @param {Float32Array} out */
export function dense(x, weight, bias, out) {
  const inputs = x.length;
  for (let o = 0, start = 0; o < out.length; o++, start += inputs) {
    let sum = bias[o];
    for (let i = 0; i < inputs; i++) sum += weight[start + i] * x[i];
    out[o] = sum;
  }
  return out;
}

/** The decoder as a function of z. Its answer is overwritten by the next call.
 * @param {Step[]} steps
 * @param {Float32Array} numbers
 * @returns {Network} */
export function makeDecoder(steps, numbers) {
  const { take, used } = makeTaker(numbers);
  /** @type {((x: Float32Array) => Float32Array)[]} */
  const layers = steps.map(({ kind, inputs = 0, outputs = 0 }) => {
    if (kind === "dense") {
      const weight = take(inputs * outputs);
      const bias = take(outputs);
      const out = new Float32Array(outputs);
      return (x) => dense(x, weight, bias, out);
    }
    const activation = ACTIVATIONS[kind];
    if (!activation) throw new Error(`unknown decoder step "${kind}"`);
    return (x) => {
      for (let i = 0; i < x.length; i++) x[i] = activation(x[i]);
      return x;
    };
  });
  if (used() !== numbers.length) {
    throw new Error(`the decoder needs ${used()} numbers but was given ${numbers.length}`);
  }
  const wanted = steps.find(({ kind }) => kind === "dense")?.inputs;
  return (z) => {
    if (wanted !== undefined && z.length !== wanted) {
      throw new Error(`the decoder takes ${wanted} values but was given ${z.length}`);
    }
    /** @type {Float32Array} */
    const input = Float32Array.from(z);
    return layers.reduce((x, layer) => layer(x), input);
  };
}
