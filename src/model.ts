/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The model: a thin skin over the native one. It checks arguments, converts data, and turns native errors into errors
 * with advice; it does no mathematics.
 */

import { refuseQuantities, toLabels, toProbabilities } from './classify.js'
import type { RowObject } from './data/columns.js'
import type { Dataset } from './data/dataset.js'
import type { Encoding } from './data/encoding.js'
import {
  checkFeatures,
  type ModelColumns,
  type PredictInput,
  type PredictOutput,
  partsOf,
  type TrainingData,
} from './data/prediction.js'
import {
  type Float64Matrix,
  finiteNumbers,
  isNumberArray,
  type Matrix,
  type NumberArray,
  type NumberRows,
} from './data/rows.js'
import { checkTargetNames, checkTargets, isClassification, usualLoss, withClasses } from './data/targets.js'
import { type Description, learn, type Scaler } from './description.js'
import { Edge } from './edge.js'
import { busy, fromNative, inFile, native } from './errors.js'
import { absolutePathOf, type FilePath, readModelBytes, unwritten } from './files.js'
import { beginFit, checkFit, nativeData, type PreparedFit, prepareFit } from './fit.js'
import type { FitOptions } from './fit-options.js'
import type { LossName, TrainingHistory, TrainingRecord } from './history.js'
import { type Metrics, type ModelCost, metricsFrom, type RegressionMetrics } from './metrics.js'
import { inspectModel } from './model-inspect.js'
import { type ComputeOptions, keepsState, type SaveOptions, threadsOf } from './model-options.js'
import { NativeModel, type NativeModelHandle } from './native.js'
import { type KanOptions, optional, specification } from './options.js'
import { failure, settled } from './outcome.js'
import { type Input, inputOf, isPlainRow, plain, readRow, type SingleOutput, type SingleRow } from './predict.js'
import type { Running } from './running.js'
import { stream } from './stream.js'
import { inspectSymbol } from './text/table.js'
import { fields, refuseShape, refuseType, whole } from './validate.js'

/** Marks a native model that is to be wrapped, so that only this package can pass one. */
class Wrapped {
  constructor(readonly model: NativeModelHandle) {}
}

/**
 * A Kolmogorov–Arnold network: every edge carries a function of its own, a base function plus a B-spline.
 *
 * @example
 * const model = new Kan({ layers: [2, 5, 1], grid: 5, seed: 0 })
 * const history = await model.fit({ x: [[0, 1], …], y: [1, …] }, { steps: 60 })
 * const predictions = await model.predict([[0.5, 0.5]])
 */
export class Kan {
  readonly #model: NativeModelHandle
  #about: Description
  #columns: ModelColumns
  #disposed = false
  #training = false
  // Kept between calls, so that predicting a row allocates nothing but its result.
  readonly #row: Float64Array
  readonly #result: Float64Array

  /**
   * A new model with random parameters.
   *
   * @throws `TypeError` for unknown options and wrong types, `RangeError` for values out of range,
   *   {@link KanError} `ERR_KAN_MEMORY` for a model that does not fit into memory.
   */
  constructor(options: KanOptions) {
    const given: unknown = options
    if (given instanceof Wrapped) {
      this.#model = given.model
    } else {
      const asked = specification(given)
      this.#model = native(() => new NativeModel(asked))
    }
    ;[this.#about, this.#columns] = learn(this.#model)
    this.#row = new Float64Array(this.#columns.inputs)
    this.#result = new Float64Array(this.#columns.outputs)
  }

  /**
   * The model in a file.
   *
   * @throws {@link KanError} `ERR_KAN_FILE`, with `details.kind` `'io'`, `'truncated'`, `'corrupt'` or `'newer'`.
   */
  static async load(path: FilePath): Promise<Kan> {
    const file = absolutePathOf(path, 'path')
    return decode(await readModelBytes(file), file)
  }

  /**
   * The model in the bytes of a file.
   *
   * @throws As {@link Kan.load}.
   */
  static fromBytes(bytes: Uint8Array): Kan {
    if (!(bytes instanceof Uint8Array)) refuseType('bytes', 'a Uint8Array', bytes)
    return decode(bytes, undefined)
  }

  /** Number of inputs, of nodes in each hidden layer, and of outputs. */
  get layers(): readonly number[] {
    return [...this.#about.layers]
  }

  /** Number of columns that the model takes. */
  get inputs(): number {
    return this.#columns.inputs
  }

  /** Number of columns that the model gives. */
  get outputs(): number {
    return this.#columns.outputs
  }

  /** Grid intervals of each edge's spline. */
  get grid(): number {
    return this.#about.grid
  }

  /** Degree of the splines. */
  get degree(): number {
    return this.#about.degree
  }

  /** The type of its numbers. */
  get dtype(): 'f64' | 'f32' {
    return this.#about.dtype
  }

  /** Number of parameters: the sum of `I·O·(2 + grid + degree)` over the layers. */
  get parameterCount(): number {
    return this.#about.parameterCount
  }

  /** Names of the inputs, if the training data had names. */
  get inputNames(): readonly string[] | null {
    return this.#columns.inputNames === null ? null : [...this.#columns.inputNames]
  }

  /** Names of the outputs, if the training data had names. */
  get outputNames(): readonly string[] | null {
    return this.#columns.outputNames === null ? null : [...this.#columns.outputNames]
  }

  /** The classes that labels 0, 1, … stand for, if the target was text. */
  get classes(): readonly string[] | null {
    return this.#columns.classes === null ? null : [...this.#columns.classes]
  }

  /** How named columns become inputs, for reading other data alike; `null` if the training data had no names. */
  get encoding(): Encoding | null {
    return this.#columns.encoding
  }

  /**
   * How the first fit standardised inputs and targets; `null` before it, and with `standardize: false`. It maps the axis
   * of an {@link Edge} to the units of the data.
   */
  get scaler(): Scaler | null {
    return structuredClone(this.#about.scaler)
  }

  /** Whether the model has been trained. */
  get fitted(): boolean {
    return this.#about.fitted
  }

  /** The loss it was last trained with, or `null`. */
  get loss(): LossName | null {
    return this.#about.loss?.name ?? null
  }

  /** Whether `fit` can go on with `resume: true`. */
  get resumable(): boolean {
    return this.#about.resumable
  }

  /**
   * All parameters, layer after layer: control points `[inputs, outputs, grid + degree]`, base weights and spline
   * weights `[inputs, outputs]`, row-major; a copy. Setting them drops what `resume` needs.
   *
   * @throws On setting: `TypeError`, {@link KanError} `ERR_KAN_SHAPE`, `ERR_KAN_NUMBER`, `ERR_KAN_BUSY`.
   */
  get parameters(): Float64Array {
    const out = new Float64Array(this.parameterCount)
    native(() => this.#model.parameters(out))
    return out
  }

  set parameters(values: NumberArray | readonly number[]) {
    const numbers = finiteNumbers(values, 'parameters')
    const [expected, found] = [this.parameterCount, numbers.length]
    if (found !== expected) {
      const hint = 'parameterCount says how many there are; layers are in order.'
      refuseShape(`parameters has ${found} numbers; expected ${expected}`, { expected, found }, hint)
    }
    this.#refuseIfTraining()
    native(() => this.#model.setParameters(numbers))
    this.#refresh()
  }

  /**
   * Trains the model. Everything is copied before the call returns its promise; the event loop stays free.
   *
   * @param data Rows of features with targets; names and encoding of its columns become the model's.
   * @returns The history of the fit.
   * @throws `TypeError` and `RangeError` for options, {@link KanError} for data that does not fit the model,
   *   `ERR_KAN_BUSY` during another fit, `ERR_KAN_DIVERGED`, an error named `'AbortError'` when `signal` is aborted, and
   *   whatever `onStep` and `onProgress` throw. The model keeps the best parameters so far.
   */
  // Not an async function: that would hold on to the data until the fit ends.
  fit(data: TrainingData, options: FitOptions = {}): Promise<TrainingHistory> {
    try {
      this.#refuseIfTraining()
      return this.#begin(prepareFit(data, options)).done
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Trains the model and yields records as they come; leaving the loop stops the fit. Data and options are checked and
   * copied in the call; the fit begins with the first turn of the loop.
   *
   * At most 256 records wait for the loop, and when there are more the oldest are skipped: a loop slower than the steps
   * sees how the fit stands, not how it stood. After the end come those that still wait, the last record always. The
   * history that the generator returns has what was skipped.
   *
   * @returns The history of the fit, as the value of the generator.
   * @throws As {@link Kan.fit}; what is wrong with data or options at once.
   */
  fitSteps(data: TrainingData, options: FitOptions = {}): AsyncGenerator<TrainingRecord, TrainingHistory, void> {
    this.#refuseIfTraining()
    let fit: PreparedFit | undefined = prepareFit(data, options)
    checkFit(fit, this.#columns)
    const begin = (push: (record: TrainingRecord) => void) => {
      const prepared = fit!
      fit = undefined
      return this.#begin(prepared, push)
    }
    return stream(begin)
  }

  #begin(fit: PreparedFit, push?: (record: TrainingRecord) => void): Running {
    this.#refuseIfTraining()
    const { done, cancel } = beginFit({ model: this.#model, columns: this.#columns, loss: this.loss }, fit, push)
    this.#training = true
    return { done: this.#finish(done), cancel }
  }

  async #finish(done: Promise<TrainingHistory>): Promise<TrainingHistory> {
    try {
      const history = await done
      this.#training = false
      this.#refresh()
      return history
    } catch (error) {
      this.#training = false
      try {
        this.#refresh()
      } catch {
        // A model that is unusable can't say so before what made it unusable has been told.
      }
      throw error
    }
  }

  /** The native model is free as soon as its last step is done; to the user it is when the promise settles. */
  #refuseIfTraining(): void {
    if (this.#training) throw busy()
  }

  /** Learns again what native code says about the model. */
  #refresh(): void {
    if (!this.#disposed) [this.#about, this.#columns] = learn(this.#model)
  }

  /**
   * Predicts, in the background. Results are in the units of the training targets; for classes they are logits (see
   * {@link Kan.classify} and {@link Kan.probabilities}).
   *
   * @param rows Rows of numbers, `{ data, shape }`, row objects, or a dataset: its targets do not matter. Or a single
   *   row: an array or a typed array of numbers, or a row object.
   * @returns The same kind: rows, `{ data, shape }`, objects by name of output, or a dataset with predictions for
   *   targets; for a single row an array, a `Float64Array` or an object.
   * @throws {@link KanError} `ERR_KAN_SHAPE`, `ERR_KAN_NUMBER`, `ERR_KAN_EMPTY`, `ERR_KAN_DATA`; `TypeError`.
   */
  predict(rows: Dataset, options?: ComputeOptions): Promise<Dataset>
  predict(rows: Matrix, options?: ComputeOptions): Promise<Float64Matrix>
  predict(rows: NumberRows, options?: ComputeOptions): Promise<number[][]>
  predict(rows: readonly RowObject[], options?: ComputeOptions): Promise<Record<string, number>[]>
  predict(row: readonly number[], options?: ComputeOptions): Promise<number[]>
  predict(row: NumberArray, options?: ComputeOptions): Promise<Float64Array>
  predict(row: RowObject, options?: ComputeOptions): Promise<Record<string, number>>
  async predict(rows: PredictInput | SingleRow, options: ComputeOptions = {}): Promise<PredictOutput | SingleOutput> {
    const input = inputOf(rows, this.#columns)
    return input.wrap(await this.#outputsOf(input, options))
  }

  async #outputsOf({ x, rows }: Input, options: ComputeOptions): Promise<Float64Array> {
    const threads = threadsOf(options)
    const { values } = settled(await native(() => this.#model.predict(x, rows, threads)))
    return values ?? new Float64Array(0)
  }

  /**
   * Predicts on the calling thread, for few rows and low latency.
   *
   * @param rows As for {@link Kan.predict}, and the result is of the same kind.
   * @throws As {@link Kan.predict}.
   */
  predictSync(row: NumberArray): Float64Array
  predictSync(row: readonly number[]): number[]
  predictSync(rows: Dataset): Dataset
  predictSync(rows: Matrix): Float64Matrix
  predictSync(rows: NumberRows): number[][]
  predictSync(rows: readonly RowObject[]): Record<string, number>[]
  predictSync(row: RowObject): Record<string, number>
  predictSync(rows: PredictInput | SingleRow): PredictOutput | SingleOutput {
    // A single row of numbers takes no detour: it may be one of millions.
    if (rows instanceof Float64Array) return this.#predictRow(rows, rows, new Float64Array(this.#result.length))
    if (isNumberArray(rows)) return this.#predictRow(rows, this.#row, new Float64Array(this.#result.length))
    if (isPlainRow(rows)) return plain(this.#predictRow(rows, this.#row, this.#result))
    const input = inputOf(rows, this.#columns)
    const out = new Float64Array(input.rows * this.#columns.outputs)
    native(() => this.#model.predictSync(input.x, input.rows, out))
    return input.wrap(out)
  }

  /** Predicts one row into `out`; `row` holds it as 64-bit numbers, or receives them. */
  #predictRow(input: ArrayLike<number>, row: Float64Array, out: Float64Array): Float64Array {
    readRow(input, this.#columns, row)
    try {
      this.#model.predictSync(row, 1, out)
    } catch (error) {
      throw fromNative(error)
    }
    return out
  }

  /**
   * The most likely class of each row: its name if the training target was text, else its label.
   *
   * @param rows As for {@link Kan.predict}; a single row gives a single class.
   * @throws As {@link Kan.predict}, and {@link KanError} `ERR_KAN_LABEL` if the model was not trained on classes.
   */
  classify(row: SingleRow, options?: ComputeOptions): Promise<string | number>
  classify(rows: PredictInput, options?: ComputeOptions): Promise<(string | number)[]>
  async classify(rows: PredictInput | SingleRow, options: ComputeOptions = {}): Promise<unknown> {
    const loss = this.#classLoss()
    const { outputs, classes } = this.#columns
    const input = inputOf(rows, this.#columns)
    const labels = toLabels(await this.#outputsOf(input, options), outputs, loss, classes)
    return input.single ? labels[0] : labels
  }

  /**
   * The probability of each class, `[rows, classes]`; for `binaryCrossEntropy` that of class 1 of each output.
   *
   * @param rows As for {@link Kan.predict}, and the result is of the same kind.
   * @throws As {@link Kan.classify}.
   */
  probabilities(rows: Dataset, options?: ComputeOptions): Promise<Dataset>
  probabilities(rows: Matrix, options?: ComputeOptions): Promise<Float64Matrix>
  probabilities(rows: NumberRows, options?: ComputeOptions): Promise<number[][]>
  probabilities(rows: readonly RowObject[], options?: ComputeOptions): Promise<Record<string, number>[]>
  probabilities(row: readonly number[], options?: ComputeOptions): Promise<number[]>
  probabilities(row: NumberArray, options?: ComputeOptions): Promise<Float64Array>
  probabilities(row: RowObject, options?: ComputeOptions): Promise<Record<string, number>>
  async probabilities(
    rows: PredictInput | SingleRow,
    options: ComputeOptions = {},
  ): Promise<PredictOutput | SingleOutput> {
    const loss = this.#classLoss()
    const input = inputOf(rows, this.#columns)
    return input.wrap(toProbabilities(await this.#outputsOf(input, options), this.#columns.outputs, loss))
  }

  #classLoss(): LossName {
    const { loss } = this
    return loss !== null && isClassification(loss) ? loss : refuseQuantities(loss)
  }

  /**
   * Compares predictions with the targets of `data`, in their units: `{ rmse, mae, r2 }`, or for classes
   * `{ accuracy, logLoss }` (in TypeScript: `evaluate<ClassificationMetrics>(…)`).
   *
   * @throws {@link KanError} for data that does not fit the model.
   */
  async evaluate<Kind extends Metrics = RegressionMetrics>(
    data: TrainingData,
    options: ComputeOptions = {},
  ): Promise<Kind> {
    const threads = threadsOf(options)
    const parts = withClasses(partsOf(data), this.classes)
    checkFeatures(parts, this.#columns, 'the data')
    checkTargets(parts, this.#columns, this.loss ?? usualLoss(parts, this.#columns), 'the data')
    checkTargetNames(parts, this.#columns.outputNames, 'the data')
    const { report } = settled(await native(() => this.#model.evaluate(nativeData(parts), threads)))
    return metricsFrom(report ?? '{}') as Kind
  }

  /**
   * What the model costs in parameters and memory, beside a fully connected network of the same layers.
   *
   * @param options.batch Rows of a batch; 1 unless given.
   */
  cost(options: { batch?: number } = {}): ModelCost {
    const { batch } = fields(options, 'the options of cost', ['batch'])
    const rows = optional(batch, value => whole(value, 'batch', { min: 1 })) ?? 1
    return JSON.parse(native(() => this.#model.cost(rows))) as ModelCost
  }

  /**
   * A look at the edge from one node to another.
   *
   * @param layer Index of the layer of edges, from 0.
   * @param from Index of the input node, from 0.
   * @param to Index of the output node, from 0.
   * @throws `TypeError`, `RangeError` if there is no such edge.
   */
  edge(layer: number, from: number, to: number): Edge {
    return new Edge(this.#model, layer, from, to)
  }

  /**
   * Writes the model to a file, which is replaced as a whole or not at all. A relative path starts at the working
   * directory of the call.
   *
   * @throws {@link KanError} `ERR_KAN_FILE`.
   */
  async save(path: FilePath, options: SaveOptions = {}): Promise<void> {
    const file = absolutePathOf(path, 'path')
    const withState = keepsState(options)
    const error = failure(await native(() => this.#model.save(file, withState)))
    if (error !== undefined) throw unwritten(error, file)
  }

  /** The bytes of a model file. */
  toBytes(options: SaveOptions = {}): Uint8Array {
    const withState = keepsState(options)
    return native(() => this.#model.encode(withState))
  }

  /**
   * Frees the model's memory at once; without it the garbage collector does, in time. Afterwards the model can't be
   * used. Fine to repeat.
   *
   * @throws {@link KanError} `ERR_KAN_BUSY` during a fit.
   */
  dispose(): void {
    this.#refuseIfTraining()
    native(() => this.#model.dispose())
    this.#disposed = true
  }

  /** As {@link Kan.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** A table of the model's options, shapes and state. */
  toString(): string {
    return inspectModel(this.#about, this.#columns, this.#disposed)
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}

function decode(bytes: Uint8Array, file: string | undefined): Kan {
  try {
    return new Kan(new Wrapped(NativeModel.decode(bytes)) as unknown as KanOptions)
  } catch (error) {
    throw file === undefined ? fromNative(error) : inFile(fromNative(error), file)
  }
}
