/**
 * Errors of predicted quantities, as native code reports them for a single model; for predictions that no single model
 * makes.
 */

import type { DatasetParts } from './data/table.js'
import type { RegressionMetrics } from './metrics.js'

type Errors = Omit<RegressionMetrics, 'outputs'>

/** `√(Σ w·v² / Σ w)`, in units of the greatest value, so that no square overflows. */
function rootMeanSquare(values: Float64Array, weights: Float64Array): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  if (largest === 0) return 0
  return (
    largest *
    Math.sqrt(
      weightedMean(
        values.map(value => (value / largest) ** 2),
        weights,
      ),
    )
  )
}

function weightedMean(values: Float64Array, weights: Float64Array): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return values.reduce((sum, value, row) => sum + (weights[row]! / total) * value, 0)
}

function errorsOf(predictions: Float64Array, targets: Float64Array, weights: Float64Array): Errors {
  const errors = predictions.map((y, row) => y - targets[row]!)
  // About a target that counts, so that a constant column has no spread at all.
  const origin = targets[weights.findIndex(weight => weight > 0)]!
  const moved = targets.map(target => target - origin)
  const middle = weightedMean(moved, weights)
  const rmse = rootMeanSquare(errors, weights)
  const spread = rootMeanSquare(
    moved.map(target => target - middle),
    weights,
  )
  return {
    rmse,
    mae: weightedMean(errors.map(Math.abs), weights),
    r2: spread > 0 ? 1 - (rmse / spread) ** 2 : Number.NaN,
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value / values.length, 0)
}

/** Metrics of `predictions: [rows, outputs]` for checked data; R² of several outputs is the mean of those that vary. */
export function regressionMetrics(
  predictions: Float64Array,
  outputs: number,
  { y, weights, rows }: Readonly<DatasetParts>,
): RegressionMetrics {
  const counted = weights ?? new Float64Array(rows).fill(1)
  const largest = counted.reduce((most, weight) => Math.max(most, weight), 0)
  const relative = counted.map(weight => weight / largest)
  const column = (data: Float64Array, output: number) =>
    Float64Array.from({ length: rows }, (_, row) => data[row * outputs + output]!)
  const each = Array.from({ length: outputs }, (_, output) =>
    errorsOf(column(predictions, output), column(y, output), relative),
  )
  if (each.length === 1) return each[0]!
  return {
    rmse: Math.hypot(...each.map(({ rmse }) => rmse)) / Math.sqrt(outputs),
    mae: mean(each.map(({ mae }) => mae)),
    r2: mean(each.map(({ r2 }) => r2).filter(r2 => !Number.isNaN(r2))),
    outputs: each,
  }
}
