/**
 * The options of a fit: types, defaults, checks, and the JSON that native code reads.
 */

import { type CheckedClassWeights, type ClassWeights, classWeightsOption } from './class-weights.js'
import { type Dataset, isDataset, type Samples } from './data/dataset.js'
import { KanRangeError } from './errors.js'
import { absolutePathOf, type FilePath } from './files.js'
import type { LossName, TrainingProgress, TrainingRecord } from './history.js'
import {
  type Check,
  named,
  number,
  type OptimizerName,
  type OptimizerOptions,
  optimizerOf,
  type ScheduleName,
  type ScheduleOptions,
  scheduleOf,
} from './optimizer-options.js'
import { optional } from './options.js'
import { isSignal, type Signal } from './signal.js'
import {
  type GridUpdateOptions,
  gridSchedule,
  gridUpdate,
  type PenaltyOptions,
  penalties,
  type RegularizationName,
  type RegularizationOptions,
  regularization,
} from './structure-options.js'
import { choice, type Fields, fields, finite, flag, refuseType, whole } from './validate.js'

/** A loss with its parameters. */
export interface HuberOptions {
  name: 'huber'
  /** Where the parabola goes over into a line, in units of training, above 0; 1 unless given. */
  delta?: number
}

/**
 * When to give up because the loss that is watched no longer improves: the validation loss of every record; without
 * validation the training loss, of every record where a batch holds all rows, else the mean over a whole pass.
 */
export interface EarlyStoppingOptions {
  /**
   * How many of these in a row may bring no improvement, at least 1; 20 unless given. So with validation it counts steps
   * where the fit was asked for `steps`, and passes where it was asked for `epochs`.
   */
  patience?: number
  /** By how much the loss must fall to count as improved, at least 0; 0 unless given. */
  minDelta?: number
}

/** Where and how often to save the model during a fit, with what is needed to resume. Give one of the two intervals. */
export interface CheckpointOptions {
  /** The model file, replaced each time as a whole. A relative path starts at the working directory of the call. */
  path: FilePath
  /** Save after each step whose number, counted from the first step of the model's training, is divisible by this. */
  everySteps?: number
  /** Save after the first step that ends this many seconds after the last checkpoint, or after the start. */
  everySeconds?: number
}

/** What computes: the processor, a graphics processor, or whichever should be faster. */
export type Device = 'cpu' | 'gpu' | 'auto'

/** How to train. */
export interface FitOptions {
  /**
   * The optimiser. Unless given `'lm'`, if the loss has curvature, a step is cheap (about a second at most) and nothing
   * is asked for that it can't do (`epochs`, `batchSize`, `learningRate`, `penalties`, `sam`); otherwise `'adam'` in
   * mini-batches for classes, for many rows and large models, and with `sam`; else `'lbfgs'`.
   * {@link TrainingHistory.optimizer} says which it was.
   */
  optimizer?: OptimizerName | OptimizerOptions | undefined
  /**
   * Grids to train on one after the other, ascending, such as `[3, 5, 10, 20, 50]`: the model is refined to each, and
   * `steps` or `epochs` are for each of them. Unless given the grid that the model has.
   */
  grid?: readonly number[] | undefined
  /**
   * First parameters that `'lm'` tries for a new model, on the first grid; the best goes on. 4 unless given, 1 for a
   * model without hidden nodes.
   */
  starts?: number | undefined
  /**
   * The prior that keeps edges smooth. `'auto'` finds its strength by the evidence of the data, with `'lm'`, so that
   * noise is not learnt and no validation rows are needed; other optimisers then have none, but for a weak one where
   * classes are learnt and `optimizer` is left open. `'none'`, or a strength. `'auto'` unless given.
   */
  regularization?: RegularizationName | RegularizationOptions | undefined
  /**
   * When grids follow what their nodes receive: `false` for never. Unless given `'lm'` does it between its rounds, and
   * the others never.
   */
  gridUpdate?: boolean | GridUpdateOptions | undefined
  /** Further terms to minimise, for all optimisers but `'lm'`, which has `regularization`. */
  penalties?: PenaltyOptions | undefined
  /**
   * Radius of sharpness-aware minimisation (Foret et al. 2021, "Sharpness-aware minimization for efficiently improving
   * generalization"), above 0, about 0.05; for `'adam'`, `'adamw'` and `'sgd'`. Not done unless given.
   */
  sam?: number | undefined
  /**
   * Continual learning: nothing changes in grid intervals without rows, so that a model of one layer keeps earlier tasks
   * to the last bit. For `'lm'` and a model with `base: 'zero'` and a `domain` that holds all tasks; there is then no
   * prior, and no scaler or grid follows the data. `false` unless given.
   */
  continual?: boolean | undefined
  /**
   * Base learning rate, above 0; unless given 1 for `'lbfgs'` and 0.01 for the others; `'lm'` has none. `'lbfgs'` finds
   * its own step lengths: there it scales only the very first step, and the first after the history was dropped.
   */
  learningRate?: number | undefined
  /** How the learning rate changes; `'constant'` unless given. */
  schedule?: ScheduleName | ScheduleOptions | undefined
  /**
   * Steps of the optimiser to do now, one record each, on each grid. Excludes `epochs`; 100 for `'lm'` and `'lbfgs'` if both are
   * missing.
   */
  steps?: number | undefined
  /**
   * Passes over the rows to do now, one record each. Excludes `steps`; 100 for the others if both are missing. A pass
   * that a resumed fit left unfinished is finished as the first.
   */
  epochs?: number | undefined
  /** Rows of a mini-batch, the last of a pass may have fewer; unless given all rows with `steps`, `'lm'` or `'lbfgs'`, else 64. */
  batchSize?: number | undefined
  /** Whether every pass visits the rows in another order, which matters with mini-batches; `true` unless given. */
  shuffle?: boolean | undefined
  /**
   * What to minimise, on standardised targets. Unless given `'mse'`; for a text target `'crossEntropy'`, or
   * `'binaryCrossEntropy'` if the model has one output.
   */
  loss?: LossName | HuberOptions | undefined
  /**
   * How much each class counts, for `'crossEntropy'` and for `'binaryCrossEntropy'` with one output; the weights of the
   * rows are multiplied by it, those of the validation data as well. All alike unless given.
   */
  classWeights?: ClassWeights | undefined
  /** Rows to judge by: a fraction of the data between 0 and 1, or other data. */
  validation?: number | Dataset | Samples | undefined
  /** Stop when the validation loss (without validation: the loss) no longer improves; `false` unless given. */
  earlyStopping?: boolean | EarlyStoppingOptions | undefined
  /** End with the best parameters seen instead of the last; `true` unless given. */
  restoreBest?: boolean | undefined
  /** Save the model now and then. */
  checkpoint?: CheckpointOptions | undefined
  /** Go on where the last fit of this model (or of the file it came from) ended, with the same bits. */
  resume?: boolean | undefined
  /** Number of threads; one for each core unless given. The result does not depend on it. */
  threads?: number | undefined
  /**
   * What computes, `'cpu'` unless given. `'gpu'` is a graphics processor, for models of dtype `'f32'` and every optimiser
   * but `'lm'`; `'adam'` unless given. Its parameters stay on the device with `'adam'` and `'adamw'` without `sam`;
   * otherwise they go there and back at every step. `'auto'` takes it where one is there that can hold the network, the
   * steps stay there, and a short measurement, once in a process, says that it is faster. Results differ from those of
   * `'cpu'` in the last digits, and are the same bits from run to run on one device.
   */
  device?: Device | undefined
  /** Seed of the shuffle of mini-batches and of the validation split; 0 unless given. */
  seed?: number | undefined
  /** Stops the fit when it is aborted; the promise rejects with an `AbortError` and the model stays usable. */
  signal?: Signal | undefined
  /**
   * Called with records as they come, in bursts when steps are short: where more than 256 came since the last call the
   * oldest are skipped (the history has them), the last record of the fit never. What it throws stops the fit and is
   * thrown by it. A promise that it returns is waited for: until it settles there is no other call, the next one has the
   * newest record, and the fit ends after the last promise.
   */
  onStep?: ((record: TrainingRecord) => unknown) | undefined
  /**
   * Called within a pass of mini-batches, between two records, with how far the pass is, and while starts are compared,
   * with how many have ended: the latest only, at most about a hundred times a second. What it throws or returns counts
   * as with `onStep`.
   */
  onProgress?: ((progress: TrainingProgress) => unknown) | undefined
}

/** What is to be done, checked. */
export interface FitPlan {
  /** JSON for native code, without the loss. */
  settings: Fields
  loss: { name: LossName; delta?: number } | undefined
  classWeights: CheckedClassWeights | undefined
  validation: unknown
  /** The file of the checkpoints. */
  checkpoint: string | undefined
  signal: Signal | undefined
  onStep: FitOptions['onStep']
  onProgress: FitOptions['onProgress']
}

const optionNames: readonly (keyof FitOptions)[] = [
  'optimizer',
  'grid',
  'starts',
  'regularization',
  'gridUpdate',
  'penalties',
  'sam',
  'continual',
  'learningRate',
  'schedule',
  'steps',
  'epochs',
  'batchSize',
  'shuffle',
  'loss',
  'classWeights',
  'validation',
  'earlyStopping',
  'restoreBest',
  'checkpoint',
  'resume',
  'threads',
  'device',
  'seed',
  'signal',
  'onStep',
  'onProgress',
]

const lossNames: readonly LossName[] = ['mse', 'rmse', 'mae', 'huber', 'crossEntropy', 'binaryCrossEntropy']

function lossOf(value: unknown): { name: LossName; delta?: number } {
  const checks = Object.fromEntries(
    lossNames.map(name => [name, name === 'huber' ? { delta: number({ above: 0 }) } : {}]),
  )
  const loss: { name: LossName; delta?: number } = named(
    value,
    'loss',
    checks as Record<LossName, Record<string, Check>>,
  )
  return loss.name === 'huber' ? { name: 'huber', delta: loss.delta ?? 1 } : { name: loss.name }
}

function earlyStopping(value: unknown): Fields | undefined {
  if (value === false) return undefined
  const given = value === true ? {} : fields(value, 'earlyStopping', ['patience', 'minDelta'])
  return {
    patience: optional(given.patience, v => whole(v, 'earlyStopping.patience', { min: 1 })) ?? 20,
    minDelta: optional(given.minDelta, v => finite(v, 'earlyStopping.minDelta', { min: 0 })),
  }
}

function checkpoint(value: unknown): Fields & { path: string } {
  const given = fields(value, 'checkpoint', ['path', 'everySteps', 'everySeconds'])
  const path = absolutePathOf(given.path, 'checkpoint.path')
  const everySteps = optional(given.everySteps, v => whole(v, 'checkpoint.everySteps', { min: 1 }))
  const everySeconds = optional(given.everySeconds, v => finite(v, 'checkpoint.everySeconds', { above: 0 }))
  if ((everySteps === undefined) === (everySeconds === undefined)) {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: 'checkpoint must have one of everySteps and everySeconds',
      hint: "For example checkpoint: { path: 'model.kan', everySeconds: 30 }.",
      details: { option: 'checkpoint', found: { everySteps, everySeconds } },
    })
  }
  return { path, everySteps, everySeconds }
}

/** Checks the options of a fit, apart from the validation data. */
export function fitPlan(value: unknown): FitPlan {
  if (isDataset(value)) {
    refuseType('the options of fit', 'an object of options', value, 'To judge by other data use { validation: … }.')
  }
  const given = fields(value, 'the options of fit', optionNames)
  const positive = (name: keyof FitOptions) => optional(given[name], v => whole(v, name, { min: 1 }))
  const onOff = (name: keyof FitOptions) => optional(given[name], v => flag(v, name))
  const [steps, epochs] = [positive('steps'), positive('epochs')]
  if (steps !== undefined && epochs !== undefined) {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: `steps (${steps}) and epochs (${epochs}) exclude each other`,
      hint: 'Give one of them: steps of the optimiser, or passes over the rows.',
      details: { option: 'steps', found: { steps, epochs } },
    })
  }
  const { validation, signal, onStep, onProgress } = given
  const fraction = typeof validation === 'number'
  if (signal !== undefined && !isSignal(signal)) refuseType('signal', 'an AbortSignal', signal)
  if (onStep !== undefined && typeof onStep !== 'function') refuseType('onStep', 'a function', onStep)
  if (onProgress !== undefined && typeof onProgress !== 'function') refuseType('onProgress', 'a function', onProgress)
  const kept = optional(given.checkpoint, checkpoint)
  return {
    settings: {
      optimizer: optional(given.optimizer, optimizerOf),
      grid: optional(given.grid, gridSchedule),
      starts: optional(given.starts, v => whole(v, 'starts', { min: 1, max: 1000 })),
      regularization: optional(given.regularization, regularization),
      gridUpdate: optional(given.gridUpdate, gridUpdate),
      penalties: optional(given.penalties, penalties),
      sam: optional(given.sam, v => finite(v, 'sam', { above: 0 })),
      continual: onOff('continual'),
      learningRate: optional(given.learningRate, v => finite(v, 'learningRate', { above: 0 })),
      schedule: optional(given.schedule, scheduleOf),
      steps,
      epochs,
      batchSize: positive('batchSize'),
      shuffle: onOff('shuffle'),
      shuffleSeed: optional(given.seed, v => whole(v, 'seed', { min: 0 })),
      validationFraction: fraction ? finite(validation, 'validation', { above: 0, below: 1 }) : undefined,
      earlyStopping: optional(given.earlyStopping, earlyStopping),
      restoreBest: onOff('restoreBest'),
      checkpoint: kept,
      resume: onOff('resume'),
      threads: optional(given.threads, threadCount),
      device: optional(given.device, deviceOf),
    },
    loss: optional(given.loss, lossOf),
    classWeights: optional(given.classWeights, classWeightsOption),
    validation: fraction ? undefined : validation,
    checkpoint: kept?.path,
    signal,
    onStep: onStep as FitPlan['onStep'],
    onProgress: onProgress as FitPlan['onProgress'],
  }
}

/** A device. */
export function deviceOf(value: unknown): Device {
  return choice(value, 'device', ['cpu', 'gpu', 'auto'])
}

/** A number of threads. */
export function threadCount(value: unknown): number {
  return whole(value, 'threads', { min: 1, max: 1024 })
}
