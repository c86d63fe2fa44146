/**
 * From the JSON of records and reports to what users see.
 */

import {
  type HistoryParts,
  type LossName,
  TrainingHistory,
  type TrainingProgress,
  type TrainingRecord,
} from './history.js'

type Json = Readonly<Record<string, unknown>>

/** A number; JSON has `null` for what is not finite. */
function number(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN
}

/** A number, or `null` where there is none to tell. */
function orNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** A field that is left out where there is nothing to tell. */
function present<Name extends string>(name: Name, value: unknown): { [name in Name]?: number } {
  return (typeof value === 'number' ? { [name]: value } : {}) as { [name in Name]?: number }
}

/** A record from its JSON. */
export function recordFrom(value: unknown): TrainingRecord {
  const json = value as Json
  return {
    step: number(json.step),
    epoch: number(json.epoch),
    loss: number(json.loss),
    ...present('validationLoss', json.validationLoss),
    ...present('rmse', json.rmse),
    ...present('validationRmse', json.validationRmse),
    grid: number(json.grid),
    learningRate: orNull(json.learningRate),
    damping: orNull(json.damping),
    gradientNorm: number(json.gradientNorm),
    evaluations: number(json.evaluations),
    seconds: number(json.seconds),
  }
}

/** Progress from its JSON. */
export function progressFrom(value: unknown): TrainingProgress {
  const json = value as Json
  return {
    phase: json.phase === 'starts' ? 'starts' : 'pass',
    step: number(json.step),
    epoch: number(json.epoch),
    batch: number(json.batch),
    batches: number(json.batches),
    loss: number(json.loss),
    seconds: number(json.seconds),
  }
}

/** A history from the JSON of a native report. */
export function historyFrom(value: unknown, lossName: LossName): TrainingHistory {
  const { history, ...parts } = value as Omit<HistoryParts, 'lossName' | 'records'> & { history: unknown[] }
  return new TrainingHistory({ ...parts, lossName, records: history.map(recordFrom) })
}
