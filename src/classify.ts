/**
 * From the outputs of a classifier, which are logits, to probabilities and labels.
 */

import { KanError } from './errors.js'
import type { LossName } from './history.js'

/** Throws that a model is no classifier. */
export function refuseQuantities(loss: LossName | null): never {
  throw new KanError({
    code: 'ERR_KAN_LABEL',
    message:
      loss === null
        ? 'The model has not been fitted, so it knows no classes'
        : `The model was fitted with loss '${loss}' and predicts quantities, not classes`,
    hint: "Fit it with loss: 'crossEntropy' or 'binaryCrossEntropy'.",
    details: { loss },
  })
}

/**
 * Logits `[rows, columns]` to probabilities: softmax over each row, or the logistic function of each number, of logits
 * divided by a temperature.
 */
export function toProbabilities(given: Float64Array, columns: number, loss: LossName, temperature = 1): Float64Array {
  const logits = temperature === 1 ? given : given.map(y => y / temperature)
  if (loss === 'binaryCrossEntropy') return logits.map(y => (y >= 0 ? 1 / (1 + Math.exp(-y)) : logistic(Math.exp(y))))
  const out = new Float64Array(logits.length)
  for (let start = 0; start < logits.length; start += columns) {
    const row = logits.subarray(start, start + columns)
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const powers = row.map(y => Math.exp(y - largest))
    const sum = powers.reduce((a, b) => a + b, 0)
    out.set(
      powers.map(power => power / sum),
      start,
    )
  }
  return out
}

function logistic(power: number): number {
  return power / (1 + power)
}

/**
 * The most likely class of each row: its index, or its text if the classes are known.
 *
 * @throws {@link KanError} `ERR_KAN_LABEL` if there are several independent yes-or-no outputs.
 */
export function toLabels(
  logits: Float64Array,
  columns: number,
  loss: LossName,
  classes: readonly string[] | null,
): (string | number)[] {
  const name = (index: number) => classes?.[index] ?? index
  if (loss === 'binaryCrossEntropy') {
    if (columns > 1) {
      throw new KanError({
        code: 'ERR_KAN_LABEL',
        message: `The model has ${columns} independent yes-or-no outputs, so a row has no single class`,
        hint: 'Use probabilities() and choose a threshold for each output.',
        details: { outputs: columns },
      })
    }
    return Array.from(logits, y => name(y > 0 ? 1 : 0))
  }
  const labels: (string | number)[] = []
  for (let start = 0; start < logits.length; start += columns) {
    let best = 0
    for (let c = 1; c < columns; c++) if (logits[start + c]! > logits[start + best]!) best = c
    labels.push(name(best))
  }
  return labels
}
