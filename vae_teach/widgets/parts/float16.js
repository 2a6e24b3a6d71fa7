// @ts-check
/* Packed numbers: the other half of decoder.py's `pack_half`. */

/** The number a float16 bit pattern stands for.
 * @param {number} bits */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24; // zero and subnormals
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Float16 numbers from a DataView: all low bytes first, then all high bytes.
 * @param {DataView} view */
export function unpackHalves(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const count = bytes.length / 2;
  return Float32Array.from({ length: count }, (_, i) =>
    halfToNumber(bytes[i] | (bytes[count + i] << 8)),
  );
}

/** The bytes of a DataView, as anywidget hands binary traits over.
 * @param {DataView} view */
export const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Hands out an array of numbers one stretch after another, without copying.
 * @param {Float32Array} numbers */
export function makeTaker(numbers) {
  let used = 0;
  /** @param {number} count */
  const take = (count) => {
    used += count;
    return numbers.subarray(used - count, used);
  };
  return { take, used: () => used };
}
