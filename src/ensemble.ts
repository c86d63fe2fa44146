/**
 * Several models of the same options from different seeds: their mean predicts better than one of them, and where they
 * disagree none of them knows.
 */

import { type ClassPredictions, classMetrics } from './class-metrics.js'
import { refuseQuantities, toLabels, toProbabilities } from './classify.js'
import type { RowObject } from './data/columns.js'
import { type Dataset, makeDataset } from './data/dataset.js'
import { outputNames, type PredictInput, partsOf, type TrainingData } from './data/prediction.js'
import { type Float64Matrix, finiteNumbers, type Matrix, type NumberArray, type NumberRows } from './data/rows.js'
import { isClassification } from './data/targets.js'
import { mixtureLogits } from './ensemble-classes.js'
import { type EdgeSpread, edgeSpread } from './ensemble-edges.js'
import { loadMembers, saveMembers } from './ensemble-files.js'
import { KanError } from './errors.js'
import { absolutePathOf, type FilePath } from './files.js'
import { checkedParts } from './fit.js'
import type { LossName, TrainingHistory } from './history.js'
import type { Metrics, RegressionMetrics } from './metrics.js'
import { Kan } from './model.js'
import { columnsOf } from './model-facts.js'
import type { ComputeOptions } from './model-options.js'
import { type KanOptions, optional } from './options.js'
import { type ManyFitOptions, manyFits, runAll } from './parallel.js'
import { type Input, inputOf, type SingleRow } from './predict.js'
import { regressionMetrics } from './regression-metrics.js'
import { type Spread, spreadOf } from './spread.js'
import { card, counted, inspectSymbol } from './text/table.js'
import { ownFields, refuseType, whole } from './validate.js'

/** A member that has been trained. */
export interface EnsembleMember {
  /** Its index, from 0. */
  readonly member: number
  /** The seed of its first parameters. */
  readonly seed: number
  /** How many members have been trained, this one included. */
  readonly done: number
  /** How many there will be. */
  readonly members: number
  /** What its fit has done. */
  readonly history: TrainingHistory
}

/** How to train an ensemble. Every member has the same rows to learn from and to judge by. */
export interface EnsembleOptions extends ManyFitOptions {
  /** Number of models, at least 2; 5 unless given. */
  members?: number | undefined
  /** Called when a member has been trained; what it throws, also by a promise, stops all. */
  onMember?: ((member: EnsembleMember) => unknown) | undefined
}

/** Rows of any kind to predict for. */
type AnyInput = PredictInput | SingleRow

/**
 * Models that were trained alike from the seeds `seed`, `seed + 1`, ….
 *
 * @example
 * import { Ensemble } from 'kanode'
 *
 * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
 * const data = { x, y: x.map(([a, b]) => Math.sin(3 * a) + b * b) }
 * const ensemble = await Ensemble.fit({ layers: [2, 5, 1], seed: 0 }, data, { members: 5, steps: 60 })
 * const { mean, deviation } = await ensemble.predict([[0.5, 0.5]])
 * console.log(`${mean[0]} ± ${deviation[0]}`)
 */
export class Ensemble {
  readonly #members: readonly Kan[]

  /** @internal */
  private constructor(members: readonly Kan[]) {
    this.#members = members
  }

  /**
   * Trains the members, as many at a time as there are threads, each on one of them. The result depends neither on
   * their number nor on the order in which members are done.
   *
   * @param options Those of each model; `seed` is that of the first.
   * @throws As `new Kan` and `fit`: what the first member that failed threw, after the others have stopped.
   */
  static async fit(options: KanOptions, data: TrainingData, fitOptions: EnsembleOptions = {}): Promise<Ensemble> {
    const { own, fit, threads, signal } = manyFits(fitOptions, 'the options of Ensemble.fit', ['members', 'onMember'])
    const count = optional(own.members, value => whole(value, 'members', { min: 2 })) ?? 5
    const { onMember } = own
    if (onMember !== undefined && typeof onMember !== 'function') refuseType('onMember', 'a function', onMember)
    const given = ownFields(options, 'the options of Kan')
    const seed = optional(given.seed, value => whole(value, 'seed', { min: 0 })) ?? 0
    const members = Array.from({ length: count }, (_, i) => new Kan({ ...options, seed: seed + i }))
    const rows = makeDataset(partsOf(data))
    let done = 0
    const tasks = members.map((model, member) => async (signal: ManyFitOptions['signal']) => {
      const history = await model.fit(rows, { ...fit, threads: 1, signal })
      done += 1
      await onMember?.({ member, seed: seed + member, done, members: count, history })
    })
    try {
      await runAll(tasks, { threads, signal })
    } catch (error) {
      for (const member of members) member.dispose()
      throw error
    }
    return new Ensemble(members)
  }

  /**
   * The ensemble in a folder.
   *
   * @throws {@link KanError} `ERR_KAN_FILE`, as {@link Kan.load}.
   */
  static async load(path: FilePath): Promise<Ensemble> {
    const folder = absolutePathOf(path, 'path')
    const members = await loadMembers(folder)
    const shape = (model: Kan) => JSON.stringify([model.layers, model.loss, model.scaler, model.classes])
    if (members.every(member => shape(member) === shape(members[0]!))) return new Ensemble(members)
    throw new KanError({
      code: 'ERR_KAN_FILE',
      message: `The models in '${folder}' are not of one ensemble: their layers, scalers, losses or classes differ`,
      hint: 'Copy the whole folder again.',
      details: { kind: 'corrupt', file: folder },
    })
  }

  /** The models, which can be used by themselves. */
  get members(): readonly Kan[] {
    return [...this.#members]
  }

  /** The loss they were trained with, or `null`. */
  get loss(): LossName | null {
    return this.#members[0]!.loss
  }

  /** The classes that labels 0, 1, … stand for, if the target was text. */
  get classes(): readonly string[] | null {
    return this.#members[0]!.classes
  }

  /**
   * Mean and standard deviation of the members' predictions, in the background; for classes those of logits (see
   * {@link Ensemble.probabilities}).
   *
   * @param rows As for {@link Kan.predict}; mean and deviation are each of the same kind.
   * @throws As {@link Kan.predict}.
   */
  predict(rows: Dataset, options?: ComputeOptions): Promise<Spread<Dataset>>
  predict(rows: Matrix, options?: ComputeOptions): Promise<Spread<Float64Matrix>>
  predict(rows: NumberRows, options?: ComputeOptions): Promise<Spread<number[][]>>
  predict(rows: readonly RowObject[], options?: ComputeOptions): Promise<Spread<Record<string, number>[]>>
  predict(row: readonly number[], options?: ComputeOptions): Promise<Spread<number[]>>
  predict(row: NumberArray, options?: ComputeOptions): Promise<Spread<Float64Array>>
  predict(row: RowObject, options?: ComputeOptions): Promise<Spread<Record<string, number>>>
  async predict(rows: AnyInput, options: ComputeOptions = {}): Promise<Spread<unknown>> {
    const input = this.#input(rows)
    return wrapped(input, spreadOf(await this.#outputs(input, options)))
  }

  /**
   * As {@link Ensemble.predict}, on the calling thread, for few rows and low latency.
   *
   * @throws As {@link Kan.predict}.
   */
  predictSync(row: NumberArray): Spread<Float64Array>
  predictSync(row: readonly number[]): Spread<number[]>
  predictSync(rows: Dataset): Spread<Dataset>
  predictSync(rows: Matrix): Spread<Float64Matrix>
  predictSync(rows: NumberRows): Spread<number[][]>
  predictSync(rows: readonly RowObject[]): Spread<Record<string, number>[]>
  predictSync(row: RowObject): Spread<Record<string, number>>
  predictSync(rows: AnyInput): Spread<unknown> {
    const input = this.#input(rows)
    return wrapped(input, spreadOf(this.#members.map(member => member.predictSync(matrixOf(input, member)).data)))
  }

  /**
   * Mean and standard deviation of the members' probabilities, each member at its own temperature if it was calibrated.
   *
   * @param rows As for {@link Kan.predict}; mean and deviation are each of the same kind.
   * @throws As {@link Kan.probabilities}.
   */
  probabilities(rows: Dataset, options?: ComputeOptions): Promise<Spread<Dataset>>
  probabilities(rows: Matrix, options?: ComputeOptions): Promise<Spread<Float64Matrix>>
  probabilities(rows: NumberRows, options?: ComputeOptions): Promise<Spread<number[][]>>
  probabilities(rows: readonly RowObject[], options?: ComputeOptions): Promise<Spread<Record<string, number>[]>>
  probabilities(row: readonly number[], options?: ComputeOptions): Promise<Spread<number[]>>
  probabilities(row: NumberArray, options?: ComputeOptions): Promise<Spread<Float64Array>>
  probabilities(row: RowObject, options?: ComputeOptions): Promise<Spread<Record<string, number>>>
  async probabilities(rows: AnyInput, options: ComputeOptions = {}): Promise<Spread<unknown>> {
    const loss = this.#classLoss()
    const input = this.#input(rows)
    const outputs = this.#members[0]!.outputs
    const logits = await this.#logits(input, options)
    return wrapped(input, spreadOf(logits.map(member => toProbabilities(member, outputs, loss))))
  }

  /**
   * The class of the greatest mean probability: its name if the training target was text, else its label.
   *
   * @param rows As for {@link Kan.predict}; a single row gives a single class.
   * @throws As {@link Kan.classify}.
   */
  classify(rows: SingleRow, options?: ComputeOptions): Promise<string | number>
  classify(rows: PredictInput, options?: ComputeOptions): Promise<(string | number)[]>
  async classify(rows: AnyInput, options: ComputeOptions = {}): Promise<unknown> {
    const loss = this.#classLoss()
    const input = this.#input(rows)
    const outputs = this.#members[0]!.outputs
    const logits = mixtureLogits(await this.#logits(input, options), outputs, loss)
    const labels = toLabels(logits, outputs, loss, this.classes)
    return input.single ? labels[0] : labels
  }

  /**
   * Compares the members' mean with the targets of `data`, as {@link Kan.evaluate}: the mean prediction, or the mean
   * probabilities of classes.
   *
   * @throws {@link KanError} for data that does not fit the models.
   */
  async evaluate<Kind extends Metrics = RegressionMetrics>(
    data: TrainingData,
    options: ComputeOptions = {},
  ): Promise<Kind> {
    const [{ loss }, columns] = [this, columnsOf(this.#members[0]!)]
    const parts = checkedParts(data, columns, loss)
    const { outputs, classes } = columns
    if (!isClassification(loss)) {
      const { mean } = spreadOf(await this.#outputs(parts, options))
      return regressionMetrics(mean, outputs, parts) as Metrics as Kind
    }
    const logits = mixtureLogits(await this.#logits(parts, options), outputs, loss)
    const predictions: ClassPredictions = { logits, outputs, loss, parts }
    return classMetrics(predictions, { classes, outputs: outputNames(columns) }, 1) as Metrics as Kind
  }

  /**
   * Mean and standard deviation of an edge's curve over the members. In members without hidden layers edges correspond,
   * and the curves are taken as they are. Otherwise only the first layer's can be compared: in each member the hidden
   * node is taken that correlates best with node `to` of the first member, over the inputs' grids; its curve is scaled,
   * turned over where need be, to fit that of the first by least squares, and every curve is taken about its mean over
   * the grid. `matches` tells how well that went; several members may match the same node badly.
   *
   * @param x Any number of finite points, in the layer's own units; members share them, as they have the same scaler.
   * @throws `TypeError`; `RangeError` if there is no such edge, or if it leaves a hidden node.
   */
  edgeCurve(layer: number, from: number, to: number, x: NumberArray | readonly number[]): EdgeSpread {
    return edgeSpread(this.#members, layer, from, to, finiteNumbers(x, 'x'))
  }

  /**
   * Writes the members to a folder, each as a model file, and an index that names them. What was there stays whole until
   * the new ensemble is.
   *
   * @throws {@link KanError} `ERR_KAN_FILE`.
   */
  async save(path: FilePath): Promise<void> {
    await saveMembers(this.#members, absolutePathOf(path, 'path'))
  }

  /** Frees the members' memory at once, as {@link Kan.dispose}. */
  dispose(): void {
    for (const member of this.#members) member.dispose()
  }

  /** As {@link Ensemble.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** A summary. */
  toString(): string {
    const { layers, parameterCount, loss } = this.#members[0]!
    return card(`Ensemble of ${counted(this.#members.length, 'model')}`, [
      ['layers', `[${layers.join(', ')}]`],
      ['parameters', `${parameterCount} each`],
      ['loss', loss ?? 'not fitted'],
    ])
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }

  #input(rows: AnyInput): Input {
    return inputOf(rows, columnsOf(this.#members[0]!))
  }

  #classLoss(): LossName {
    const { loss } = this
    return isClassification(loss) ? loss : refuseQuantities(loss)
  }

  /** What each member predicts, `[rows, outputs]`. */
  async #outputs(input: Pick<Input, 'x' | 'rows'>, options: ComputeOptions): Promise<Float64Array[]> {
    const all = this.#members.map(async member => (await member.predict(matrixOf(input, member), options)).data)
    return Promise.all(all)
  }

  /** Each member's logits at temperature 1. */
  async #logits(input: Pick<Input, 'x' | 'rows'>, options: ComputeOptions): Promise<Float64Array[]> {
    const outputs = await this.#outputs(input, options)
    return outputs.map((logits, i) => {
      const { temperature } = this.#members[i]!
      return temperature === null ? logits : logits.map(y => y / temperature)
    })
  }
}

function matrixOf({ x, rows }: Pick<Input, 'x' | 'rows'>, { inputs }: Kan): Matrix {
  return { data: x, shape: [rows, inputs] }
}

function wrapped(input: Input, { mean, deviation }: Spread<Float64Array>): Spread<unknown> {
  return { mean: input.wrap(mean), deviation: input.wrap(deviation) }
}
