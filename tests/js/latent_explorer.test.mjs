import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle, readText } from "./load.mjs";

const explorer = await importBundle("vae_teach/widgets/latent_explorer.js");
const cases = JSON.parse(readText("tests/fixtures/explorer_cases.json")); // also in test_widgets.py

function assertClose(actual, expected, relative = 1e-6) {
  const room = relative * Math.max(Math.abs(expected), 1e-30);
  assert.ok(Math.abs(actual - expected) <= room, `${actual} is not ${expected}`);
}

describe("float16", () => {
  for (const { name, bits, value } of cases.halves) {
    test(name, () => assert.equal(explorer.halfToNumber(bits), Number(value)));
  }
  test("numbers are unpacked from all low bytes followed by all high bytes", () => {
    const bytes = new Uint8Array([255, 0x00, 0x01, 0x00, 0x3c, 0x00, 0xc0, 255]); // 1, 2^-24, -2
    const inside = new DataView(bytes.buffer, 1, 6); // as a slice of a larger message
    assert.deepEqual([...explorer.unpackHalves(inside)], [1, 2 ** -24, -2]);
  });
});

describe("decoder", () => {
  for (const [name, pairs] of Object.entries(cases.activations)) {
    test(`${name} at its worked points`, () => {
      for (const [x, y] of pairs) assertClose(explorer.ACTIVATIONS[name](x), y, 1e-12);
    });
  }
  for (const { name, steps, numbers, z, output } of cases.networks) {
    test(name, () => {
      const decode = explorer.makeDecoder(steps, Float32Array.from(numbers));
      const given = [...z];
      decode([...z].reverse()); // an earlier call must leave nothing behind
      const pixels = decode(given);
      assert.equal(pixels.length, output.length);
      output.forEach((value, i) => assertClose(pixels[i], value));
      assert.deepEqual(given, z, "z itself was overwritten");
    });
  }
  test("too few or too many numbers are refused, naming both counts", () => {
    const steps = [{ kind: "dense", inputs: 2, outputs: 1 }];
    for (const count of [2, 4]) {
      const make = () => explorer.makeDecoder(steps, new Float32Array(count));
      assert.throws(make, new RegExp(`needs 3 numbers but was given ${count}`));
    }
  });
  test("an unknown step is refused by name", () => {
    const make = () => explorer.makeDecoder([{ kind: "gelu" }], new Float32Array(0));
    assert.throws(make, /unknown decoder step "gelu"/);
  });
});

describe("picture", () => {
  const rgba = (...args) => [...explorer.toRgba(...args)];
  test("white ink: 0 is black, 1 is white, values outside are clamped", () => {
    const pixels = [0, 1, 0.5, -0.2, 1.3];
    const bytes = rgba(pixels, 1, "white", new Uint8ClampedArray(20));
    assert.deepEqual(bytes.filter((_, i) => i % 4 === 0), [0, 255, 128, 0, 255]);
    assert.deepEqual(bytes.slice(4, 8), [255, 255, 255, 255]);
  });
  test("black ink turns it round", () => {
    const bytes = rgba([0, 1], 1, "black", new Uint8ClampedArray(8));
    assert.deepEqual(bytes, [255, 255, 255, 255, 0, 0, 0, 255]);
  });
  test("three channels lie one after another in the decoder's answer", () => {
    const bytes = rgba([1, 0, 0, 1, 0, 0], 3, "white", new Uint8ClampedArray(8));
    assert.deepEqual(bytes, [255, 0, 0, 255, 0, 255, 0, 255]);
  });
});

describe("scales and axes", () => {
  test("steps are 1, 2 or 5 times a power of ten", () => {
    const steps = [0.00625, 0.05, 0.051, 0.3, 1, 3, 70].map(explorer.niceStep);
    assert.deepEqual(steps, [0.01, 0.05, 0.1, 0.5, 1, 5, 100]);
  });
  test("a slider's ends hold the range and reach 0 in whole steps", () => {
    for (const [low, high] of [[-4, 4], [-0.93, 0.88], [-31.7, 4.2], [0, 0.001]]) {
      const { min, max, step } = explorer.sliderScale(low, high);
      assert.ok(min <= low && high <= max, `${min} ${max} do not hold ${low} ${high}`);
      assert.ok(max - min <= high - low + 2 * step, "the ends lie too far out");
      assertClose(Math.round(min / step) * step + 1, min + 1, 1e-9);
    }
  });
  test("pixels and values are each other's inverse, to the last digit shown", () => {
    const axis = explorer.makeAxis(explorer.sliderScale(-4, 4), 40, 340);
    for (const value of [-4, -1.23, 0, 2.5, 4]) {
      assert.equal(axis.toValue(axis.toPixel(value)), value);
    }
    assert.equal(axis.toPixel(-4), 40);
    assert.equal(axis.toPixel(4), 340);
  });
  test("upward is upward: the pixel of a larger value lies higher", () => {
    const axis = explorer.makeAxis(explorer.sliderScale(-4, 4), 340, 10);
    assert.ok(axis.toPixel(1) < axis.toPixel(0));
    assert.equal(axis.toValue(10), 4);
  });
  test("outside the pad both are clamped", () => {
    const axis = explorer.makeAxis(explorer.sliderScale(-4, 4), 40, 340);
    assert.equal(axis.toValue(-500), -4);
    assert.equal(axis.toPixel(99), 340);
  });
  test("ticks are round numbers inside the range, 0 among them", () => {
    const ticks = (low, high) => explorer.makeAxis(explorer.sliderScale(low, high), 0, 1).ticks;
    assert.deepEqual(ticks(-4, 4), [-4, -2, 0, 2, 4]);
    assert.deepEqual(ticks(-3, 3), [-3, -2, -1, 0, 1, 2, 3]);
    assert.deepEqual(ticks(-0.5, 1), [-0.5, 0, 0.5, 1]);
  });
});

describe("numbers", () => {
  test("log p(z) is the standard normal's, in nats", () => {
    assertClose(explorer.logPrior([0, 0]), -Math.log(2 * Math.PI), 1e-12);
    assertClose(explorer.logPrior([3, 4]), -Math.log(2 * Math.PI) - 12.5, 1e-12);
  });
  test("draws have mean 0 and variance 1", () => {
    const side = 200; // midpoints of a grid: quadrature, so nothing is random
    const draws = [];
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        draws.push(explorer.standardNormal((i + 0.5) / side, (j + 0.5) / side));
      }
    }
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, b) => a + b * b, 0) / draws.length;
    assert.ok(Math.abs(mean) < 1e-9, `mean ${mean}`);
    assert.ok(Math.abs(variance - 1) < 0.01, `variance ${variance}`); // the cut tail is 0.2 %
    assert.ok(Number.isFinite(explorer.standardNormal(0, 0)));
  });
  test("moments are those of each dimension", () => {
    assert.deepEqual(explorer.moments([1, 10, 3, 10], 2), [
      { mean: 2, std: 1 },
      { mean: 10, std: 0 },
    ]);
  });
});

describe("a new code", () => {
  const scales = [{ tidy: (x) => x }, { tidy: (x) => x }];
  const far = { codes: [100, -50, 102, -50, 98, -50] };
  test("without a prior comes from the cloud that is on the pad now", () => {
    const data = { latentDim: 2, scales, prior: false, codes: [0, 0, 0, 0] };
    const draw = explorer.drawers(data);
    assert.deepEqual(draw.random(), [0, 0]);
    Object.assign(data, far); // the menu shows another model's codes
    const [across, up] = draw.random();
    assert.ok(Math.abs(across - 100) < 20, `${across}`);
    assert.equal(up, -50);
    assert.ok(far.codes.includes(draw.test()[0]));
  });
  test("with a prior comes from N(0, I), whatever the cloud", () => {
    const draw = explorer.drawers({ latentDim: 2, scales, prior: true, ...far });
    assert.ok(draw.random().every((z) => Math.abs(z) < 10));
  });
});

describe("test codes", () => {
  const codes = [0, 0, 1, 0, 0, 3, 5, 5]; // four codes on a plane
  test("the nearest come first, with Euclidean distances", () => {
    assert.deepEqual(explorer.nearestCodes([0.9, 0], codes, 2).map((c) => c.index), [1, 0]);
    assert.equal(explorer.nearestCodes([0, 0], codes, 4)[2].distance, 3);
    assert.equal(explorer.nearestCodes([0, 0], codes, 9).length, 4);
    assert.deepEqual(explorer.nearestCodes([0, 0], [], 5), []);
  });
  test("nearest agrees with sorting everything", () => {
    const many = Array.from({ length: 900 }, (_, i) => Math.sin(i * i)); // 300 codes of 3
    const z = [0.1, -0.2, 0.3];
    const all = Array.from({ length: 300 }, (_, i) =>
      Math.hypot(...z.map((value, d) => value - many[3 * i + d])),
    );
    const sorted = [...all.keys()].sort((a, b) => all[a] - all[b]).slice(0, 10);
    assert.deepEqual(explorer.nearestCodes(z, many, 10).map((c) => c.index), sorted);
  });
  test("class centres are means on the two dimensions asked for", () => {
    const centres = explorer.classCentres([1, 2, 9, 3, 4, 9, 0, 0, 5], [7, 7, 1], 3, [2, 0]);
    assert.deepEqual(centres, [
      { label: 7, across: 9, up: 2 },
      { label: 1, across: 5, up: 0 },
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
  const say = (labels, radius, found = near) =>
    explorer.describeCodes(found, labels, names, radius);
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
  test("describes how much ink there is, where, and how undecided it is", () => {
    const corner = new Float32Array(100);
    corner[0] = corner[1] = corner[10] = 1; // top left of 10 x 10
    corner[11] = 0.5;
    assert.equal(
      explorer.describeInk(corner, [1, 10, 10]),
      "Ink covers 4 % of the picture, centred towards the top left; " +
        "1 % of the pixels are neither dark nor light.",
    );
  });
  test("tells bottom from top, right from left, and the middle from both", () => {
    const at = (row, column) => {
      const pixels = new Float32Array(25);
      pixels[5 * row + column] = 1;
      return explorer.describeInk(pixels, [1, 5, 5]).match(/centred (.*);/)[1];
    };
    assert.equal(at(2, 2), "in the middle");
    assert.equal(at(4, 2), "towards the bottom");
    assert.equal(at(2, 4), "towards the right");
    assert.equal(at(0, 4), "towards the top right");
  });
  test("every colour channel counts, each in its own place", () => {
    const pixels = new Float32Array(48); // 3 channels of 4 x 4
    pixels[16 + 15] = 1; // bottom right of the second
    assert.match(explorer.describeInk(pixels, [3, 4, 4]), /^Ink covers 2 % .* bottom right;/);
  });
  test("an empty picture is blank, whatever lies below 0", () => {
    assert.equal(explorer.describeInk(new Float32Array(100), [1, 10, 10]), "The picture is blank.");
    const below = new Float32Array(100).fill(-0.5);
    assert.equal(explorer.describeInk(below, [1, 10, 10]), "The picture is blank.");
  });
});

test("a coloured picture is described by its average colour", () => {
  const pixels = Float32Array.from([1, 0, 0.5, 0.5, 0, 0.2]); // two pixels, channel by channel
  const said = explorer.describeColour(pixels, [3, 1, 2]);
  assert.equal(said, "The picture's average colour: red 50 %, green 50 %, blue 10 %.");
});
