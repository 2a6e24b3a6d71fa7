// @ts-check
/* Round numbers for sliders and axes, and numbers kept between two ends. */

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The nearest of 1, 2, 5, 10, ... times a power of ten, at least x.
 * @param {number} x */
export function niceStep(x) {
  const power = 10 ** Math.floor(Math.log10(x) + 1e-9);
  const factor = [1, 2, 5].find((f) => f * power >= x * (1 - 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(1));
}

/** A slider from low to high: step, and ends that are multiples of it, so that 0 is reachable.
 * @param {number} low
 * @param {number} high */
export function sliderScale(low, high) {
  const step = niceStep((high - low) / 160);
  const digits = Math.max(2, -Math.floor(Math.log10(step) + 1e-9));
  /** @param {number} x */
  const tidy = (x) => Number(x.toFixed(digits));
  const min = tidy(Math.floor(low / step + 1e-9) * step);
  const max = tidy(Math.ceil(high / step - 1e-9) * step);
  return { min, max, step, digits, tidy };
}

/** A linear map from [min, max] to pixels [from, to]; `to` may lie before `from`.
 * @param {{ min: number, max: number, tidy: Straight }} scale
 * @param {number} from
 * @param {number} to */
export function makeAxis({ min, max, tidy }, from, to) {
  const perUnit = (to - from) / (max - min);
  /** @param {number} value */
  const inside = (value) => clamp(value, min, max);
  const spacing = niceStep((max - min) / 7);
  const first = Math.ceil(min / spacing);
  const count = Math.floor(max / spacing) - first + 1;
  return {
    perUnit,
    /** @param {number} value */
    toPixel: (value) => from + (inside(value) - min) * perUnit,
    /** @param {number} pixel */
    toValue: (pixel) => tidy(inside(min + (pixel - from) / perUnit)),
    ticks: Array.from({ length: count }, (_, i) => tidy((first + i) * spacing)),
  };
}
