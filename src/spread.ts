/**
 * Mean and standard deviation, number by number, over several lists.
 */

/** What several models say: their mean, and how far they are apart. */
export interface Spread<Kind> {
  /** Mean over the members. */
  readonly mean: Kind
  /** Sample standard deviation over the members (with n − 1), in the same units; 0 with one member. */
  readonly deviation: Kind
}

/** Mean and sample standard deviation of lists of the same length, by the sums of Welford (1962). */
export function spreadOf(lists: readonly ArrayLike<number>[]): Spread<Float64Array> {
  const mean = Float64Array.from(lists[0]!)
  const squares = new Float64Array(mean.length)
  for (let n = 1; n < lists.length; n++) {
    const list = lists[n]!
    for (let i = 0; i < mean.length; i++) {
      const change = list[i]! - mean[i]!
      mean[i]! += change / (n + 1)
      squares[i]! += change * (list[i]! - mean[i]!)
    }
  }
  const degrees = Math.max(1, lists.length - 1)
  return { mean, deviation: squares.map(square => Math.sqrt(square / degrees)) }
}
