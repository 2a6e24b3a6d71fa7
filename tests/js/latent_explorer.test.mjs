import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { drawers } = await importBundle("vae_teach/widgets/latent_explorer.js");

describe("a new code", () => {
  const scales = [{ tidy: (x) => x }, { tidy: (x) => x }];
  const far = { codes: [100, -50, 102, -50, 98, -50] };
  test("without a prior comes from the cloud that is on the pad now", () => {
    const data = { latentDim: 2, scales, prior: false, codes: [0, 0, 0, 0] };
    const draw = drawers(data);
    assert.deepEqual(draw.random(), [0, 0]);
    Object.assign(data, far); // the menu shows another model's codes
    const [across, up] = draw.random();
    assert.ok(Math.abs(across - 100) < 20, `${across}`);
    assert.equal(up, -50);
    assert.ok(far.codes.includes(draw.test()[0]));
  });
  test("with a prior comes from N(0, I), whatever the cloud", () => {
    const draw = drawers({ latentDim: 2, scales, prior: true, ...far });
    assert.ok(draw.random().every((z) => Math.abs(z) < 10));
  });
});
