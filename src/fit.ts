/**
 * From the user's data and options to a running fit, and what the model knows about its columns afterwards.
 */

import { classFactors, withClassFactors } from './class-weights.js'
import { type Encoding, isEncoding } from './data/encoding.js'
import { checkFeatures, type ModelColumns, partsOf } from './data/prediction.js'
import { chosenFeatures } from './data/selection.js'
import type { DatasetParts } from './data/table.js'
import { checkTargetNames, checkTargets, isClassification, usualLoss, withClasses } from './data/targets.js'
import { writeSchema } from './description.js'
import { unwritten } from './files.js'
import { type FitPlan, fitPlan } from './fit-options.js'
import type { LossName, TrainingRecord } from './history.js'
import type { NativeData, NativeModelHandle } from './native.js'
import { type Running, start } from './running.js'
import { refuseType } from './validate.js'

/** What a fit works on. */
export interface FitTarget {
  model: NativeModelHandle
  columns: ModelColumns
  /** The loss that the model was fitted with last. */
  loss: LossName | null
}

/** Data and options of a fit, checked as far as that needs no model, and copied. */
export interface PreparedFit {
  readonly plan: Omit<FitPlan, 'validation'>
  readonly training: Readonly<DatasetParts>
  readonly validation: Readonly<DatasetParts> | null
}

/** Data as native code takes it; it copies it. */
export function nativeData({ x, y, weights, rows }: Readonly<DatasetParts>): NativeData {
  return weights === null ? { x, y, rows } : { x, y, weights, rows }
}

function validationParts(value: unknown): Readonly<DatasetParts> {
  if (typeof value === 'object' && value !== null) return partsOf(value)
  return refuseType('validation', 'a fraction between 0 and 1, a Dataset, or an object { x, y }', value)
}

/**
 * Checks and copies data and options.
 *
 * @throws What {@link fitPlan} and {@link partsOf} throw.
 */
export function prepareFit(data: unknown, options: unknown): PreparedFit {
  const { validation, ...plan } = fitPlan(options)
  return { plan, training: partsOf(data), validation: validation === undefined ? null : validationParts(validation) }
}

/**
 * Rows to judge a model by, their labels counted as the model does.
 *
 * @throws What {@link checkFeatures}, {@link checkTargets} and {@link checkTargetNames} throw.
 */
export function checkedParts(data: unknown, columns: ModelColumns, loss: LossName | null): Readonly<DatasetParts> {
  const parts = withClasses(chosenFeatures(partsOf(data), columns), columns.classes)
  checkFeatures(parts, columns, 'the data')
  checkTargets(parts, columns, loss ?? usualLoss(parts, columns), 'the data')
  checkTargetNames(parts, columns.outputNames, 'the data')
  return parts
}

function lossOf({ plan, training }: PreparedFit, columns: ModelColumns): NonNullable<FitPlan['loss']> {
  return plan.loss ?? { name: usualLoss(training, columns) }
}

/** The same fit with class weights in the weights of its rows; those of the training data decide. */
function withClassWeights(fit: PreparedFit, columns: ModelColumns, name: LossName): PreparedFit {
  const { plan, training, validation } = fit
  if (plan.classWeights === undefined) return fit
  const classes = training.classes ?? columns.classes
  const factors = classFactors(plan.classWeights, training, { loss: name, outputs: columns.outputs, classes })
  const weighted = (parts: Readonly<DatasetParts>) => withClassFactors(parts, factors, name)
  return { plan, training: weighted(training), validation: validation === null ? null : weighted(validation) }
}

/**
 * Checks that data fits a model, and the validation data the training data; labels of the validation data come back
 * counted as those of the training data, and weights of classes are in those of the rows.
 *
 * @throws What {@link checkFeatures}, {@link checkTargets}, {@link checkTargetNames} and {@link classFactors} throw.
 */
export function checkFit(given: PreparedFit, columns: ModelColumns): PreparedFit {
  const fit = { ...given, training: chosenFeatures(given.training, columns) }
  const { name } = lossOf(fit, columns)
  const { training } = fit
  checkFeatures(training, columns, 'the training data')
  checkTargets(training, columns, name, 'the training data')
  if (fit.validation === null) return withClassWeights(fit, columns, name)
  const learning: ModelColumns = {
    ...columns,
    inputNames: training.named ? training.featureNames : columns.inputNames,
    classes: isClassification(name) ? (training.classes ?? columns.classes) : null,
  }
  const validation = withClasses(chosenFeatures(fit.validation, learning), learning.classes)
  checkFeatures(validation, learning, 'the validation data')
  checkTargets(validation, learning, name, 'the validation data')
  checkTargetNames(validation, outputNames(training, columns), 'the validation data')
  return withClassWeights({ ...fit, validation }, columns, name)
}

/** Names of the outputs: those of the targets, or of the classes where each has an output of its own. */
function outputNames(parts: Readonly<DatasetParts>, columns: ModelColumns): readonly string[] | null {
  if (parts.classes !== null && parts.classes.length === columns.outputs) return parts.classes
  return parts.named && parts.targets === columns.outputs ? parts.targetNames : null
}

/** The encoding of features stays that of the first fit; what is to be predicted follows the last one. */
function encodingAfter(
  old: Encoding | null,
  goal: Encoding | null,
  classes: readonly string[] | null,
): Encoding | null {
  if (old === null) return goal
  const targets = goal?.targets ?? []
  const next = { features: old.features, targets, classes: targets.length === 1 ? classes : null }
  return isEncoding(next) ? next : goal
}

/**
 * What the model knows about its columns after a fit. Data without names leaves the names as they are; those of outputs
 * and classes only if the fit is of the same kind as the last one, to tell classes or quantities.
 */
function learnt({ columns, loss: before }: FitTarget, parts: Readonly<DatasetParts>, loss: LossName) {
  const same = before !== null && isClassification(before) === isClassification(loss)
  const known = same ? columns : { outputNames: null, classes: null, encoding: null }
  const classes = isClassification(loss) ? (parts.classes ?? known.classes) : null
  const encoding = encodingAfter(columns.encoding, parts.encoding ?? known.encoding, classes)
  return {
    names: {
      inputs: parts.named ? parts.featureNames : columns.inputNames,
      outputs: outputNames(parts, columns) ?? known.outputNames,
    },
    metadata: writeSchema({ encoding, classes, width: columns.first?.width }),
  }
}

/**
 * Starts a fit; `push` hears of a record before the user's own callback does.
 *
 * @throws What {@link checkFit} and {@link start} throw.
 */
export function beginFit(
  target: FitTarget,
  fit: PreparedFit,
  push: ((record: TrainingRecord) => void) | undefined,
): Running {
  const { training, validation } = checkFit(fit, target.columns)
  const { settings, signal, onStep, onProgress, checkpoint } = fit.plan
  const loss = lossOf(fit, target.columns)
  return start({
    model: target.model,
    data: nativeData(training),
    validation: validation === null ? null : nativeData(validation),
    options: JSON.stringify({ ...settings, loss, ...learnt(target, training, loss.name) }),
    lossName: loss.name,
    signal,
    push,
    onStep,
    onProgress,
    translate: error => (checkpoint === undefined ? error : unwritten(error, checkpoint)),
  })
}
