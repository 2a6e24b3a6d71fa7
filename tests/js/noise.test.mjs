import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle } from "./load.mjs";

const { noiseRow, uniforms } = await importBundle("vae_teach/widgets/parts/noise.js");

describe("uniform numbers", () => {
  test("fill [0, 1) evenly", () => {
    const next = uniforms(1);
    const counts = new Array(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[Math.floor(10 * next())] += 1;
    for (const count of counts) assertClose(count, 1000, 5 * 30);
  });
});

describe("a row of noise", () => {
  const row = noiseRow(5, 20_000);
  const moment = (power) => row.reduce((sum, e) => sum + e ** power, 0) / row.length;
  test("has the moments of N(0, 1) within five standard errors", () => {
    const rootN = Math.sqrt(row.length);
    assertClose(moment(1), 0, 5 / rootN);
    assertClose(moment(2), 1, (5 * Math.sqrt(2)) / rootN);
    assertClose(moment(3), 0, (5 * Math.sqrt(15)) / rootN);
    assertClose(moment(4), 3, (5 * Math.sqrt(96)) / rootN);
  });
  test("a seed gives one row, and neighbouring seeds give unrelated rows", () => {
    assert.deepEqual(noiseRow(5, 10), row.slice(0, 10));
    const next = noiseRow(6, row.length);
    const product = row.reduce((sum, e, i) => sum + e * next[i], 0) / row.length;
    assertClose(product, 0, 5 / Math.sqrt(row.length));
  });
  test("is finite for every seed tried", () => {
    for (let seed = 0; seed < 2_000; seed++) {
      assert.ok(noiseRow(seed, 10).every(Number.isFinite), `seed ${seed}`);
    }
  });
});
