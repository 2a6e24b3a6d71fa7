import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const explorer = await importBundle("vae_teach/widgets/conditional_explorer.js");
const painter = await importBundle("vae_teach/widgets/column_painter.js");
const { carry, makePrior } = await importBundle("vae_teach/widgets/parts/conditional_prior.js");

describe("the request", () => {
  test("shares lie on the simplex, whatever the weights", () => {
    for (const mix of [
      [1, 0],
      [0.5, 0.5],
      [0.2, 1],
      [3, 1],
    ]) {
      const shares = explorer.simplex(mix);
      assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-12);
      assert.ok(shares.every((share) => share >= 0));
    }
    assert.deepEqual(explorer.simplex([3, 1]), [0.75, 0.25]);
  });
  test("one class alone is no mixture, even with a weight below 1", () => {
    assert.equal(explorer.onlyClass([0, 0.3, 0]), 1);
    assert.equal(explorer.onlyClass([0.1, 0.3, 0]), null);
    assert.deepEqual(explorer.pure(2, 4), [0, 0, 1, 0]);
  });
  test("a share that rises takes from the others in their proportions, and one that falls gives", () => {
    assert.deepEqual(
      explorer.withShare([0.5, 0.25, 0.25], 0, 0.75, [2, 1, 1]),
      [0.75, 0.125, 0.125],
    );
    assert.deepEqual(explorer.withShare([3, 1], 1, 0.5, [3, 1]), [0.5, 0.5]); // weights, not shares
    // class 0 has it all: what it gives up goes where it was before
    assert.deepEqual(explorer.withShare([1, 0, 0], 0, 0.5, [0.2, 0.8, 0]), [0.5, 0.5, 0]);
    const only = [1, 0];
    assert.equal(explorer.withShare(only, 0, 0.95, only), only); // nobody to give to: stays as it is
  });
  test("half and half is with the class that has most now", () => {
    assert.deepEqual(explorer.halved([0, 1, 0], 2), [0, 0.5, 0.5]);
    assert.deepEqual(explorer.halved([0.1, 0.3, 0.6], 2), [0, 0.5, 0.5]);
  });
  test("is said in words, the largest share first", () => {
    const names = ["shirt", "boot", "bag"];
    assert.equal(explorer.describeMix([0, 1, 0], names), "Asked for: boot.");
    assert.equal(
      explorer.describeMix([0.25, 0, 0.75], names),
      "Asked for a mixture: 75\u00a0% bag, 25\u00a0% shirt.",
    );
  });
});

describe("the prior", () => {
  test("without a network it is N(0, I) for every condition", () => {
    assert.deepEqual(makePrior(null, 2)([1, 0]), { mu: [0, 0], sigma: [1, 1] });
  });
  test("the network's second half is the log of the variance, not of sigma", () => {
    const { mu, sigma } = makePrior(() => [0.5, -1, 0, Math.log(4)], 2)([1]);
    assert.deepEqual(mu, [0.5, -1]);
    assert.equal(sigma[0], 1);
    assert.ok(Math.abs(sigma[1] - 2) < 1e-12);
  });
  test("a carried code keeps its place among the prior's standard deviations", () => {
    const from = { mu: [1], sigma: [2] };
    const to = { mu: [-3], sigma: [0.5] };
    assert.deepEqual(carry([5], from, to), [-2]); // two sigma above the mean in both
    assert.deepEqual(carry(carry([5], from, to), to, from), [5]);
  });
});

describe("the column", () => {
  test("13 + 1 + 14 columns make 28, and the condition is column 13", () => {
    const given = Array.from({ length: 28 }, (_, row) => row % 2);
    const others = Float32Array.from({ length: 756 }, (_, i) => 100 + i);
    const picture = painter.compose(given, others, 13, 28);
    assert.equal(picture.length, 784);
    for (let row = 0; row < 28; row++) {
      const line = [...picture.slice(28 * row, 28 * row + 28)];
      assert.equal(line[13], row % 2);
      const rest = [...line.slice(0, 13), ...line.slice(14)];
      assert.deepEqual(rest, [...others.slice(27 * row, 27 * row + 27)]);
    }
  });
  test("a stroke paints every row between two points, in either direction", () => {
    assert.deepEqual(painter.paintRows([0, 0, 0, 0], 1, 2, 1), [0, 1, 1, 0]);
    assert.deepEqual(painter.paintRows([1, 1, 1, 1], 3, 1, 0), [1, 0, 0, 0]);
    const given = [0, 0];
    painter.paintRows(given, 0, 1, 1);
    assert.deepEqual(given, [0, 0], "the model's own list was written into");
  });
  test("a point outside the strip belongs to its nearest end", () => {
    assert.deepEqual(
      [-9, 0, 14.9, 15, 279, 999].map((y) => painter.rowAt(y, 280, 28)),
      [0, 0, 1, 1, 27, 27],
    );
  });
  test("runs of ink are counted from row 1", () => {
    assert.deepEqual(painter.runs([1, 0, 1, 1, 0, 1]), [
      [1, 1],
      [3, 4],
      [6, 6],
    ]);
    assert.deepEqual(painter.runs([0, 0]), []);
  });
});

describe("what came of it", () => {
  test("variety is the sum of the pixels' variances", () => {
    assert.equal(
      painter.variety([
        [0, 1],
        [2, 1],
      ]),
      2,
    ); // variance of 0 and 2 with n - 1
    assert.equal(
      painter.variety([
        [0.3, 0.7],
        [0.3, 0.7],
      ]),
      0,
    );
  });
  test("grey is neither dark nor light", () => {
    assert.equal(painter.greyShare([0, 0.5, 1, 0.2]), 0.25);
  });
  test("says what is painted, how the draws differ and how grey they are", () => {
    const draws = [
      [0, 1],
      [1, 1],
    ];
    assert.equal(
      painter.describe([0, 1, 1, 0, 1], draws, [0.5, 0.5]),
      "Ink in rows 2 to 3, 5. The 2 draws differ by 0.5 squared intensity; " +
        "0\u00a0% of their pixels are neither dark nor light, 100\u00a0% of the regressor's.",
    );
    assert.match(painter.describe([0, 0], draws, null), /^The column is empty\. .* light\.$/);
  });
});
