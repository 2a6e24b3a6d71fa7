import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle, readText } from "./load.mjs";

const widget = await importBundle("vae_teach/widgets/kl_explorer.js");
const { noiseRow } = await importBundle("vae_teach/widgets/noise.js");
// also in test_kl_widget.py, where the package computes both directions
const cases = JSON.parse(readText("tests/fixtures/kl_cases.json"));

function assertClose(actual, expected, room) {
  assert.ok(Math.abs(actual - expected) <= room, `${actual} is not ${expected}`);
}

for (const { name, mu, logvar, forward, backward } of cases) {
  for (const [reverse, expected] of [[false, forward], [true, backward]]) {
    const state = { mu, logvar, reverse };
    test(`${name}, ${widget.nameOf(state)}: closed form and integral agree with the table`, () => {
      assertClose(widget.closedForm(state), expected, 1e-9 * Math.max(1, expected));
      assertClose(widget.areas(state).value, expected, 1e-9 * Math.max(1, expected));
    });
    test(`${name}, ${widget.nameOf(state)}: a large sample agrees within five errors`, () => {
      const { value, stdError } = widget.estimate(state, noiseRow(3, 20_000));
      assertClose(value, expected, 5 * stdError + 1e-12);
    });
  }
}

describe("signed areas", () => {
  test("both signs occur, and their sum is the divergence", () => {
    const state = { mu: 0.8, logvar: -0.25, reverse: false };
    const { positive, negative, value } = widget.areas(state);
    assert.ok(positive > 0 && negative < 0);
    assertClose(positive + negative, value, 1e-12);
  });
  test("the integrand changes sign where the densities cross", () => {
    const state = { mu: 1, logvar: 0, reverse: false }; // equal widths cross half-way
    assertClose(widget.integrand(0.5, state), 0, 1e-12);
    assert.ok(widget.integrand(0.4, state) < 0 && widget.integrand(0.6, state) > 0);
  });
});

describe("what is printed", () => {
  test("one nat is 1.4427 bits", () => assertClose(widget.toBits(1), 1.442695, 1e-6));
  test("the sentence names direction, value and error", () => {
    const said = widget.describe({ mu: 1, logvar: 0, reverse: true, draws: 100, seed: 0 });
    assert.match(said, /KL\(p ‖ q\) is 0\.500 nats, or 0\.721 bits/);
    assert.match(said, /100 draws estimate it as .* standard error of/);
  });
});
