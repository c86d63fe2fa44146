/**
 * The data that models learn from: features, targets and weights of a number of rows, with their names. A dataset
 * never changes, and owns its numbers.
 */

import { inspectSymbol } from '../text/table.js'
import { fields, finite, refuseShape, refuseType, whole } from '../validate.js'
import { partsFromBatches } from './batches.js'
import { type Cell, type ColumnObject, type RowObject, tableFromColumns, tableFromRows } from './columns.js'
import { inspectDataset } from './dataset-inspect.js'
import type { Encoding } from './encoding.js'
import { isTextList, refuseDuplicates } from './names.js'
import { type Float64Matrix, type Matrix, type NumberArray, type NumberRows, selectRows } from './rows.js'
import { partsFromSamples } from './samples.js'
import { splitOrder } from './split.js'
import { type DatasetParts, partsFromTable, type TableOptions, tableOptionNames } from './table.js'

/** Features and targets as arrays. */
export interface Samples {
  /** Features, `[rows, features]`. */
  readonly x: NumberRows | Matrix
  /**
   * Targets: one number, class name, or `true` (1) or `false` (0) for each row, or `[rows, targets]`. Needed for fitting, not for predicting.
   */
  readonly y?:
    | NumberRows
    | Matrix
    | NumberArray
    | readonly number[]
    | readonly string[]
    | readonly boolean[]
    | undefined
  /** How much each row counts, `[rows]`; all alike unless given. */
  readonly weights?: NumberArray | readonly number[] | undefined
}

/**
 * A number, or a missing value.
 *
 * @inline
 */
type MaybeNumber = number | null | undefined

/** Features and targets as arrays, with what else is known about them. */
export interface SampleOptions extends Omit<Samples, 'x' | 'y'> {
  /** Features; `null`, `undefined` and NaN are missing values, which `missing` deals with. */
  readonly x: Samples['x'] | readonly (readonly MaybeNumber[])[]
  /** Targets; rows where one is missing can only be dropped. */
  readonly y?:
    | Samples['y']
    | readonly (readonly MaybeNumber[])[]
    | readonly MaybeNumber[]
    | readonly (string | null | undefined)[]
  /** A name for each feature; `x1`, `x2`, … unless given. */
  readonly featureNames?: readonly string[] | undefined
  /** A name for each target; `y`, or `y1`, `y2`, … unless given. */
  readonly targetNames?: readonly string[] | undefined
  /** The names of classes 0, 1, … when `y` holds labels. */
  readonly classes?: readonly string[] | undefined
  /**
   * Missing values: `'refuse'` (default) them, `'drop'` their rows, or fill features with the `'mean'` or `'median'`.
   */
  readonly missing?: TableOptions['missing']
}

/** How rows become a dataset. */
export interface RowOptions extends TableOptions {
  /** Names of the columns when rows are arrays. */
  names?: readonly string[] | undefined
}

/** One part of the data, as a stream yields it: row objects, or arrays. */
export type Batch = readonly RowObject[] | Pick<SampleOptions, 'x' | 'y' | 'weights'>

/** How to split a dataset. */
export interface SplitOptions {
  /** The fraction of the rows that go to `test`, between 0 and 1; 0.2 unless given. */
  test?: number | undefined
  /** Seed of the shuffle, 0 unless given. */
  seed?: number | undefined
}

/** Marks parts that are already checked, so that only this package can pass them. */
class Checked {
  constructor(readonly parts: DatasetParts) {}
}

/** A dataset of numbers that are already checked and owned by it. */
export let makeDataset: (parts: DatasetParts) => Dataset

/** The numbers of a dataset, not to be changed. */
export let datasetParts: (dataset: Dataset) => Readonly<DatasetParts>

/** A dataset of the given rows of another. */
export let selectDataset: (dataset: Dataset, rows: ArrayLike<number>) => Dataset

/** Whether a value is a dataset. */
export let isDataset: (value: unknown) => value is Dataset

/**
 * Rows of features and targets.
 *
 * @example
 * import { Dataset, readCsv } from 'kanode'
 *
 * const data = new Dataset({ x: [[0, 1], [1, 2]], y: [1, 3], featureNames: ['a', 'b'] })
 * const cars = await readCsv('examples/data/cars.csv', { target: 'mpg', ignore: 'name', missing: 'drop' })
 * console.log(data.featureNames, cars.rows)
 */
export class Dataset {
  readonly #parts: DatasetParts

  /**
   * A dataset from arrays, which are copied.
   *
   * @throws {@link KanError} `ERR_KAN_SHAPE`, `ERR_KAN_NUMBER` (row and column named), `ERR_KAN_EMPTY`,
   *   `ERR_KAN_DATA`; `TypeError` for what is no number.
   */
  constructor(samples: SampleOptions) {
    const given: unknown = samples
    this.#parts = given instanceof Checked ? given.parts : partsFromSamples(given)
  }

  /**
   * A dataset from row objects, or from rows with `names`.
   *
   * @example
   * import { Dataset } from 'kanode'
   *
   * const cars = [
   *   { weight: 3504, origin: 'USA', mpg: 18 },
   *   { weight: 2372, origin: 'Japan', mpg: 24 },
   * ]
   * const data = Dataset.fromRows(cars, { target: 'mpg' })
   * console.log(data.featureNames, data.targetNames)
   * @throws As the constructor, and `TypeError` for a column or an option that doesn't exist.
   */
  static fromRows(rows: readonly RowObject[] | readonly (readonly Cell[])[], options: RowOptions = {}): Dataset {
    const { names } = fields(options, 'the options', [...tableOptionNames, 'names'])
    return makeDataset(partsFromTable(tableFromRows(rows, checkNames(names)), options, ['names']))
  }

  /**
   * A dataset from columns of the same length.
   *
   * @example
   * import { Dataset } from 'kanode'
   *
   * const data = Dataset.fromColumns({ weight: [3504, 3693], mpg: [18, 15] }, { target: 'mpg' })
   * console.log(data.featureNames, data.targetNames)
   * @throws As {@link Dataset.fromRows}.
   */
  static fromColumns(columns: ColumnObject, options: TableOptions = {}): Dataset {
    return makeDataset(partsFromTable(tableFromColumns(columns), options))
  }

  /**
   * A dataset from batches: all of them row objects (then `options` are those of {@link TableOptions}), or all of
   * them `{ x, y, weights }` (then `missing`, `weights`, `featureNames`, `targetNames` and `classes`). Everything is
   * kept in memory, since training goes over the rows many times.
   *
   * @throws As {@link Dataset.fromRows}, and whatever the iterable throws.
   */
  static async fromBatches(
    batches: AsyncIterable<Batch> | Iterable<Batch>,
    options: TableOptions & Pick<SampleOptions, 'featureNames' | 'targetNames' | 'classes'> = {},
  ): Promise<Dataset> {
    return makeDataset(await partsFromBatches(batches, options))
  }

  /** Number of rows. */
  get rows(): number {
    return this.#parts.rows
  }

  /** Number of features: the inputs of a model. */
  get features(): number {
    return this.#parts.features
  }

  /** Number of target columns; 0 if the data is for predicting only. */
  get targets(): number {
    return this.#parts.targets
  }

  /** A name for each feature. */
  get featureNames(): readonly string[] {
    return [...this.#parts.featureNames]
  }

  /** A name for each target. */
  get targetNames(): readonly string[] {
    return [...this.#parts.targetNames]
  }

  /** The texts that labels 0, 1, … stand for if the target was text, else `null`. */
  get classes(): readonly string[] | null {
    return this.#parts.classes === null ? null : [...this.#parts.classes]
  }

  /** How named columns became features, for reading other data alike; `null` if the features have no names. */
  get encoding(): Encoding | null {
    return this.#parts.encoding
  }

  /** The features, `[rows, features]`, as a copy. */
  get x(): Float64Matrix {
    return { data: this.#parts.x.slice(), shape: [this.rows, this.features] }
  }

  /** The targets, `[rows, targets]`, as a copy; labels if the target was text. */
  get y(): Float64Matrix {
    return { data: this.#parts.y.slice(), shape: [this.rows, this.targets] }
  }

  /** How much each row counts, `[rows]`, as a copy; `null` if all count alike. */
  get weights(): Float64Array | null {
    return this.#parts.weights?.slice() ?? null
  }

  /**
   * Shuffles the rows and splits them in two. The same seed gives the same split everywhere.
   *
   * @throws `RangeError` for a fraction not between 0 and 1; {@link KanError} `ERR_KAN_SHAPE` for fewer than 2 rows.
   */
  split(options: SplitOptions = {}): { train: Dataset; test: Dataset } {
    const given = fields(options, 'the options of split', ['test', 'seed'])
    const fraction = given.test === undefined ? 0.2 : finite(given.test, 'test', { above: 0, below: 1 })
    const seed = given.seed === undefined ? 0 : whole(given.seed, 'seed', { min: 0 })
    if (this.rows < 2)
      refuseShape('A dataset of 1 row cannot be split', { expected: 2, found: this.rows }, 'Give at least 2 rows.')
    const { train, test } = splitOrder(this.rows, fraction, seed)
    return { train: this.#select(train), test: this.#select(test) }
  }

  #select(rows: ArrayLike<number>): Dataset {
    const { x, y, weights, features, targets } = this.#parts
    return makeDataset({
      ...this.#parts,
      rows: rows.length,
      x: selectRows(x, features, rows),
      y: selectRows(y, targets, rows),
      weights: weights === null ? null : selectRows(weights, 1, rows),
    })
  }

  /** A table of the columns: name, kind, smallest, mean and largest value. */
  toString(): string {
    return inspectDataset(this.#parts)
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }

  static {
    makeDataset = parts => new Dataset(new Checked(parts) as unknown as SampleOptions)
    datasetParts = dataset => dataset.#parts
    selectDataset = (dataset, rows) => dataset.#select(rows)
    isDataset = (value): value is Dataset => typeof value === 'object' && value !== null && #parts in value
  }
}

function checkNames(names: unknown): readonly string[] | undefined {
  if (names === undefined) return undefined
  if (!isTextList(names)) refuseType('names', 'a list of texts', names)
  refuseDuplicates(names, 'names')
  return names
}
