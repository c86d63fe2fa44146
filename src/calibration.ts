/**
 * Calibrated probabilities by one temperature (Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural
 * Networks", section 4.2): logits are divided by it, so that no class changes its place.
 */

import { type ClassPredictions, eachPrediction, logLossAt } from './class-metrics.js'
import { toProbabilities } from './classify.js'

/** What {@link Kan.calibrate} has found. "Before" is at temperature 1, whatever the model had. */
export interface Calibration {
  /** What logits are divided by, from 0.01 to 100: above 1 for a model that was too sure. */
  readonly temperature: number
  /** Log loss on the given data before, in nats. */
  readonly logLossBefore: number
  /** Log loss on the given data after, in nats; never more than before. */
  readonly logLossAfter: number
  /** Expected calibration error before: see {@link expectedCalibrationErrorAfter}. */
  readonly expectedCalibrationErrorBefore: number
  /**
   * Expected calibration error after: the mean distance between the probability of the predicted class and how often it
   * is right, over 15 bins of that probability of the same width, by the weight in each bin (Guo et al., equation 3).
   */
  readonly expectedCalibrationErrorAfter: number
}

/** The greatest temperature, and one over the smallest: data that are told apart without error want 0. */
const extreme = 100

/** Bins of the expected calibration error; as many as in the paper. */
const bins = 15

/** Halvings of the interval: `(100 / 0.01)^(2^-60)` is 1 to the last bit. */
const halvings = 60

/** The inverse temperature of the least log loss, which is where the slope of a convex function changes its sign. */
function bestFactor(predictions: ClassPredictions): number {
  let [low, high] = [1 / extreme, extreme]
  if (logLossAt(predictions, low)[1] >= 0) return low
  if (logLossAt(predictions, high)[1] <= 0) return high
  for (let i = 0; i < halvings; i++) {
    const middle = Math.sqrt(low * high)
    if (logLossAt(predictions, middle)[1] < 0) low = middle
    else high = middle
  }
  return Math.sqrt(low * high)
}

/** The expected calibration error at a temperature. */
export function calibrationError(predictions: ClassPredictions, temperature: number): number {
  const { logits, outputs, loss } = predictions
  const probabilities = toProbabilities(logits, outputs, loss, temperature)
  const [sure, right] = [new Float64Array(bins), new Float64Array(bins)]
  let total = 0
  eachPrediction(predictions, (output, actual, predicted, weight, row) => {
    const at = row * outputs
    const p = loss === 'binaryCrossEntropy' ? probabilities[at + output]! : probabilities[at + predicted]!
    const confidence = loss === 'binaryCrossEntropy' && predicted === 0 ? 1 - p : p
    const bin = Math.min(bins - 1, Math.floor(confidence * bins))
    sure[bin]! += weight * confidence
    if (actual === predicted) right[bin]! += weight
    total += weight
  })
  return sure.reduce((error, confidence, bin) => error + Math.abs(confidence - right[bin]!) / total, 0)
}

/** The temperature of the least log loss, with what it does. Without any effect of it the temperature is 1. */
export function calibration(predictions: ClassPredictions): Calibration {
  const [logLossBefore, slope] = logLossAt(predictions, 1)
  const factor = slope === 0 ? 1 : bestFactor(predictions)
  const [logLossAfter] = logLossAt(predictions, factor)
  // Rounding may make the minimum a little worse than a start that was there already.
  const temperature = logLossAfter <= logLossBefore ? 1 / factor : 1
  return {
    temperature,
    logLossBefore,
    logLossAfter: Math.min(logLossBefore, logLossAfter),
    expectedCalibrationErrorBefore: calibrationError(predictions, 1),
    expectedCalibrationErrorAfter: calibrationError(predictions, temperature),
  }
}
