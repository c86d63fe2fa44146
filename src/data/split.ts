/**
 * A seeded shuffle that is the same on every machine, for splitting data. It has nothing to do with the generator
 * that training uses.
 */

/**
 * A generator of numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain), whose state starts at the low word
 * of `seed` xor the high word times the golden ratio.
 *
 * @param seed A whole number from 0 to 2^53 − 1.
 */
export function generator(seed: number): () => number {
  let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b9)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The numbers 0 … n−1 in a random order (Fisher and Yates). */
function shuffled(n: number, seed: number): Uint32Array {
  const random = generator(seed)
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swap = order[i]!
    order[i] = order[j]!
    order[j] = swap
  }
  return order
}

/** Which rows go where: `test` holds `round(n · fraction)` of them, at least 1 and at most n − 1. */
export function splitOrder(n: number, fraction: number, seed: number): { train: Uint32Array; test: Uint32Array } {
  const order = shuffled(n, seed)
  const count = Math.min(n - 1, Math.max(1, Math.round(n * fraction)))
  return { test: order.subarray(0, count), train: order.subarray(count) }
}
