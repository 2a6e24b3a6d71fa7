import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { classCentres, describeCodes, describeCount, moments, nearestCodes } = await importBundle(
  "vae_teach/widgets/parts/codes.js",
);

describe("test codes", () => {
  const codes = [0, 0, 1, 0, 0, 3, 5, 5]; // four codes on a plane
  test("the nearest come first, with Euclidean distances", () => {
    assert.deepEqual(
      nearestCodes([0.9, 0], codes, 2).map((c) => c.index),
      [1, 0],
    );
    assert.equal(nearestCodes([0, 0], codes, 4)[2].distance, 3);
    assert.equal(nearestCodes([0, 0], codes, 9).length, 4);
    assert.deepEqual(nearestCodes([0, 0], [], 5), []);
  });
  test("nearest agrees with sorting everything", () => {
    const many = Array.from({ length: 900 }, (_, i) => Math.sin(i * i)); // 300 codes of 3
    const z = [0.1, -0.2, 0.3];
    const all = Array.from({ length: 300 }, (_, i) =>
      Math.hypot(...z.map((value, d) => value - many[3 * i + d])),
    );
    const sorted = [...all.keys()].sort((a, b) => all[a] - all[b]).slice(0, 10);
    assert.deepEqual(
      nearestCodes(z, many, 10).map((c) => c.index),
      sorted,
    );
  });
  test("class centres are means on the two dimensions asked for", () => {
    const centres = classCentres([1, 2, 9, 3, 4, 9, 0, 0, 5], [7, 7, 1], 3, [2, 0]);
    assert.deepEqual(centres, [
      { label: 7, across: 9, up: 2 },
      { label: 1, across: 5, up: 0 },
    ]);
  });
  test("moments are those of each dimension", () => {
    assert.deepEqual(moments([1, 10, 3, 10], 2), [
      { mean: 2, std: 1 },
      { mean: 10, std: 0 },
    ]);
  });
});

describe("spoken description", () => {
  const near = [
    { index: 2, distance: 0.1234 },
    { index: 0, distance: 0.5 },
    { index: 1, distance: 0.6 },
  ];
  const names = ["shirt", "boot"];
  const say = (labels, radius, found = near) => describeCodes(found, labels, names, radius);
  test("names the nearest class and how many neighbours share it", () => {
    assert.equal(
      say([1, 0, 1], 1),
      "The nearest test code is of class boot, 0.12 away; of the 3 nearest, 2 are of that class.",
    );
    assert.match(say([0, 0, 1], 1), /of the 3 nearest, 1 is of that class/);
    assert.match(say([0, 0, 1], 1, near.slice(0, 1)), /class boot, 0.12 away\.$/);
  });
  test("says that there is a gap beyond the radius, with and without labels", () => {
    assert.equal(
      say([1, 0, 1], 0.1),
      "A gap: no test code within 0.10; the nearest, of class boot, is 0.12 away.",
    );
    assert.equal(say([], 0.1), "A gap: no test code within 0.10; the nearest is 0.12 away.");
  });
  test("without labels it gives the distance; without codes it says nothing", () => {
    assert.equal(say([], 1), "The nearest test code is 0.12 away.");
    assert.equal(say([], 0, []), "");
  });
});

test("the pad says of how many codes it shows some", () => {
  assert.equal(describeCount(1500, 10_000), "1,500 of 10,000 test codes.");
  assert.equal(describeCount(200, 200), "200 test codes.");
  assert.equal(describeCount(0, 0), "");
});
