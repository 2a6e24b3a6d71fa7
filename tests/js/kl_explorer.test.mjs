import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle, readText } from "./load.mjs";

const widget = await importBundle("vae_teach/widgets/kl_explorer.js");
const { noiseRow } = await importBundle("vae_teach/widgets/parts/noise.js");
// also in test_kl_widget.py, where the package computes both directions
const cases = JSON.parse(readText("tests/fixtures/kl_cases.json"));

const STANDARD = { p_mu: 0, p_logvar: 0 };

for (const { name, mu, logvar, forward, backward } of cases) {
  for (const [reverse, expected] of [
    [false, forward],
    [true, backward],
  ]) {
    const state = { mu, logvar, ...STANDARD, reverse };
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

describe("a p that has been moved", () => {
  const state = { mu: 1.5, logvar: 0.7, p_mu: -0.5, p_logvar: -0.3 };
  test("the integral agrees with the closed form in both directions", () => {
    for (const reverse of [false, true]) {
      const both = { ...state, reverse };
      assertClose(widget.areas(both).value, widget.closedForm(both), 1e-9);
    }
  });
  test("only the difference of the means and of the log-variances counts", () => {
    const shifted = { mu: 1.5 + 0.5, logvar: 0.7, p_mu: 0, p_logvar: -0.3, reverse: false };
    assertClose(widget.closedForm(shifted), widget.closedForm({ ...state, reverse: false }), 1e-12);
  });
});

describe("the ticks of an axis", () => {
  test("are two to five round numbers inside it, whatever its end", () => {
    for (const [low, high] of [
      [0, 0.44],
      [0, 3.25],
      [-0.06, 0.2],
      [-24, 31],
    ]) {
      const ticks = widget.ticksBetween(low, high).map(({ tick }) => tick);
      assert.ok(ticks.length >= 2 && ticks.length <= 6, `${ticks}`);
      assert.ok(ticks[0] >= low - 1e-9 && ticks.at(-1) <= high + 1e-9, `${ticks}`);
    }
    assert.deepEqual(
      widget.ticksBetween(0, 0.44).map(({ text }) => text),
      ["0.0", "0.2", "0.4"],
    );
  });
});

describe("signed areas", () => {
  test("both signs occur, and their sum is the divergence", () => {
    const state = { mu: 0.8, logvar: -0.25, ...STANDARD, reverse: false };
    const { positive, negative, value } = widget.areas(state);
    assert.ok(positive > 0 && negative < 0);
    assertClose(positive + negative, value, 1e-12);
  });
  test("the integrand changes sign where the densities cross", () => {
    const state = { mu: 1, logvar: 0, ...STANDARD, reverse: false }; // equal widths cross half-way
    assertClose(widget.integrand(0.5, state), 0, 1e-12);
    assert.ok(widget.integrand(0.4, state) < 0 && widget.integrand(0.6, state) > 0);
  });
});

describe("what is printed", () => {
  test("one nat is 1.4427 bits", () => assertClose(widget.toBits(1), Math.LOG2E, 1e-6));
  test("the sentence names direction, value and error", () => {
    const said = widget.describe({
      mu: 1,
      logvar: 0,
      ...STANDARD,
      reverse: true,
      draws: 100,
      seed: 0,
    });
    assert.match(said, /KL\(p ‖ q\) is 0\.500 nats, or 0\.721 bits/);
    assert.match(said, /100 draws estimate it as .* standard error of/);
  });
});
