/**
 * The options of a fit: types, defaults, checks, and the JSON that native code reads.
 */

import { type Dataset, isDataset, type Samples } from './data/dataset.js'
import { KanRangeError } from './errors.js'
import { absolutePathOf, type FilePath } from './files.js'
import type { LossName, TrainingProgress, TrainingRecord } from './history.js'
import { optional } from './options.js'
import { isSignal, type Signal } from './signal.js'
import { choice, type Fields, fields, finite, flag, ownFields, type Range, refuseType, whole } from './validate.js'

/** Adam (Kingma & Ba 2015, algorithm 1): first-order steps whose size adapts to each parameter. */
export interface AdamOptions {
  name: 'adam'
  /** Decay of the first moment, from 0 to below 1; 0.9 unless given. */
  beta1?: number
  /** Decay of the second moment, from 0 to below 1; 0.999 unless given. */
  beta2?: number
  /** Added to the root of the second moment, above 0; 1e-8 unless given. */
  epsilon?: number
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2, decay scaled by the learning rate). The decay
 * reaches every parameter, also one whose gradient is always zero.
 */
export interface AdamWOptions extends Omit<AdamOptions, 'name'> {
  name: 'adamw'
  /** Parameters shrink by `learningRate · weightDecay` of themselves each step; 0.01 unless given. */
  weightDecay?: number
}

/**
 * Gradient descent with momentum: `v ← momentum·v + g`, `x ← x − rate·v`; with Nesterov's look-ahead
 * `x ← x − rate·(g + momentum·v)` (Sutskever et al. 2013, in the form of PyTorch).
 */
export interface SgdOptions {
  name: 'sgd'
  /** From 0 to below 1; 0.9 unless given. */
  momentum?: number
  /** Look ahead, which needs a momentum above 0; `false` unless given. */
  nesterov?: boolean
}

/**
 * Limited-memory BFGS with a strong-Wolfe line search (Nocedal & Wright 2006, algorithms 7.4, 3.5 and 3.6). One step is
 * one iteration, usually with one evaluation. It is made for all rows in every step, which is what it gets unless
 * `batchSize` is given: mini-batches are accepted, but the curvature that it remembers is then that of other rows.
 */
export interface LbfgsOptions {
  name: 'lbfgs'
  /** Pairs of steps and gradient changes kept, 1 to 1000; 10 unless given. */
  history?: number
  /**
   * Evaluations of one line search, 1 to 1000; 25 unless given. A step that has to fall back to the steepest descent may
   * use twice as many.
   */
  maxEvaluations?: number
  /** Converged when the Euclidean norm of the gradient is at most this; 1e-12 unless given. */
  tolerance?: number
  /**
   * Converged when ten accepted steps in a row fail to lower the lowest loss so far by more than this fraction of it (or
   * by the precision of the model's numbers, if that is more); from 0 to below 1, 1e-12 unless given.
   */
  changeTolerance?: number
}

/** An optimiser, by its name. */
export type OptimizerName = 'adam' | 'adamw' | 'sgd' | 'lbfgs'

/** An optimiser with its parameters. */
export type OptimizerOptions = AdamOptions | AdamWOptions | SgdOptions | LbfgsOptions

/** A learning-rate schedule, by its name. */
export type ScheduleName = 'constant' | 'cosine' | 'exponential' | 'step'

/**
 * A learning-rate schedule with its parameters. Steps count from the first step of the model's training, those of fits
 * that were resumed included; with `w` warm-up steps, step `s` (from 0) has the rate `base·(s + 1)/(w + 1)` while
 * `s < w`, and afterwards the schedule's at `t = s − w`.
 *
 * For a training in parts (50 steps and 50 more are 100 steps) name `total` of `'cosine'` and `every` of `'step'`. Left
 * out, they follow from the steps planned, and only a fit that was aborted and is resumed for the steps that remained
 * has the rates of one that was not.
 */
export type ScheduleOptions =
  | {
      /** `base`. */
      name: 'constant'
      /** Steps of linear warm-up; 0 unless given. */
      warmup?: number
    }
  | {
      /** `base·(m + (1 − m)·(1 + cos(π·t/T))/2)` with `T = total − warmup`, and `base·m` from `t = T` on. */
      name: 'cosine'
      /** Steps of linear warm-up; 0 unless given. */
      warmup?: number
      /** Steps of the whole curve, warm-up included; those of the fit and of the fits it resumes unless given. */
      total?: number
      /** `m`, the last rate as a fraction of the first, from 0 to 1; 0 unless given. */
      minimumFraction?: number
    }
  | {
      /** `base·gamma^t`. */
      name: 'exponential'
      /** Steps of linear warm-up; 0 unless given. */
      warmup?: number
      /** Factor for each step, above 0 and at most 1; 0.999 unless given. */
      gamma?: number
    }
  | {
      /** `base·gamma^⌊t/every⌋`. */
      name: 'step'
      /** Steps of linear warm-up; 0 unless given. */
      warmup?: number
      /** Steps between two drops; a third of those of the fit and the fits it resumes, rounded up, unless given. */
      every?: number
      /** Factor for each drop, above 0 and at most 1; 0.1 unless given. */
      gamma?: number
    }

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

/** How to train. */
export interface FitOptions {
  /** The optimiser; `'lbfgs'` unless given. */
  optimizer?: OptimizerName | OptimizerOptions | undefined
  /**
   * Base learning rate, above 0; unless given 1 for `'lbfgs'` and 0.01 for the others. `'lbfgs'` finds its own step
   * lengths: there it scales only the very first step, and the first after the history was dropped.
   */
  learningRate?: number | undefined
  /** How the learning rate changes; `'constant'` unless given. */
  schedule?: ScheduleName | ScheduleOptions | undefined
  /** Steps of the optimiser to do now, one record each. Excludes `epochs`; 100 for `'lbfgs'` if both are missing. */
  steps?: number | undefined
  /**
   * Passes over the rows to do now, one record each. Excludes `steps`; 100 if both are missing and not `'lbfgs'`. A pass
   * that a resumed fit left unfinished is finished as the first.
   */
  epochs?: number | undefined
  /** Rows of a mini-batch, the last of a pass may have fewer; unless given all rows with `steps` or `'lbfgs'`, else 64. */
  batchSize?: number | undefined
  /** Whether every pass visits the rows in another order, which matters with mini-batches; `true` unless given. */
  shuffle?: boolean | undefined
  /**
   * What to minimise, on standardised targets. Unless given `'mse'`; for a text target `'crossEntropy'`, or
   * `'binaryCrossEntropy'` if the model has one output.
   */
  loss?: LossName | HuberOptions | undefined
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
   * Called within a pass of mini-batches, between two records, with how far the pass is: the latest only, at most about
   * a hundred times a second. What it throws or returns counts as with `onStep`.
   */
  onProgress?: ((progress: TrainingProgress) => unknown) | undefined
}

/** What is to be done, checked. */
export interface FitPlan {
  /** JSON for native code, without the loss. */
  settings: Fields
  loss: { name: LossName; delta?: number } | undefined
  validation: unknown
  /** The file of the checkpoints. */
  checkpoint: string | undefined
  signal: Signal | undefined
  onStep: FitOptions['onStep']
  onProgress: FitOptions['onProgress']
}

const optionNames: readonly (keyof FitOptions)[] = [
  'optimizer',
  'learningRate',
  'schedule',
  'steps',
  'epochs',
  'batchSize',
  'shuffle',
  'loss',
  'validation',
  'earlyStopping',
  'restoreBest',
  'checkpoint',
  'resume',
  'threads',
  'seed',
  'signal',
  'onStep',
  'onProgress',
]

const lossNames: readonly LossName[] = ['mse', 'rmse', 'mae', 'huber', 'crossEntropy', 'binaryCrossEntropy']

/** A check of one parameter. */
type Check = (value: unknown, name: string) => unknown

const number =
  (range: Range): Check =>
  (value, name) =>
    finite(value, name, range)
const count =
  (range: Range): Check =>
  (value, name) =>
    whole(value, name, range)
const decay = number({ min: 0, below: 1 })
const warmup = count({ min: 0 })
const factor = number({ above: 0, max: 1 })

const moments = { beta1: decay, beta2: decay, epsilon: number({ above: 0 }) }

const optimizers: Readonly<Record<OptimizerName, Readonly<Record<string, Check>>>> = {
  adam: moments,
  adamw: { ...moments, weightDecay: number({ min: 0 }) },
  sgd: { momentum: decay, nesterov: flag },
  lbfgs: {
    history: count({ min: 1, max: 1000 }),
    maxEvaluations: count({ min: 1, max: 1000 }),
    tolerance: number({ min: 0 }),
    changeTolerance: decay,
  },
}

const schedules: Readonly<Record<ScheduleName, Readonly<Record<string, Check>>>> = {
  constant: { warmup },
  cosine: { warmup, total: count({ min: 1 }), minimumFraction: number({ min: 0, max: 1 }) },
  exponential: { warmup, gamma: factor },
  step: { warmup, every: count({ min: 1 }), gamma: factor },
}

/** A name, or an object with a name and the parameters that belong to it. */
function named<Name extends string>(
  value: unknown,
  option: string,
  kinds: Readonly<Record<Name, Readonly<Record<string, Check>>>>,
): { name: Name } {
  const names = Object.keys(kinds) as Name[]
  if (typeof value === 'string') return { name: choice(value, option, names) }
  const all = ownFields(value, option, 'a name or an object with a name')
  const name = choice(all.name, `${option}.name`, names)
  const checks = kinds[name]
  const given = fields(all, `${option} '${name}'`, ['name', ...Object.keys(checks)])
  const checked = Object.entries(checks).map(([key, check]) => [
    key,
    optional(given[key], v => check(v, `${option}.${key}`)),
  ])
  return { ...Object.fromEntries(checked), name }
}

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
      optimizer: optional(given.optimizer, v => named(v, 'optimizer', optimizers)),
      learningRate: optional(given.learningRate, v => finite(v, 'learningRate', { above: 0 })),
      schedule: optional(given.schedule, v => named(v, 'schedule', schedules)),
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
    },
    loss: optional(given.loss, lossOf),
    validation: fraction ? undefined : validation,
    checkpoint: kept?.path,
    signal,
    onStep: onStep as FitPlan['onStep'],
    onProgress: onProgress as FitPlan['onProgress'],
  }
}

/** A number of threads. */
export function threadCount(value: unknown): number {
  return whole(value, 'threads', { min: 1, max: 1024 })
}
