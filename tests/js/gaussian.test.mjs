import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertClose } from "./close.mjs";
import { importBundle } from "./load.mjs";

const { logNormal, logPrior, standardNormal } = await importBundle(
  "vae_teach/widgets/parts/gaussian.js",
);

describe("the normal distribution", () => {
  test("log p(z) is the standard normal's, in nats", () => {
    assertClose(logPrior([0, 0]), -Math.log(2 * Math.PI), 1e-12);
    assertClose(logPrior([3, 4]), -Math.log(2 * Math.PI) - 12.5, 1e-12);
  });
  test("draws have mean 0 and variance 1", () => {
    const side = 200; // midpoints of a grid: quadrature, so nothing is random
    const draws = [];
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        draws.push(standardNormal((i + 0.5) / side, (j + 0.5) / side));
      }
    }
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, b) => a + b * b, 0) / draws.length;
    assert.ok(Math.abs(mean) < 1e-9, `mean ${mean}`);
    assert.ok(Math.abs(variance - 1) < 0.01, `variance ${variance}`); // the cut tail is 0.2 %
    assert.ok(Number.isFinite(standardNormal(0, 0)));
  });
  test("its log-density has the mean and the log of the variance as parameters", () => {
    assertClose(logNormal(3, 1, Math.log(4)), -0.5 * Math.log(2 * Math.PI * 4) - 0.5, 1e-12);
  });
});
