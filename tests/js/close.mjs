import assert from "node:assert/strict";

/** Two numbers that are at most `room` apart; NaN is close to nothing. */
export function assertClose(actual, expected, room = 1e-6) {
  assert.ok(Math.abs(actual - expected) <= room, `${actual} is not ${expected} to ${room}`);
}
