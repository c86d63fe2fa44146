/**
 * The options of `fitEquations`: types, defaults, checks, and the JSON that native code reads.
 */

import type { ModelColumns } from '../data/prediction.js'
import type { TrainingRecord } from '../history.js'
import type { AdamOptions, LbfgsOptions, LmOptions } from '../optimizer-options.js'
import { optional } from '../options.js'
import { isSignal, type Signal } from '../signal.js'
import { type Fields, fields, finite, ownFields, refuseRange, refuseType, whole, wordList } from '../validate.js'

/** When the grids of hidden nodes follow what these receive at the points. */
export interface EquationGridUpdate {
  /** Steps on one grid between two updates; 30 for `'lm'`, else 200, unless given. */
  every?: number
  /** 1 for uniform knots, 0 for knots at the quantiles of what is received, or between; 1 unless given. */
  uniform?: number
  /** How far a grid reaches beyond what is received, on each side, as a part of its range, 0 to 1; 0.05 unless given. */
  margin?: number
}

/** A prior that keeps edges smooth and small, in the network's units; not part of the loss that records tell. */
export interface EquationPrior {
  /** Order of the derivative that is kept small, 1 to 6; 3 unless given. */
  order?: number
  /** Strength of `Σ ∫ (φ^(order))²`; 0 unless given. */
  lambda?: number
  /** Strength of the sum of squares of all parameters; 1e-12 unless given. */
  ridge?: number
}

/** How to fit a model to equations. */
export interface EquationOptions {
  /** Names of the model's inputs for `u.d('x')`, in their order; the model's own unless given. They become the model's. */
  inputs?: readonly string[] | undefined
  /**
   * The optimiser; unless given `'lm'`, by far the best up to some thousands of parameters. Its tolerance is 1e-4 here
   * unless given: there is no noise to stop at.
   */
  optimizer?: 'lm' | 'lbfgs' | 'adam' | LmOptions | LbfgsOptions | AdamOptions | undefined
  /** Learning rate of `'adam'`, 0.01 unless given; for `'lbfgs'` it scales the first step only. */
  learningRate?: number | undefined
  /** Steps on each grid; 60 unless given. */
  steps?: number | undefined
  /** Grids to solve on one after the other, ascending; the model is refined to each. Unless given, its own. */
  grid?: readonly number[] | undefined
  /** When grids follow what their nodes receive; `'none'` for never. */
  gridUpdate?: 'none' | EquationGridUpdate | undefined
  /** A prior on the parameters; `'none'` for none at all, not even the ridge. */
  regularization?: 'none' | EquationPrior | undefined
  /** Stops the fit when it is aborted; the promise rejects with an `AbortError` and the model keeps the best so far. */
  signal?: Signal | undefined
  /** Called with records as they come, as by `fit`. */
  onStep?: ((record: TrainingRecord) => unknown) | undefined
}

/** Checked options. */
export interface EquationPlan {
  readonly inputs: readonly string[] | null
  /** JSON for native code. */
  readonly settings: Fields
  readonly signal: Signal | undefined
  readonly onStep: EquationOptions['onStep']
}

const keys: readonly (keyof EquationOptions)[] = [
  'inputs',
  'optimizer',
  'learningRate',
  'steps',
  'grid',
  'gridUpdate',
  'regularization',
  'signal',
  'onStep',
]

/** Parameters that a solution by equations has another default for. */
const usual: Readonly<Record<string, Fields>> = { lm: { tolerance: 1e-4 } }
const optimizers = ['lm', 'lbfgs', 'adam']

function optimizerOf(value: unknown): Fields {
  const given = typeof value === 'string' ? { name: value } : ownFields(value, 'optimizer', 'a name or an object')
  const { name } = given
  if (typeof name !== 'string' || !optimizers.includes(name)) {
    refuseRange('optimizer', "one of 'lm', 'lbfgs', 'adam'", name)
  }
  return { ...usual[name], ...given }
}

function gridsOf(value: unknown): number[] {
  if (!Array.isArray(value)) refuseType('grid', 'a list of ascending grids, such as [5, 10]', value)
  return value.map((grid: unknown, index) => whole(grid, `grid[${index}]`, { min: 1, max: 4096 }))
}

function gridUpdateOf(value: unknown): Fields {
  if (value === 'none') return { enabled: false }
  const given = fields(value, 'gridUpdate', ['every', 'uniform', 'margin'])
  const part = (name: 'uniform' | 'margin') =>
    optional(given[name], v => finite(v, `gridUpdate.${name}`, { min: 0, max: 1 }))
  return {
    every: optional(given.every, v => whole(v, 'gridUpdate.every', { min: 1 })),
    uniform: part('uniform'),
    margin: part('margin'),
  }
}

function priorOf(value: unknown): Fields {
  if (value === 'none') return { lambda: 0, ridge: 0 }
  const given = fields(value, 'regularization', ['order', 'lambda', 'ridge'])
  const strength = (name: 'lambda' | 'ridge') =>
    optional(given[name], v => finite(v, `regularization.${name}`, { min: 0 }))
  return {
    order: optional(given.order, v => whole(v, 'regularization.order', { min: 1, max: 6 })),
    lambda: strength('lambda'),
    ridge: strength('ridge'),
  }
}

function namesOf(value: unknown, { inputs, inputNames }: ModelColumns): string[] {
  const names = wordList(value, 'inputs')
  if (names.length !== inputs) refuseRange('inputs', `${inputs} names, one for each input`, names.length)
  const other = inputNames?.findIndex((name, index) => name !== names[index]) ?? -1
  if (other >= 0) refuseRange(`inputs[${other}]`, `'${inputNames![other]}', as the model calls it`, names[other])
  return names
}

/** Checks the options. */
export function equationPlan(value: unknown, columns: ModelColumns): EquationPlan {
  const given = fields(value, 'the options of fitEquations', keys)
  const { signal, onStep } = given
  if (signal !== undefined && !isSignal(signal)) refuseType('signal', 'an AbortSignal', signal)
  if (onStep !== undefined && typeof onStep !== 'function') refuseType('onStep', 'a function', onStep)
  return {
    inputs: optional(given.inputs, v => namesOf(v, columns)) ?? columns.inputNames,
    settings: {
      optimizer: optional(given.optimizer, optimizerOf),
      learningRate: optional(given.learningRate, v => finite(v, 'learningRate', { above: 0 })),
      steps: optional(given.steps, v => whole(v, 'steps', { min: 1 })),
      grid: optional(given.grid, gridsOf),
      gridUpdate: optional(given.gridUpdate, gridUpdateOf),
      regularization: optional(given.regularization, priorOf),
    },
    signal,
    onStep: onStep as EquationPlan['onStep'],
  }
}
