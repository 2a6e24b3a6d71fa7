import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle, readText } from "./load.mjs";

const widget = await importBundle("vae_teach/widgets/reparameterization.js");
const { noiseRow } = await importBundle("vae_teach/widgets/parts/noise.js");
// also in test_reparameterization_widget.py, where PyTorch differentiates
const cases = JSON.parse(readText("tests/fixtures/reparameterization_cases.json"));

describe("samples and slopes", () => {
  for (const { name, mu, logvar, eps, z, value, by_mu, by_logvar } of cases) {
    test(name, () => {
      const row = { mu, logvar, eps };
      widget.samples(row).forEach((sample, i) => {
        assertClose(sample, z[i], 1e-12);
      });
      const got = widget.measured(row);
      assertClose(got.value, value, 1e-12);
      assertClose(got.byMu, by_mu, 1e-12);
      assertClose(got.byLogvar, by_logvar, 1e-12);
    });
  }
  test("draws of mean 0 and mean square 1 give the expectation itself", () => {
    const row = { mu: 0.7, logvar: -0.8, eps: [1, -1] };
    const [got, want] = [widget.measured(row), widget.exact(row)];
    for (const name of ["value", "byMu", "byLogvar"]) assertClose(got[name], want[name], 1e-12);
  });
  test("slopes are those of finite differences at fixed noise", () => {
    const row = { mu: 0.4, logvar: -0.6, eps: [0.3, -1.7, 2.2] };
    const h = 1e-5;
    const by = (name) => {
      const ends = [h, -h].map(
        (step) => widget.measured({ ...row, [name]: row[name] + step }).value,
      );
      return (ends[0] - ends[1]) / (2 * h);
    };
    assertClose(widget.measured(row).byMu, by("mu"), 1e-8);
    assertClose(widget.measured(row).byLogvar, by("logvar"), 1e-8);
  });
});

describe("the curve over mu", () => {
  const state = { mu: 0, logvar: 0, eps: noiseRow(1, 10), redraw: false, seed: 1 };
  const mus = Array.from({ length: 41 }, (_, i) => -2 + i / 10);
  const bends = (points) =>
    points.slice(1, -1).map(([, v], i) => points[i][1] - 2 * v + points[i + 2][1]);
  test("is a parabola when one row of noise serves every mu", () => {
    // the second difference of mu^2 at a spacing of 0.1 is 0.02, everywhere
    bends(widget.averages(state, mus)).forEach((bend) => {
      assertClose(bend, 0.02, 1e-9);
    });
  });
  test("is a cloud around the expectation when every mu has its own row", () => {
    const points = widget.averages({ ...state, redraw: true }, mus);
    assert.ok(Math.max(...bends(points).map(Math.abs)) > 0.5);
    const excess = points.map(([mu, v]) => v - widget.exact({ mu, logvar: 0 }).value);
    const mean = excess.reduce((a, b) => a + b, 0) / excess.length;
    // variance of one point: (4 mu^2 + 2) / 10, on average (4 * 1.4 + 2) / 10 = 0.76
    assertClose(mean, 0, 5 * Math.sqrt(0.76 / mus.length));
  });
});

describe("words", () => {
  const still = { mu: 1, logvar: 0, eps: [1, -1], redraw: false, seed: 0 };
  test("held noise has a slope", () => {
    assert.match(widget.describe(still, null), /slope 2\.00 in μ, where the expectation has 2\.00/);
  });
  test("re-drawn noise has none, and the last move is told", () => {
    const moved = widget.changes({ ...still, mu: 0 }, { ...still, eps: [2, 0] });
    const sentence = widget.describe({ ...still, redraw: true }, moved);
    assert.match(sentence, /no slope/);
    assert.match(sentence, /changed the average by 4\.00 and the expectation by 1\.00/);
  });
  test("other noise at the same place is no move", () => {
    assert.equal(widget.changes(still, { ...still, eps: [0, 3] }), null);
    assert.equal(widget.changes(null, still), null);
  });
});
