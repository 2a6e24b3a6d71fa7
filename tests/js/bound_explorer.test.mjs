import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle, readText } from "./load.mjs";

const widget = await importBundle("vae_teach/widgets/bound_explorer.js");
// also in test_bound_widget.py, where the package's grid and quadrature find the same numbers
const cases = JSON.parse(readText("tests/fixtures/bound_cases.json"));
const limits = { mu: [-3, 3], logvar: [-6, 1] }; // the ends that a climb is told
const start = { mu: 0.5, logvar: -1, x: 1.5, sigma_x: 0.5 };

/** The state after a number of steps, and the ELBO at each. */
function walk(state, steps) {
  const elbos = [widget.bound(state).elbo];
  for (let i = 0; i < steps; i++) {
    const next = widget.climb(state, limits);
    if (!next) break;
    state = { ...state, ...next };
    elbos.push(widget.bound(state).elbo);
  }
  return { state, elbos };
}

describe("the numbers are the package's", () => {
  assert.ok(cases.length >= 8);
  for (const { name, mu, logvar, x, sigma_x, ...expected } of cases) {
    test(name, () => {
      const numbers = widget.account({ mu, logvar, x, sigma_x });
      for (const [key, value] of Object.entries(expected)) assertClose(numbers[key], value);
    });
  }
});

describe("the identity", () => {
  test("ELBO and gap add up to log p(x) wherever the sliders can be", () => {
    for (const x of [-1, 0, 1.5, 4]) {
      for (const sigma_x of [0.3, 0.5, 2]) {
        for (const mu of [-3, -1.1, 0, 0.4, 3]) {
          for (const logvar of [-6, -3, 0, 1]) {
            const { sum, evidence, gap } = widget.account({ mu, logvar, x, sigma_x });
            assertClose(sum, evidence, 1e-8); // gap and evidence: two grids; the ELBO: none
            assert.ok(gap > 0);
          }
        }
      }
    }
  });
  test("log p(x) is that of the change of variables when the noise is small", () => {
    // p(x) of x = z^2 is chi-square with one degree of freedom; noise 0.01 blurs it by 5e-5
    const chi = -0.5 * Math.log(2 * Math.PI * 1.5) - 0.75;
    assertClose(widget.logEvidence({ x: 1.5, sigma_x: 0.01 }), chi, 1e-4);
  });
});

describe("climbing", () => {
  test("slopes are those of finite differences", () => {
    const h = 1e-5;
    for (const state of cases) {
      const up = widget.slope(state);
      for (const name of ["mu", "logvar"]) {
        const ends = [h, -h].map((d) => widget.bound({ ...state, [name]: state[name] + d }).elbo);
        const difference = (ends[0] - ends[1]) / (2 * h);
        assertClose(up[name], difference, 1e-6 * Math.max(1, Math.abs(difference)));
      }
    }
  });
  for (const from of [start, ...cases]) {
    test(`never lowers the ELBO nor leaves the sliders: ${from.name ?? "start"}`, () => {
      const { state, elbos } = walk(from, 100);
      elbos.slice(1).forEach((elbo, i) => {
        assert.ok(elbo > elbos[i]);
      });
      for (const [name, [low, high]] of Object.entries(limits)) {
        assert.ok(state[name] >= low && state[name] <= high);
      }
    });
  }
  test("thirty steps from the start come to a hump, and leave about log 2 of gap", () => {
    const { state } = walk(start, 30);
    assertClose(state.mu, 1.1, 0.03);
    // one hump of two: log 2 if it fitted exactly
    const { gap } = widget.account(state);
    assert.ok(gap > Math.log(2) && gap < Math.log(2) + 0.1, `gap ${gap}`);
  });
  test("the widest q is held between the humps, at a lower ELBO", () => {
    const between = walk({ ...start, mu: 0.1, logvar: 0 }, 100).state;
    assertClose(between.mu, 0, 1e-3);
    assert.ok(widget.bound(between).elbo < widget.bound(walk(start, 100).state).elbo - 0.5);
  });
  test("ends where chapter 4's answers say", () => {
    for (const [from, mu, logvar, elbo] of [
      [{ mu: 1, logvar: 0 }, 0, -0.62, -3.313],
      [{ mu: 1, logvar: -3 }, 1.105, -2.97, -2.462],
      [{ mu: -1, logvar: -3 }, -1.105, -2.97, -2.462],
    ]) {
      const end = walk({ ...start, ...from }, 1000).state;
      assertClose(end.mu, mu, 1e-3);
      assertClose(end.logvar, logvar, 5e-3);
      assertClose(widget.bound(end).elbo, elbo, 6e-4);
    }
  });
  test("comes to a level place from everywhere", () => {
    for (const from of [start, ...cases]) {
      let state = from;
      let steps = 0;
      while (!widget.isLevel(state)) {
        state = { ...state, ...widget.climb(state, limits) };
        steps += 1;
        assert.ok(steps < 400, `no end from ${from.name ?? "start"}`);
      }
    }
  });
  test("no step is left where the ELBO is level", () => {
    const end = walk({ ...start, mu: 0, logvar: -0.6 }, 1000).state;
    assert.equal(widget.climb(end, limits), null);
  });
});

describe("the axis of nats", () => {
  test("holds log p(x) and every log-likelihood, ends at whole numbers", () => {
    for (const state of cases) {
      const [low, high] = widget.axis(state);
      const { evidence, likelihood } = widget.account(state);
      assert.ok(Number.isInteger(low) && Number.isInteger(high));
      assert.ok(low < evidence && evidence < high && likelihood < high);
    }
  });
  test("does not move with q", () => {
    assert.deepEqual(widget.axis(start), widget.axis({ ...start, mu: -2, logvar: 1 }));
  });
});

describe("words", () => {
  test("the three numbers and what they say", () => {
    const text = widget.describe({ ...start, mu: 0, logvar: 0 });
    assert.match(text, /μ = 0\.00 and σ = 1\.00/);
    assert.match(text, /ELBO is −4\.726 nats and the gap 3\.001; together they are −1\.725/);
    assert.doesNotMatch(text, /level/);
  });
  test("a level place is said to be one", () => {
    assert.match(widget.describe(walk({ ...start, mu: 0 }, 100).state), /ELBO is level here/);
  });
});
