import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle, readText } from "./load.mjs";

const { halfToNumber, unpackHalves } = await importBundle("vae_teach/widgets/parts/float16.js");
const cases = JSON.parse(readText("tests/fixtures/explorer_cases.json")); // also in test_widgets.py

describe("float16", () => {
  for (const { name, bits, value } of cases.halves) {
    test(name, () => assert.equal(halfToNumber(bits), Number(value)));
  }
  test("numbers are unpacked from all low bytes followed by all high bytes", () => {
    const bytes = new Uint8Array([255, 0x00, 0x01, 0x00, 0x3c, 0x00, 0xc0, 255]); // 1, 2^-24, -2
    const inside = new DataView(bytes.buffer, 1, 6); // as a slice of a larger message
    assert.deepEqual([...unpackHalves(inside)], [1, 2 ** -24, -2]);
  });
});
