import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle, readText } from "./load.mjs";

const { ACTIVATIONS, makeDecoder } = await importBundle("vae_teach/widgets/parts/decoder.js");
const cases = JSON.parse(readText("tests/fixtures/explorer_cases.json")); // also in test_widgets.py

describe("decoder", () => {
  for (const [name, pairs] of Object.entries(cases.activations)) {
    test(`${name} at its worked points`, () => {
      for (const [x, y] of pairs) assertClose(ACTIVATIONS[name](x), y, 1e-12 * Math.abs(y));
    });
  }
  for (const { name, steps, numbers, z, output } of cases.networks) {
    test(name, () => {
      const decode = makeDecoder(steps, Float32Array.from(numbers));
      const given = [...z];
      decode([...z].reverse()); // an earlier call must leave nothing behind
      const pixels = decode(given);
      assert.equal(pixels.length, output.length);
      output.forEach((value, i) => {
        assertClose(pixels[i], value, 1e-6 * Math.abs(value));
      });
      assert.deepEqual(given, z, "z itself was overwritten");
    });
  }
  test("too few or too many numbers are refused, naming both counts", () => {
    const steps = [{ kind: "dense", inputs: 2, outputs: 1 }];
    for (const count of [2, 4]) {
      const make = () => makeDecoder(steps, new Float32Array(count));
      assert.throws(make, new RegExp(`needs 3 numbers but was given ${count}`));
    }
  });
  test("a code of another length is refused, naming both lengths", () => {
    const decode = makeDecoder([{ kind: "dense", inputs: 2, outputs: 1 }], new Float32Array(3));
    for (const z of [[1], [1, 2, 3]]) {
      assert.throws(() => decode(z), new RegExp(`takes 2 values but was given ${z.length}`));
    }
  });
  test("an unknown step is refused by name", () => {
    const make = () => makeDecoder([{ kind: "gelu" }], new Float32Array(0));
    assert.throws(make, /unknown decoder step "gelu"/);
  });
});
