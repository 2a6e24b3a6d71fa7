import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importBundle } from "./load.mjs";

const { format } = await importBundle("vae_teach/widgets/parts/elements.js");

describe("numbers", () => {
  test("have a true minus sign and no negative zero", () => {
    const printed = [-1.234, -0.001, 0, 12.5].map((value) => format(value));
    assert.deepEqual(printed, ["−1.23", "0.00", "0.00", "12.50"]);
    assert.equal(format(-1.5, 3), "−1.500");
  });
});
