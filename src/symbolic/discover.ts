/**
 * From data to a formula: checks data and options, runs the native search, and reads what it found.
 */

import { Callbacks } from '../callbacks.js'
import { makeDataset } from '../data/dataset.js'
import { partsOf, type TrainingData } from '../data/prediction.js'
import type { DatasetParts } from '../data/table.js'
import { KanAbortError, KanError, native } from '../errors.js'
import { nativeData } from '../fit.js'
import { threadCount } from '../fit-options.js'
import { NativeSearch } from '../native.js'
import { optional } from '../options.js'
import { settled } from '../outcome.js'
import { isSignal, onAbort, type Signal } from '../signal.js'
import { listed } from '../text/suggest.js'
import { choice, type Fields, fields, finite, refuseType, whole } from '../validate.js'
import { explained } from './faults.js'
import { type KeptFront, SymbolicResult } from './result.js'
import { type FamilyName, familyList } from './suggest.js'

/** A function that formulas may have. */
export type FunctionName =
  | 'exp'
  | 'log'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'abs'
  | 'sign'
  | 'erf'
  | 'j0'
  | 'j1'

/** How far a search for a formula is. */
export interface DiscoverProgress {
  /** Evaluations so far. */
  readonly evaluations: number
  /** Milliseconds since the search began. */
  readonly elapsedMs: number
  /** The best formula so far, its numbers rounded to six digits. */
  readonly formula: string
  /** Its root-mean-square error on the rows that the search looks at. */
  readonly error: number
}

/** How to search for a formula. */
export interface DiscoverOptions {
  /**
   * Families of functions of one variable to try: names, `'default'` for all that are tried unless this is given, and
   * formulas such as `Formula.parse('x*exp(-b*x)')`, in which `x` is the variable and all others are constants to be
   * found.
   */
  families?: readonly FamilyName[] | undefined
  /**
   * Functions that formulas may have besides sums, products, powers and roots; all of them unless given. It is a limit:
   * `erf`, `j0`, `j1`, `sinh` and `cosh` are looked for only with a family that has them, as in
   * `families: ['default', 'erf']`.
   */
  functions?: readonly FunctionName[] | undefined
  /** Length that formulas may have at most; see {@link Formula.complexity}. */
  maxComplexity?: number | undefined
  /**
   * Work to be done at most, 20,000 unless given: one evaluation is what it takes to fit a formula of five constants to
   * 400 rows, about a millisecond. The result is the same on any machine and for any number of threads.
   */
  evaluations?: number | undefined
  /** Seconds after which the search ends with the best so far, which then depends on the machine. */
  timeLimit?: number | undefined
  /** Rows for {@link SymbolicCandidate.validationError}: others, or a fraction that the search does not see. */
  validation?: number | TrainingData | undefined
  /** Number of threads; one for each core unless given. The result does not depend on it. */
  threads?: number | undefined
  /** Seed of the choice of rows where there are more than the search looks at, and of the validation split; 0 unless given. */
  seed?: number | undefined
  /** Stops the search when it is aborted; the promise rejects with an `AbortError`, which has `details.result`. */
  signal?: Signal | undefined
  /**
   * Called about twenty times a second at most, when there is a better formula, and now and then with the best so far
   * while there is none. What it throws ends the search.
   */
  onProgress?: ((progress: DiscoverProgress) => unknown) | undefined
}

const optionNames: readonly (keyof DiscoverOptions)[] = [
  'families',
  'functions',
  'maxComplexity',
  'evaluations',
  'timeLimit',
  'validation',
  'threads',
  'seed',
  'signal',
  'onProgress',
]

const functionNames: readonly FunctionName[] = [
  'exp',
  'log',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'abs',
  'sign',
  'erf',
  'j0',
  'j1',
]

function functions(value: unknown): FunctionName[] {
  if (!Array.isArray(value)) refuseType('functions', "a list such as ['exp', 'sin']", value)
  return value.map((name: unknown, at) => choice(name, `functions[${at}]`, functionNames))
}

/** Data with one column of quantities to explain. */
function withOneTarget(data: unknown, what: string): Readonly<DatasetParts> {
  const parts = partsOf(data)
  if (parts.classes !== null) {
    throw new KanError({
      code: 'ERR_KAN_LABEL',
      message: `The target of ${what} is text with the classes ${listed(parts.classes)}; a formula needs quantities`,
      hint: 'Choose a column of numbers as the target, or train a Kan to tell classes apart.',
      details: { classes: parts.classes },
    })
  }
  if (parts.targets === 1) return parts
  throw new KanError({
    code: 'ERR_KAN_SHAPE',
    message: `There are ${parts.targets} targets in ${what}; a formula explains one`,
    hint: 'Search for each target by itself: y with one number for each row, or one column in target.',
    details: { expected: 1, found: parts.targets },
  })
}

/** The rows to search on and those to judge by. */
function dataOf(data: unknown, validation: unknown, seed: number) {
  const parts = withOneTarget(data, 'the data')
  if (validation === undefined) return { training: parts, judging: null }
  if (typeof validation === 'number') {
    const test = finite(validation, 'validation', { above: 0, below: 1 })
    const { train, test: held } = makeDataset(parts).split({ test, seed })
    return { training: partsOf(train), judging: partsOf(held) }
  }
  const judging = withOneTarget(validation, 'the validation data')
  if (judging.features !== parts.features) {
    throw new KanError({
      code: 'ERR_KAN_SHAPE',
      message: `The validation data has ${judging.features} features; the data has ${parts.features}`,
      hint: 'Both need the same columns in the same order.',
      details: { expected: parts.features, found: judging.features },
    })
  }
  return { training: parts, judging }
}

/** What native code is told. */
function settings(given: Fields, names: readonly string[], seed: number): string {
  return JSON.stringify({
    names,
    evaluations: optional(given.evaluations, value => whole(value, 'evaluations', { min: 1 })) ?? 20_000,
    seconds: optional(given.timeLimit, value => finite(value, 'timeLimit', { above: 0, max: 1e9 })),
    families: familyList(given.families),
    functions: optional(given.functions, functions),
    maxComplexity: optional(given.maxComplexity, value => finite(value, 'maxComplexity', { min: 1 })),
    threads: optional(given.threads, threadCount) ?? 0,
    seed,
  })
}

/**
 * Searches data for a law: a formula of the features for the target, by structures of the data and by small networks.
 *
 * @example
 * import { discover } from 'kanode'
 *
 * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
 * const y = x.map(([a, b]) => a / (1 + b))
 * const result = await discover({ x, y }, { evaluations: 2000 })
 * console.log(result) // the front as a table
 * console.log(result.best().latex)
 * @param data Features and one target; a Dataset, whose names are the formula's variables, or `{ x, y }`.
 * @throws {@link KanError} for data that has no rows, several targets, classes or numbers that are not finite;
 *   {@link KanAbortError} when the signal is aborted, with the best so far in `details.result`.
 */
export async function discover(data: TrainingData, options: DiscoverOptions = {}): Promise<SymbolicResult> {
  const given = fields(options, 'the options of discover', optionNames)
  const { signal, onProgress } = given
  if (signal !== undefined && !isSignal(signal)) refuseType('signal', 'an AbortSignal', signal)
  if (onProgress !== undefined && typeof onProgress !== 'function') refuseType('onProgress', 'a function', onProgress)
  const seed = optional(given.seed, value => whole(value, 'seed', { min: 0 })) ?? 0
  const { training, judging } = dataOf(data, given.validation, seed)
  const told = settings(given, training.featureNames, seed)
  if (signal?.aborted) throw new KanAbortError(signal.reason)
  const search = native(() => new NativeSearch())
  const cancel = () => native(() => search.cancel())
  const callbacks = new Callbacks(cancel)
  const hear = callbacks.add(onProgress as DiscoverOptions['onProgress'])
  const outcome = native(() =>
    search.run(nativeData(training), judging === null ? null : nativeData(judging), told, json => {
      hear(JSON.parse(json) as DiscoverProgress)
    }),
  )
  const forget =
    signal &&
    onAbort(signal, () => {
      callbacks.close()
      cancel()
    })
  try {
    const { report } = settled(await outcome)
    const result = new SymbolicResult(JSON.parse(report!) as KeptFront)
    await callbacks.finish()
    if (signal?.aborted) throw new KanAbortError(signal.reason, { result })
    return result
  } catch (error) {
    throw explained(error)
  } finally {
    forget?.()
  }
}
