// Whether a formula is the law that made the data: their difference or their ratio is constant, on 256 points in the
// range of the data and 256 in twice the range. Where the law has no finite value nothing is asked; where it has one,
// the formula must have one.

import { generator } from './unseen.mjs'

const points = 256
const tolerance = 1e-9

/** A range twice as wide; one that is positive stays so. */
const twice = ([low, high]) => (low < 0 ? [2 * low, 2 * high] : [low, 2 * high - low])

const middle = values => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** Points of each range, uniform, as rows. */
export function scatter(ranges, count, random) {
  return Array.from({ length: count }, () => ranges.map(([low, high]) => low + (high - low) * random()))
}

/**
 * @param {(row: readonly number[]) => number} found
 * @param {(row: readonly number[]) => number} law
 * @param {readonly (readonly [number, number])[]} ranges of the variables
 */
export function recovered(found, law, ranges, seed = 1) {
  const random = generator(seed)
  const rows = [...scatter(ranges, points, random), ...scatter(ranges.map(twice), points, random)]
  const pairs = rows.map(row => [found(row), law(row)]).filter(([, expected]) => Number.isFinite(expected))
  if (pairs.length < 20 || pairs.some(([value]) => !Number.isFinite(value))) return false
  const scale = Math.max(middle(pairs.map(([, expected]) => Math.abs(expected))), 1e-300)
  const close = (error, expected) => Math.abs(error) <= tolerance * Math.max(scale, Math.abs(expected))
  const offset = middle(pairs.map(([value, expected]) => value - expected))
  if (pairs.every(([value, expected]) => close(value - expected - offset, expected))) return true
  const large = pairs.filter(([, expected]) => Math.abs(expected) > 1e-3 * scale)
  const ratio = middle(large.map(([value, expected]) => value / expected))
  return Math.abs(ratio) > 1e-6 && pairs.every(([value, expected]) => close(value / ratio - expected, expected))
}
