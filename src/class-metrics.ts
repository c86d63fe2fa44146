/**
 * How well classes are predicted: the log loss of logits at a temperature, and confusions with what follows from them.
 * Logits are `[rows, outputs]`; rows count by their weights.
 */

import type { DatasetParts } from './data/table.js'
import type { LossName } from './history.js'
import type { ClassificationMetrics, ClassScores, Confusion } from './metrics.js'
import { card, inspectSymbol, short, table } from './text/table.js'

/** Logits with what they should say. */
export interface ClassPredictions {
  readonly logits: Float64Array
  readonly outputs: number
  readonly loss: LossName
  /** Checked data: labels `[rows]`, or probabilities `[rows, outputs]`. */
  readonly parts: Readonly<DatasetParts>
}

/** `Σ_c e^(y_c − max) ` and the greatest of a row of logits, scaled by `factor`. */
function softmaxParts(logits: Float64Array, start: number, columns: number, factor: number) {
  let largest = Number.NEGATIVE_INFINITY
  for (let c = 0; c < columns; c++) largest = Math.max(largest, factor * logits[start + c]!)
  let sum = 0
  for (let c = 0; c < columns; c++) sum += Math.exp(factor * logits[start + c]! - largest)
  return { largest, sum }
}

/** The share of class `c` in a row: whether it is its label, or its probability. */
function share({ parts, outputs }: ClassPredictions, row: number, c: number): number {
  if (parts.targets === outputs && outputs > 1) return parts.y[row * outputs + c]!
  return parts.y[row] === c ? 1 : 0
}

/** Log loss of a row at inverse temperature `factor`, and its derivative by `factor`. */
function rowLoss(predictions: ClassPredictions, row: number, factor: number): [value: number, slope: number] {
  const { logits, outputs, loss, parts } = predictions
  const start = row * outputs
  let [value, slope] = [0, 0]
  if (loss === 'binaryCrossEntropy') {
    for (let c = 0; c < outputs; c++) {
      const [y, target] = [logits[start + c]!, parts.y[start + c]!]
      const z = factor * y
      // log(1 + e^z) − t·z, without overflow.
      value += (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - target * z) / outputs
      slope += (y * ((z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z))) - target)) / outputs
    }
    return [value, slope]
  }
  const { largest, sum } = softmaxParts(logits, start, outputs, factor)
  const logSum = largest + Math.log(sum)
  for (let c = 0; c < outputs; c++) {
    const y = logits[start + c]!
    const target = share(predictions, row, c)
    value += target * (logSum - factor * y)
    slope += y * (Math.exp(factor * y - largest) / sum)
    slope -= target * y
  }
  return [value, slope]
}

/** Weights relative to the largest, so that no sum overflows. */
function relativeWeights({ weights, rows }: Readonly<DatasetParts>): Float64Array {
  if (weights === null) return new Float64Array(rows).fill(1)
  const largest = weights.reduce((a, b) => Math.max(a, b), 0)
  return weights.map(weight => weight / largest)
}

/** Mean log loss of `factor · logits` in nats, and its derivative by `factor`; it is convex in `factor`. */
export function logLossAt(predictions: ClassPredictions, factor: number): [value: number, slope: number] {
  const weights = relativeWeights(predictions.parts)
  let [value, slope, total] = [0, 0, 0]
  for (let row = 0; row < weights.length; row++) {
    const weight = weights[row]!
    if (weight === 0) continue
    const [v, s] = rowLoss(predictions, row, factor)
    value += weight * v
    slope += weight * s
    total += weight
  }
  return [value / total, slope / total]
}

/** Index of the greatest of a few numbers, the first of equal ones. */
function likeliest(count: number, value: (index: number) => number): number {
  let best = 0
  for (let c = 1; c < count; c++) if (value(c) > value(best)) best = c
  return best
}

/** Calls `each(output, actual, predicted, weight, row)` for every class that was predicted. */
export function eachPrediction(
  predictions: ClassPredictions,
  each: (output: number, actual: number, predicted: number, weight: number, row: number) => void,
): void {
  const { logits, outputs, loss, parts } = predictions
  for (let row = 0; row < parts.rows; row++) {
    const weight = parts.weights?.[row] ?? 1
    if (weight === 0) continue
    const start = row * outputs
    if (loss === 'binaryCrossEntropy') {
      for (let c = 0; c < outputs; c++) {
        each(c, parts.y[start + c]! > 0.5 ? 1 : 0, logits[start + c]! > 0 ? 1 : 0, weight, row)
      }
      continue
    }
    const actual = likeliest(outputs, c => share(predictions, row, c))
    each(
      0,
      actual,
      likeliest(outputs, c => logits[start + c]!),
      weight,
      row,
    )
  }
}

function scores(name: string, right: number, actual: number, predicted: number): ClassScores {
  const f1 = (2 * right) / (actual + predicted)
  return { name, precision: right / predicted, recall: right / actual, f1, support: actual }
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function scoresOf({ classes, matrix }: Confusion, label: number, name = classes[label]!): ClassScores {
  const right = matrix[label]![label]!
  return scores(name, right, sum(matrix[label]!), sum(matrix.map(row => row[label]!)))
}

/** Metrics that `console.log` shows as tables. */
class ClassReport implements ClassificationMetrics {
  readonly accuracy: number
  readonly logLoss: number
  readonly confusion: Confusion
  readonly perClass: readonly ClassScores[]
  declare readonly outputs?: readonly Confusion[]

  constructor(parts: ClassificationMetrics) {
    this.accuracy = parts.accuracy
    this.logLoss = parts.logLoss
    this.confusion = parts.confusion
    this.perClass = parts.perClass
    if (parts.outputs !== undefined) this.outputs = parts.outputs
  }

  toString(): string {
    const { classes, matrix } = this.confusion
    const facts = card('Classification', [
      ['accuracy', short(this.accuracy)],
      ['log loss', short(this.logLoss)],
    ])
    const lines = this.perClass.map(({ name, precision, recall, f1, support }) => [
      name,
      precision,
      recall,
      f1,
      support,
    ])
    const perClass = table(lines, [this.outputs ? 'output' : 'class', 'precision', 'recall', 'F1', 'support'])
    // A matrix too wide for a terminal is left to programs.
    if (classes.length > 12) return `${facts}\n${perClass}`
    const confused = table(
      classes.map((name, label) => [name, ...matrix[label]!]),
      ['actual \\ predicted', ...classes],
    )
    return `${facts}\n${perClass}\n${confused}`
  }

  [inspectSymbol](): string {
    return this.toString()
  }
}

/**
 * Metrics of predictions.
 *
 * @param names Names of the outputs or classes, or `null`.
 * @param temperature What the logits are divided by for probabilities.
 */
export function classMetrics(
  predictions: ClassPredictions,
  names: { readonly classes: readonly string[] | null; readonly outputs: readonly string[] },
  temperature: number,
): ClassificationMetrics {
  const { loss, outputs } = predictions
  const binary = loss === 'binaryCrossEntropy'
  const size = binary ? 2 : outputs
  const classes = Array.from({ length: size }, (_, label) => names.classes?.[label] ?? String(label))
  const empty = () => Array.from({ length: size }, () => new Array<number>(size).fill(0))
  const matrices = Array.from({ length: binary ? outputs : 1 }, empty)
  const all = empty()
  eachPrediction(predictions, (output, actual, predicted, weight) => {
    matrices[output]![actual]![predicted]! += weight
    all[actual]![predicted]! += weight
  })
  const confusion = { classes, matrix: all }
  const total = sum(all.map(sum))
  const parts = {
    accuracy: sum(classes.map((_, label) => all[label]![label]!)) / total,
    logLoss: logLossAt(predictions, 1 / temperature)[0],
    confusion,
  }
  if (matrices.length === 1) {
    return new ClassReport({ ...parts, perClass: classes.map((_, label) => scoresOf(confusion, label)) })
  }
  const each = matrices.map(matrix => ({ classes, matrix }))
  const perClass = each.map((confusion, output) => scoresOf(confusion, 1, names.outputs[output]))
  return new ClassReport({ ...parts, perClass, outputs: each })
}
