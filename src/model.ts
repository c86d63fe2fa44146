/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The model: a thin skin over the native one. It checks arguments, converts data, and turns native errors into errors
 * with advice; it does no mathematics.
 */

import { type Calibration, calibration } from './calibration.js'
import { type ClassPredictions, classMetrics } from './class-metrics.js'
import { refuseQuantities, toLabels, toProbabilities } from './classify.js'
import type { RowObject } from './data/columns.js'
import type { Dataset } from './data/dataset.js'
import { outputNames, type PredictInput, type PredictOutput, type TrainingData } from './data/prediction.js'
import {
  type Float64Matrix,
  finiteNumbers,
  isNumberArray,
  type Matrix,
  type NumberArray,
  type NumberRows,
} from './data/rows.js'
import type { DatasetParts } from './data/table.js'
import { isClassification } from './data/targets.js'
import { writeSchema } from './description.js'
import {
  type DerivativeInput,
  type DerivativeOptions,
  type Derivatives,
  derivativesOf,
} from './equations/derivatives.js'
import { beginEquations } from './equations/fit.js'
import type { EquationHistory } from './equations/history.js'
import type { EquationOptions } from './equations/options.js'
import type { EquationTerm } from './equations/term.js'
import { busy, fromNative, inFile, native } from './errors.js'
import { absolutePathOf, type FilePath, readModelBytes } from './files.js'
import { beginFit, checkedParts, checkFit, nativeData, type PreparedFit, prepareFit } from './fit.js'
import type { FitOptions } from './fit-options.js'
import type { LossName, TrainingHistory, TrainingRecord } from './history.js'
import { wrapModels } from './made-models.js'
import { type Metrics, metricsFrom, type RegressionMetrics } from './metrics.js'
import { aboutOf, columnsOf, learnFacts, modelOf, occupy, refuseIfBusy } from './model-facts.js'
import { type ComputeOptions, computeOf } from './model-options.js'
import { ModelSymbolic } from './model-symbolic.js'
import { NativeModel, type NativeModelHandle } from './native.js'
import { type KanOptions, specification } from './options.js'
import { settled } from './outcome.js'
import { type Input, inputOf, isPlainRow, plain, readRow, type SingleOutput, type SingleRow } from './predict.js'
import type { Running } from './running.js'
import { stream } from './stream.js'
import { refuseShape, refuseType } from './validate.js'

/** Marks a native model that is to be wrapped, so that only this package can pass one. */
class Wrapped {
  constructor(readonly model: NativeModelHandle) {}
}

function nativeModel(given: unknown): NativeModelHandle {
  if (given instanceof Wrapped) return given.model
  const asked = specification(given)
  return native(() => new NativeModel(asked))
}

/**
 * A Kolmogorov–Arnold network: every edge carries a function of its own, a base function plus a B-spline.
 *
 * @example
 * import { Kan } from 'kanode'
 *
 * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
 * const data = { x, y: x.map(([a, b]) => Math.sin(3 * a) + b * b) }
 * const model = new Kan({ layers: [2, 5, 1], grid: 5, seed: 0 })
 * const history = await model.fit(data, { steps: 60 })
 * console.log(history, await model.predict([[0.5, 0.5]]))
 */
export class Kan extends ModelSymbolic {
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
    super(nativeModel(options))
    this.#row = new Float64Array(this.inputs)
    this.#result = new Float64Array(this.outputs)
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

  /**
   * All parameters, layer after layer: control points `[inputs, outputs, grid + degree]`, base weights and spline
   * weights `[inputs, outputs]`, row-major; a copy. Setting them drops what `resume` needs, and
   * a calibration.
   *
   * @throws On setting: `TypeError`, {@link KanError} `ERR_KAN_SHAPE`, `ERR_KAN_NUMBER`, `ERR_KAN_BUSY`.
   */
  get parameters(): Float64Array {
    const out = new Float64Array(this.parameterCount)
    native(() => modelOf(this).parameters(out))
    return out
  }

  set parameters(values: NumberArray | readonly number[]) {
    const numbers = finiteNumbers(values, 'parameters')
    const [expected, found] = [this.parameterCount, numbers.length]
    if (found !== expected) {
      const hint = 'parameterCount says how many there are; layers are in order.'
      refuseShape(`parameters has ${found} numbers; expected ${expected}`, { expected, found }, hint)
    }
    refuseIfBusy(this)
    native(() => modelOf(this).setParameters(numbers))
    if (this.temperature === null) learnFacts(this)
    else this.#keepTemperature(undefined)
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
      refuseIfBusy(this)
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
    refuseIfBusy(this)
    let fit: PreparedFit | undefined = prepareFit(data, options)
    checkFit(fit, columnsOf(this))
    const begin = (push: (record: TrainingRecord) => void) => {
      const prepared = fit!
      fit = undefined
      return this.#begin(prepared, push)
    }
    return stream(begin)
  }

  /**
   * Fits the model so that differential equations, boundary values and measurements hold at given points: minimises the
   * sum over the terms of `weight` times the mean of the residual's square. Equations with second derivatives want
   * splines of degree 5; below 3 they are refused. Points, values and derivatives are in the units of the data.
   *
   * @example
   * import { Kan } from 'kanode'
   *
   * const inside = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
   * const edge = inside.map(([x], i) => [[x, 0], [x, 1], [0, x], [1, x]][i % 4])
   * const model = new Kan({ layers: [2, 5, 1], degree: 5, base: 'zero', standardize: false })
   * const history = await model.fitEquations([
   *   { points: inside, weight: 0.01, residual: ({ u }) => u.d(0, 0).plus(u.d(1, 1)).minus((x, y) => Math.sin(x * y)) },
   *   { points: edge, residual: ({ u }) => u },
   * ], { grid: [3, 5], steps: 20 })
   * console.log(history)
   *
   * @returns The history, with how well each term holds.
   * @throws As {@link Kan.fit}, and whatever residuals throw. The model keeps the best parameters so far when it is
   *   aborted, and is left as it was by any other error.
   */
  fitEquations(terms: readonly EquationTerm[], options: EquationOptions = {}): Promise<EquationHistory> {
    try {
      refuseIfBusy(this)
      const target = { model: modelOf(this), columns: columnsOf(this), loss: this.loss }
      const { done } = beginEquations(target, terms, options)
      return occupy(this, done)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Outputs with their first derivatives by the inputs, and the second ones with `order: 2`, in the background and in
   * the units of the data.
   *
   * @param rows As for {@link Kan.predict}.
   * @throws As {@link Kan.predict}, and `RangeError` for second derivatives of splines below degree 3.
   */
  async derivatives(rows: DerivativeInput, options: DerivativeOptions = {}): Promise<Derivatives> {
    return derivativesOf(modelOf(this), columnsOf(this), rows, options)
  }

  #begin(fit: PreparedFit, push?: (record: TrainingRecord) => void): Running {
    refuseIfBusy(this)
    const { done, cancel } = beginFit({ model: modelOf(this), columns: columnsOf(this), loss: this.loss }, fit, push)
    return { done: occupy(this, done), cancel }
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
    const input = inputOf(rows, columnsOf(this))
    return input.wrap(await this.#outputsOf(input, options))
  }

  async #outputsOf({ x, rows }: Pick<Input, 'x' | 'rows'>, options: ComputeOptions): Promise<Float64Array> {
    const { threads, device } = computeOf(options)
    const { values } = settled(await native(() => modelOf(this).predict(x, rows, threads, device)))
    return values ?? new Float64Array(0)
  }

  /**
   * Predicts on the calling thread, for few rows and low latency.
   *
   * @param rows As for {@link Kan.predict}, and the result is of the same kind.
   * @throws As {@link Kan.predict}.
   */
  predictSync(rows: NumberArray): Float64Array
  predictSync(rows: readonly number[]): number[]
  predictSync(rows: Dataset): Dataset
  predictSync(rows: Matrix): Float64Matrix
  predictSync(rows: NumberRows): number[][]
  predictSync(rows: readonly RowObject[]): Record<string, number>[]
  predictSync(rows: RowObject): Record<string, number>
  predictSync(rows: PredictInput | SingleRow): PredictOutput | SingleOutput {
    // A single row of numbers takes no detour: it may be one of millions.
    if (rows instanceof Float64Array && rows.length === this.#row.length) {
      return this.#predictRow(rows, rows, new Float64Array(this.#result.length))
    }
    if (isNumberArray(rows)) return this.#predictRow(rows, this.#row, new Float64Array(this.#result.length))
    if (isPlainRow(rows)) return plain(this.#predictRow(rows, this.#row, this.#result))
    const input = inputOf(rows, columnsOf(this))
    const out = new Float64Array(input.rows * this.outputs)
    native(() => modelOf(this).predictSync(input.x, input.rows, out))
    return input.wrap(out)
  }

  /** Predicts one row into `out`; `row` holds it as 64-bit numbers, or receives them. */
  #predictRow(input: ArrayLike<number>, row: Float64Array, out: Float64Array): Float64Array {
    readRow(input, columnsOf(this), row)
    try {
      modelOf(this).predictSync(row, 1, out)
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
  classify(rows: SingleRow, options?: ComputeOptions): Promise<string | number>
  classify(rows: PredictInput, options?: ComputeOptions): Promise<(string | number)[]>
  async classify(rows: PredictInput | SingleRow, options: ComputeOptions = {}): Promise<unknown> {
    const loss = this.#classLoss()
    const { outputs, classes } = columnsOf(this)
    const input = inputOf(rows, columnsOf(this))
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
    const input = inputOf(rows, columnsOf(this))
    const logits = await this.#outputsOf(input, options)
    return input.wrap(toProbabilities(logits, this.outputs, loss, this.temperature ?? 1))
  }

  #classLoss(): LossName {
    const { loss } = this
    return isClassification(loss) ? loss : refuseQuantities(loss)
  }

  /**
   * Compares predictions with the targets of `data`, in their units: `{ rmse, mae, r2 }`, or for classes
   * {@link ClassificationMetrics} (in TypeScript: `evaluate<ClassificationMetrics>(…)`).
   *
   * @throws {@link KanError} for data that does not fit the model.
   */
  async evaluate<Kind extends Metrics = RegressionMetrics>(
    data: TrainingData,
    options: ComputeOptions = {},
  ): Promise<Kind> {
    const { threads, device } = computeOf(options)
    const parts = checkedParts(data, columnsOf(this), this.loss)
    if (isClassification(this.loss)) {
      const names = { classes: this.classes, outputs: outputNames(columnsOf(this)) }
      return classMetrics(await this.#classPredictions(parts, options), names, this.temperature ?? 1) as Metrics as Kind
    }
    const { report } = settled(await native(() => modelOf(this).evaluate(nativeData(parts), threads, device)))
    return metricsFrom(report ?? '{}') as Kind
  }

  async #classPredictions(parts: Readonly<DatasetParts>, options: ComputeOptions): Promise<ClassPredictions> {
    const loss = this.#classLoss()
    return { logits: await this.#outputsOf(parts, options), outputs: this.outputs, loss, parts }
  }

  /**
   * Makes probabilities honest: finds the temperature of the least log loss on `data`, which should be none that the
   * model was trained on, and keeps it with the model, in its files too. From then on `probabilities` and `evaluate` use
   * it; predictions and classes stay as they are. A fit that changes the model drops it.
   *
   * @param data Rows with their classes, some hundreds at least.
   * @throws {@link KanError} `ERR_KAN_LABEL` if the model was not trained on classes, `ERR_KAN_BUSY` during a fit, and
   *   for data that does not fit the model.
   */
  async calibrate(data: TrainingData, options: ComputeOptions = {}): Promise<Calibration> {
    refuseIfBusy(this)
    this.#classLoss()
    const about = aboutOf(this)
    const found = calibration(await this.#classPredictions(checkedParts(data, columnsOf(this), this.loss), options))
    // Parameters that came in the meantime have another temperature.
    if (about !== aboutOf(this)) throw busy()
    this.#keepTemperature(found.temperature)
    return found
  }

  #keepTemperature(temperature: number | undefined): void {
    refuseIfBusy(this)
    const { encoding, classes, first } = columnsOf(this)
    const schema = writeSchema({ encoding, classes, temperature, width: first?.width })
    native(() => modelOf(this).setMetadata(schema))
    learnFacts(this)
  }

  static {
    wrapModels(wrapped)
  }
}

function wrapped(model: NativeModelHandle): Kan {
  return new Kan(new Wrapped(model) as unknown as KanOptions)
}

function decode(bytes: Uint8Array, file: string | undefined): Kan {
  try {
    return wrapped(NativeModel.decode(bytes))
  } catch (error) {
    throw file === undefined ? fromNative(error) : inFile(fromNative(error), file)
  }
}
