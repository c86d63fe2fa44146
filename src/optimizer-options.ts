/**
 * Optimisers and learning-rate schedules: their parameters, defaults and checks.
 */

import { optional } from './options.js'
import { choice, fields, finite, flag, ownFields, type Range, whole } from './validate.js'

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
 * leaves alone what never had a gradient: control points of a region without data.
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

/**
 * Levenberg–Marquardt on the residuals of all rows (Nocedal & Wright 2006, section 10.3): the most accurate and the
 * quickest for small models, for losses with curvature, which are all but `'mae'`. It has no learning rate.
 */
export interface LmOptions {
  name: 'lm'
  /** Converged when three steps in a row lower the objective by at most this fraction of it; 1e-3 unless given. */
  tolerance?: number
  /** First damping, in units of the largest curvature of a single parameter, above 0; 1e-3 unless given. */
  initialDamping?: number
  /** Least damping, at least 0; 1e-15 unless given. */
  leastDamping?: number
}

/** An optimiser, by its name. */
export type OptimizerName = 'lm' | 'lbfgs' | 'adam' | 'adamw' | 'sgd'

/** An optimiser with its parameters. */
export type OptimizerOptions = LmOptions | LbfgsOptions | AdamOptions | AdamWOptions | SgdOptions

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

/** A check of one parameter. */
export type Check = (value: unknown, name: string) => unknown

/** A finite number in a range. */
export const number =
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
  lm: { tolerance: decay, initialDamping: number({ above: 0 }), leastDamping: number({ min: 0 }) },
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
export function named<Name extends string>(
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

/** Checks the option `optimizer`. */
export function optimizerOf(value: unknown): { name: OptimizerName } {
  return named(value, 'optimizer', optimizers)
}

/** Checks the option `schedule`. */
export function scheduleOf(value: unknown): { name: ScheduleName } {
  return named(value, 'schedule', schedules)
}
