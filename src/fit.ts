/**
 * From the user's data and options to a running fit, and from its report to a history.
 */

import { checkFeatures, type ModelColumns, partsOf } from './data/prediction.js'
import type { DatasetParts } from './data/table.js'
import { checkTargets, usualLoss } from './data/targets.js'
import { type Description, type Schema, writeSchema } from './description.js'
import { native } from './errors.js'
import { fitPlan } from './fit-options.js'
import type { LossName, TrainingHistory, TrainingRecord } from './history.js'
import type { NativeData, NativeModelHandle } from './native.js'
import { historyFrom, recordFrom } from './report.js'
import { type Running, start } from './running.js'

/** What a fit works on. */
export interface FitTarget {
  model: NativeModelHandle
  about: Description
  schema: Schema
  columns: ModelColumns
}

/** Data as native code takes it; it copies it. */
export function nativeData({ x, y, weights, rows }: Readonly<DatasetParts>): NativeData {
  return weights === null ? { x, y, rows } : { x, y, weights, rows }
}

/** What the model knows about its columns after training on `parts`: what it knew before, unless it is new. */
function learntSchema({ about, schema }: FitTarget, parts: Readonly<DatasetParts>): Schema {
  const old = about.fitted ? schema : { encoding: null, classes: null }
  return { encoding: old.encoding ?? parts.encoding, classes: old.classes ?? parts.classes }
}

/** Names of the outputs: those of the targets, or of the classes where each has an output of its own. */
function outputNames(parts: Readonly<DatasetParts>, columns: ModelColumns): string[] | null {
  if (parts.classes !== null && parts.classes.length === columns.outputs) return [...parts.classes]
  return parts.named && parts.targets === columns.outputs ? [...parts.targetNames] : null
}

/** Keeps names and encoding in the model, so that they get into checkpoints as well. */
function keepNames(target: FitTarget, parts: Readonly<DatasetParts>): void {
  const { model, about, columns } = target
  const inputs = parts.named ? [...parts.featureNames] : about.fitted ? columns.inputNames : null
  const outputs = outputNames(parts, columns) ?? (about.fitted ? columns.outputNames : null)
  native(() => {
    model.setNames(inputs === null ? null : [...inputs], outputs === null ? null : [...outputs])
    model.setMetadata(writeSchema(learntSchema(target, parts)))
  })
}

function check(parts: Readonly<DatasetParts>, columns: ModelColumns, loss: LossName, what: string): void {
  checkFeatures(parts, columns, what)
  checkTargets(parts, columns, loss, what)
}

/**
 * Checks data and options, and starts a fit; `onRecord` hears of a record before the user's own callback does.
 *
 * @throws What {@link fitPlan}, {@link partsOf}, {@link checkFeatures}, {@link checkTargets} and {@link start} throw.
 */
export function beginFit(
  target: FitTarget,
  data: unknown,
  options: unknown,
  onRecord: ((record: TrainingRecord) => void) | undefined,
): Running<TrainingHistory> {
  const { settings, signal, onStep, ...plan } = fitPlan(options)
  const { columns } = target
  const parts = partsOf(data)
  const loss = plan.loss ?? { name: usualLoss(parts, columns) }
  check(parts, columns, loss.name, 'the training data')
  const validation = plan.validation === undefined ? null : partsOf(plan.validation)
  if (validation !== null) check(validation, columns, loss.name, 'the validation data')
  if (signal?.aborted !== true) keepNames(target, parts)
  let last = -1
  const hear = (record: TrainingRecord) => {
    last = record.step
    onRecord?.(record)
    return onStep?.(record)
  }
  return start({
    model: target.model,
    data: nativeData(parts),
    validation: validation === null ? null : nativeData(validation),
    options: JSON.stringify({ ...settings, loss }),
    signal,
    onRecord: value => hear(recordFrom(value)),
    read: report => historyFrom(report, loss.name),
    atEnd: ({ last: final }) => (final === undefined || final.step <= last ? undefined : onStep?.(final)),
  })
}
