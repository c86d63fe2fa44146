/**
 * Cross-validation: every row is predicted once by a model that has not seen it.
 */

import { type Dataset, makeDataset, selectDataset } from './data/dataset.js'
import { partsOf, type TrainingData } from './data/prediction.js'
import { generator } from './data/split.js'
import type { DatasetParts } from './data/table.js'
import { KanRangeError } from './errors.js'
import type { TrainingHistory } from './history.js'
import type { Metrics, RegressionMetrics } from './metrics.js'
import { Kan } from './model.js'
import { type KanOptions, optional } from './options.js'
import { type ManyFitOptions, manyFits, runAll } from './parallel.js'
import { spreadOf } from './spread.js'
import { flag, refuseType, whole } from './validate.js'

/** How to cross-validate. */
export interface CrossValidationOptions<Kind extends Metrics = RegressionMetrics> extends ManyFitOptions {
  /** Number of folds, 2 to the number of rows; 5 unless given. */
  folds?: number | undefined
  /**
   * Whether each fold gets its share of every class; `true` unless given for data with a single column of class names,
   * and for labels with the loss `'crossEntropy'` or `'binaryCrossEntropy'`.
   */
  stratify?: boolean | undefined
  /** Whether to keep the models; `false` unless given. */
  keepModels?: boolean | undefined
  /** Called when a fold is done; what it throws, also by a promise, stops all. */
  onFold?: ((fold: Fold<Kind>) => unknown) | undefined
}

/** One fold. */
export interface Fold<Kind extends Metrics = RegressionMetrics> {
  /** Its index, from 0. */
  readonly fold: number
  /** Which rows of the data were held out, increasing. */
  readonly rows: readonly number[]
  /** How well these are predicted by a model of all others. */
  readonly metrics: Kind
  /** The fit of that model. */
  readonly history: TrainingHistory
  /** That model, with `keepModels: true`. */
  readonly model?: Kan
}

/** The metrics that are single numbers. */
export type Averages<Kind extends Metrics> = {
  readonly [Name in keyof Kind as Kind[Name] extends number ? Name : never]: number
}

/** What a cross-validation has found. */
export interface CrossValidation<Kind extends Metrics = RegressionMetrics> {
  readonly folds: readonly Fold<Kind>[]
  /** Mean of each metric over the folds. */
  readonly mean: Averages<Kind>
  /** Sample standard deviation of each metric over the folds (with n − 1). */
  readonly deviation: Averages<Kind>
}

/** The rows in a random order: those of one stratum after the other, so that dealing them round deals each evenly. */
function dealt({ rows, y }: Readonly<DatasetParts>, seed: number, stratify: boolean): number[] {
  const random = generator(seed)
  const keys = Array.from({ length: rows }, (_, row) => [stratify ? y[row]! : 0, random(), row] as const)
  return keys.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).map(([, , row]) => row)
}

function foldCount(value: unknown, rows: number): number {
  const count = optional(value, given => whole(given, 'folds', { min: 2 })) ?? 5
  if (count <= rows) return count
  throw new KanRangeError({
    code: 'ERR_KAN_OPTION',
    message: `folds must be at most the number of rows, ${rows}; found ${count}`,
    hint: 'Every fold holds out one row at least.',
    details: { option: 'folds', expected: rows, found: count },
  })
}

function averages<Kind extends Metrics>(folds: readonly Fold<Kind>[]) {
  const all = folds.map(({ metrics }) => metrics as unknown as Readonly<Record<string, unknown>>)
  const names = Object.keys(all[0]!).filter(name => typeof all[0]![name] === 'number')
  const { mean, deviation } = spreadOf(all.map(metrics => names.map(name => metrics[name] as number)))
  const named = (values: Float64Array) => Object.fromEntries(names.map((name, i) => [name, values[i]!]))
  return { mean: named(mean) as Averages<Kind>, deviation: named(deviation) as Averages<Kind> }
}

const names = ['folds', 'stratify', 'keepModels', 'onFold']

/**
 * Trains a model for each fold on the rows of all others and evaluates it on its own, as many folds at a time as there
 * are threads. All models begin with the same seed; the `seed` of the fit also deals the rows. In TypeScript
 * `crossValidate<ClassificationMetrics>(…)` for classes.
 *
 * @param options Those of each model.
 * @example
 * import { crossValidate } from 'kanode'
 *
 * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
 * const data = { x, y: x.map(([a, b]) => Math.sin(3 * a) + b * b) }
 * const { mean, deviation } = await crossValidate({ layers: [2, 5, 1] }, data, { folds: 10, steps: 60 })
 * console.log(`${mean.rmse} ± ${deviation.rmse}`)
 * @throws As `new Kan` and `fit`: what the first fold that failed threw, after the others have stopped; `RangeError` for
 *   more folds than rows.
 */
export async function crossValidate<Kind extends Metrics = RegressionMetrics>(
  options: KanOptions,
  data: TrainingData,
  fitOptions: CrossValidationOptions<Kind> = {},
): Promise<CrossValidation<Kind>> {
  const { own, fit, threads, signal } = manyFits(fitOptions, 'the options of crossValidate', names)
  const { onFold } = own
  if (onFold !== undefined && typeof onFold !== 'function') refuseType('onFold', 'a function', onFold)
  const keep = optional(own.keepModels, value => flag(value, 'keepModels')) ?? false
  const parts = partsOf(data)
  const count = foldCount(own.folds, parts.rows)
  const labels = parts.classes !== null || fit.loss === 'crossEntropy' || fit.loss === 'binaryCrossEntropy'
  const stratify = optional(own.stratify, value => flag(value, 'stratify')) ?? labels
  const order = dealt(parts, fit.seed ?? 0, stratify && parts.targets === 1)
  const rows: Dataset = makeDataset(parts)
  const models = Array.from({ length: count }, () => new Kan(options))
  const tasks = models.map((model, fold) => async (signal: ManyFitOptions['signal']): Promise<Fold<Kind>> => {
    const held = order.filter((_, at) => at % count === fold).sort((a, b) => a - b)
    const others = order.filter((_, at) => at % count !== fold).sort((a, b) => a - b)
    const history = await model.fit(selectDataset(rows, others), { ...fit, threads: 1, signal })
    const metrics = await model.evaluate<Kind>(selectDataset(rows, held), { threads: 1 })
    const found = { fold, rows: held, metrics, history, ...(keep ? { model } : {}) }
    await onFold?.(found)
    return found
  })
  let kept = false
  try {
    const folds = await runAll(tasks, { threads, signal })
    kept = keep
    return { folds, ...averages(folds) }
  } finally {
    if (!kept) for (const model of models) model.dispose()
  }
}
