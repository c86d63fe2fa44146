/**
 * The mean of several classifiers' probabilities, as logits.
 */

import type { LossName } from './history.js'

/** `log Σ e^v`, without overflow. */
function logSum(values: readonly number[]): number {
  const largest = Math.max(...values)
  if (largest === Number.NEGATIVE_INFINITY) return largest
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0))
}

/** `log(1 / (1 + e^-y))`. */
function logLogistic(y: number): number {
  return Math.min(y, 0) - Math.log1p(Math.exp(-Math.abs(y)))
}

/**
 * Logits whose probabilities are the mean of the members' probabilities. In logarithms, so that what all members hold
 * for all but impossible keeps its size.
 *
 * @param members Logits `[rows, columns]` of each member.
 */
export function mixtureLogits(members: readonly Float64Array[], columns: number, loss: LossName): Float64Array {
  const out = new Float64Array(members[0]!.length)
  if (loss === 'binaryCrossEntropy') {
    return out.map((_, i) => {
      const yes = logSum(members.map(logits => logLogistic(logits[i]!)))
      return yes - logSum(members.map(logits => logLogistic(-logits[i]!)))
    })
  }
  for (let start = 0; start < out.length; start += columns) {
    const norms = members.map(logits => logSum(Array.from(logits.subarray(start, start + columns))))
    for (let i = start; i < start + columns; i++) {
      out[i] = logSum(members.map((logits, member) => logits[i]! - norms[member]!))
    }
  }
  return out
}
