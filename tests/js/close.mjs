// Numbers that agree up to rounding, relative to the expected one.
import assert from "node:assert/strict";

export function assertClose(actual, expected, relative = 1e-6) {
  const room = relative * Math.max(Math.abs(expected), 1e-30);
  assert.ok(Math.abs(actual - expected) <= room, `${actual} is not ${expected}`);
}
