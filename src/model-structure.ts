/**
 * What changes the structure of a model, or tells how it could be changed: finer grids, grids that follow data, smaller
 * models made from it; scores, and how sure predictions are.
 */

import type { RowObject } from './data/columns.js'
import { isRowObject } from './data/columns.js'
import { type Dataset, isDataset, makeDataset } from './data/dataset.js'
import { narrowed } from './data/encoding.js'
import { checkFeatures, type ModelColumns, type PredictInput, partsOf, type TrainingData } from './data/prediction.js'
import { type Float64Matrix, isMatrix, type Matrix, type NumberArray, type NumberRows } from './data/rows.js'
import { chosenFeatures } from './data/selection.js'
import { writeSchema } from './description.js'
import { KanAbortError, native } from './errors.js'
import { checkedParts, nativeData } from './fit.js'
import { modelOver } from './made-models.js'
import type { Kan } from './model.js'
import { columnsOf, learnFacts, ModelFacts, modelOf, occupy, refuseIfBusy } from './model-facts.js'
import { NativeModel, type NativeOutcome } from './native.js'
import { settled } from './outcome.js'
import { type Input, inputOf, type SingleRow } from './predict.js'
import {
  idleInputs,
  type PruneInputsOptions,
  type PruneOptions,
  pruneInputsPlan,
  prunePlan,
  type SimplifyOptions,
  type SimplifyPlan,
  simplifyPlan,
} from './prune-options.js'
import { Scores } from './scores.js'
import { onAbort, type Signal } from './signal.js'
import { Simplification, type Trial } from './simplification.js'
import { simplifySteps } from './simplify.js'
import { type GridSpread, gridUpdateJson } from './structure-options.js'
import { type Suggestions, type SuggestOptions, suggestions, suggestOptions } from './symbolic/suggest.js'
import { fields, whole } from './validate.js'

/** What a change of grids did to the functions on the edges. */
export interface Refit {
  /** Grid intervals now. */
  readonly grid: number
  /** Root mean squared change of the edge that changed most, over its grid, in the model's own units. */
  readonly rms: number
  /** Greatest change of an edge. */
  readonly maximum: number
}

/** How grids are brought to the data. */
export interface UpdateGridOptions extends GridSpread {
  /** Whether the grids of the inputs change too; `true` unless given. */
  inputs?: boolean | undefined
}

/** How sure predictions are. */
export interface Uncertainty<Rows> {
  /**
   * Standard deviation of each prediction, from what the data leave open about the parameters; of the same kind as the
   * rows, in the units of the targets (of logits for classes).
   */
  readonly deviation: Rows
  /** Standard deviation of the noise of each output, in the same units; `null` for classes. */
  readonly noise: readonly number[] | null
}

/** What native code says of a smaller model. */
interface Report {
  readonly layers: readonly number[]
  readonly inputs: readonly number[]
  readonly edges?: readonly [number, number]
  readonly edgesBefore?: number
  readonly edgesAfter?: number
  readonly lossBefore?: number
  readonly lossAfter?: number
  readonly errorBefore?: number
  readonly errorAfter?: number
  readonly trials?: readonly Trial[]
}

function change(before: number | undefined, after: number | undefined) {
  return before === undefined || after === undefined ? null : { before, after }
}

/** Rows that scores and grids are taken from; targets do not matter. */
export function rowsOf(data: unknown, columns: ModelColumns): Pick<Input, 'x' | 'rows'> {
  if (!isRowObject(data) || isMatrix(data) || isDataset(data) || !('x' in data)) return inputOf(data, columns)
  const parts = chosenFeatures(partsOf(data), columns)
  checkFeatures(parts, columns, 'the data')
  return parts
}

/** Runs work on a model that a signal can stop. */
async function stoppable(facts: ModelFacts, signal: Signal | undefined, work: () => Promise<NativeOutcome>) {
  if (signal?.aborted) throw new KanAbortError(signal.reason)
  const forget = signal && onAbort(signal, () => modelOf(facts).cancel())
  try {
    return settled(await work())
  } catch (error) {
    throw signal?.aborted ? new KanAbortError(signal.reason) : error
  } finally {
    forget?.()
  }
}

/** The part of a `Kan` that changes its structure. */
export abstract class ModelStructure extends ModelFacts {
  #simplification: Simplification | null = null

  /**
   * What `prune`, `pruneInputs` or `simplify` did to get to this model; `null` for any other model, also one from a
   * file.
   */
  get simplification(): Simplification | null {
    return this.#simplification
  }

  /**
   * Gives all edges another number of grid intervals (grid extension, Liu et al. 2024, section 2.4). Every function is
   * projected to its new spline, and stays the same if `grid` is a multiple of what it was. Drops what `resume` needs.
   *
   * @param options.grid Grid intervals, 1 to 4096.
   * @returns How far functions moved.
   * @throws `TypeError`, `RangeError`, {@link KanError} `ERR_KAN_BUSY`, `ERR_KAN_MEMORY`.
   */
  refine(options: { grid: number }): Refit {
    const { grid } = fields(options, 'the options of refine', ['grid'])
    const intervals = whole(grid, 'grid', { min: 1, max: 4096 })
    refuseIfBusy(this)
    const refit = JSON.parse(native(() => modelOf(this).refine(intervals))) as Refit
    learnFacts(this)
    return refit
  }

  /**
   * Brings the grids to where the data are, those of hidden layers to what their nodes receive; functions stay as they
   * are as far as the new grids can express them. In the background. Drops what `resume` needs.
   *
   * @param data A dataset, `{ x, y }`, or rows as for {@link Kan.predict}; targets do not matter.
   * @returns How far functions moved.
   * @throws As {@link Kan.predict}, and {@link KanError} `ERR_KAN_BUSY` during a fit.
   */
  async updateGrid(data: TrainingData | PredictInput, options: UpdateGridOptions = {}): Promise<Refit> {
    const json = gridUpdateJson(options)
    refuseIfBusy(this)
    const { x, rows } = rowsOf(data, columnsOf(this))
    const { report } = settled(
      await occupy(
        this,
        native(() => modelOf(this).updateGrid(x, rows, json)),
      ),
    )
    return JSON.parse(report!) as Refit
  }

  /**
   * How much nodes and edges have a part in the outputs, in the background. `console.log` shows a table.
   *
   * @param data Rows, at best those of the training: a dataset, `{ x, y }`, or rows as for {@link Kan.predict}.
   * @throws As {@link Kan.predict}.
   */
  async scores(data: TrainingData | PredictInput): Promise<Scores> {
    const { x, rows } = rowsOf(data, columnsOf(this))
    const names = this.inputNames
    const { report } = settled(await native(() => modelOf(this).scores(x, rows)))
    const { nodes, edges } = JSON.parse(report!) as { nodes: number[][]; edges: number[][] }
    return new Scores(nodes, edges, names)
  }

  /**
   * What the function on an edge may be: families of functions, ranked by the length of a description of the edge with
   * them. Nothing is changed. `console.log` shows a table.
   *
   * In the first layer formulas are of the input, in its units; in the last layer they are parts of the target, in its
   * units and without its mean. What is between the layers has no units.
   *
   * @param options The edge, `{ layer, from, to }`, and at best the training data as `data`.
   * @throws `RangeError` if there is no such edge, {@link KanError} `ERR_KAN_FORMULA` for a formula that is no family,
   *   and for data that does not fit the model.
   */
  suggest(options: SuggestOptions): Suggestions {
    const wanted = suggestOptions(options)
    const none = { x: new Float64Array(0), rows: 0 }
    const input = wanted.data === undefined ? none : rowsOf(wanted.data, columnsOf(this))
    return suggestions(modelOf(this), wanted, input, this.inputNames)
  }

  /**
   * A smaller model without what matters least; this one stays as it is. What goes is replaced by its mean. Nothing is
   * trained: fit the new model afterwards, or see {@link Kan.simplify}.
   *
   * @param data Rows with targets to take scores from and to judge by.
   * @param options How far to prune.
   * @returns The new model. Names and {@link Kan.inputIds} of what is left survive, and data with all the columns of this
   *   model fits it too. Its {@link Kan.simplification} tells what was done.
   * @throws `TypeError`, `RangeError`; {@link KanError} for a model that was not trained, data that does not fit, if
   *   nothing would lead to an output, or `ERR_KAN_BUSY` during a fit; an `AbortError`.
   */
  async prune(data: TrainingData, options: PruneOptions): Promise<Kan> {
    const { removal, json, threads, signal } = prunePlan(options)
    if (removal === undefined) return this.#pruned(data, json, threads, signal)
    refuseIfBusy(this)
    const { x, rows } = checkedParts(data, columnsOf(this), this.loss)
    return this.#made(
      'prune',
      await stoppable(this, signal, () => native(() => modelOf(this).remove(x, rows, removal))),
    )
  }

  /** The model that native code prunes as `json` says. */
  async #pruned(data: TrainingData, json: string, threads: number, signal: Signal | undefined): Promise<Kan> {
    refuseIfBusy(this)
    const parts = checkedParts(data, columnsOf(this), this.loss)
    const pruned = await stoppable(this, signal, () =>
      occupy(
        this,
        native(() => modelOf(this).prune(nativeData(parts), json, threads)),
      ),
    )
    return this.#made('prune', pruned)
  }

  /**
   * A model without the inputs that matter least, by their scores or by what the loss bears; this one stays as it is. Nothing is trained.
   *
   * @param data Rows with targets.
   * @returns As {@link Kan.prune}.
   * @throws As {@link Kan.prune}.
   */
  async pruneInputs(data: TrainingData, options: PruneInputsOptions): Promise<Kan> {
    const plan = pruneInputsPlan(options)
    const { json, threads, signal } = plan
    if (json !== undefined) return this.#pruned(data, json, threads, signal)
    const { nodes } = await this.scores(data)
    return this.prune(data, { remove: { inputs: idleInputs(plan, nodes[0]!) }, signal })
  }

  /**
   * Train, prune, refine and train in one call: a small and accurate model from this one, which stays as it is. Nodes go
   * one by one as long as the rest, with finer grids and a short fit, does as well; then edges; then grids are refined.
   * For losses with curvature, which are all but `'mae'`.
   *
   * @param data Rows to learn from. A new model is trained on them first, by the defaults unless `fit` says how.
   * @returns The new model, as {@link Kan.prune} does.
   * @throws As {@link Kan.fit}.
   * @example
   * import { Kan } from 'kanode'
   *
   * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
   * const data = { x, y: x.map(([a, b]) => Math.sin(3 * a) + b * b) }
   * const small = await new Kan({ layers: [2, 5, 1] }).simplify(data, { grid: [5, 10] })
   * console.log(small.layers, small.simplification)
   */
  async simplify(data: TrainingData, options: SimplifyOptions = {}): Promise<Kan> {
    const plan = simplifyPlan(options)
    refuseIfBusy(this)
    const { training, validation } = this.#divided(data, plan)
    const { signal } = plan
    const bytes = this.toBytes()
    const source = modelOver(native(() => NativeModel.decode(bytes)))
    try {
      if (plan.fit !== undefined || !this.fitted) {
        const judged = validation === undefined ? {} : { validation }
        const threads = plan.threads === 0 ? undefined : plan.threads
        await source.fit(training, { ...judged, ...plan.fit, signal, threads, onStep: plan.onStep })
      }
      const columns = columnsOf(source)
      const parts = checkedParts(training, columns, source.loss)
      const judge = validation === undefined ? null : nativeData(checkedParts(validation, columns, source.loss))
      const model = modelOf(source)
      const done = await stoppable(source, signal, () =>
        simplifySteps(
          hear => model.simplify(nativeData(parts), judge, plan.json, plan.threads, hear),
          () => model.cancel(),
          plan.onStep,
        ),
      )
      return source.#made('simplify', done)
    } finally {
      source.dispose()
    }
  }

  /** The rows to learn from and those to judge by. */
  #divided(data: TrainingData, { validation }: SimplifyPlan): { training: Dataset; validation?: Dataset } {
    const all = makeDataset(partsOf(data))
    if (typeof validation === 'number') {
      const { train, test } = all.split({ test: validation })
      return { training: train, validation: test }
    }
    return validation === undefined
      ? { training: all }
      : { training: all, validation: makeDataset(partsOf(validation)) }
  }

  /** The model that native code made from this one. */
  #made(way: Simplification['way'], outcome: NativeOutcome): Kan {
    const { report: text, model: bytes } = outcome
    const report = JSON.parse(text!) as Report
    const { encoding, classes, temperature, first } = columnsOf(this)
    const smaller = native(() => NativeModel.decode(bytes!))
    if (report.inputs.length < this.inputs) {
      const kept = report.inputs.map(id => this.inputIds.indexOf(id))
      const narrow = encoding === null ? null : narrowed(encoding, kept)
      const schema = writeSchema({ encoding: narrow, classes, temperature, width: first?.width ?? this.inputs })
      native(() => smaller.setMetadata(schema))
    }
    const made = modelOver(smaller)
    const { edgesBefore, edgesAfter, edges = [edgesBefore!, edgesAfter!] } = report
    const told: ModelStructure = made
    told.#simplification = new Simplification({
      way,
      layers: [this.layers, made.layers],
      edges: { before: edges[0], after: edges[1] },
      inputIds: made.inputIds,
      inputNames: made.inputNames,
      loss: change(report.lossBefore, report.lossAfter),
      error: change(report.errorBefore, report.errorAfter),
      grid: made.grid,
      ...(report.trials === undefined ? {} : { trials: report.trials }),
    })
    return made
  }

  /**
   * How far predictions may be off, by Laplace's approximation (MacKay 1992, "A practical Bayesian framework for
   * backpropagation networks"), in the background. The model must have been trained by `'lm'` with
   * `regularization: 'auto'`.
   *
   * @param data What the model was trained on.
   * @param rows As for {@link Kan.predict}; deviations are of the same kind.
   * @throws As {@link Kan.predict}, and `RangeError` for a model that was trained otherwise.
   */
  uncertainty(data: TrainingData, rows: Dataset): Promise<Uncertainty<Dataset>>
  uncertainty(data: TrainingData, rows: Matrix): Promise<Uncertainty<Float64Matrix>>
  uncertainty(data: TrainingData, rows: NumberRows): Promise<Uncertainty<number[][]>>
  uncertainty(data: TrainingData, rows: readonly RowObject[]): Promise<Uncertainty<Record<string, number>[]>>
  uncertainty(data: TrainingData, row: readonly number[]): Promise<Uncertainty<number[]>>
  uncertainty(data: TrainingData, row: NumberArray): Promise<Uncertainty<Float64Array>>
  uncertainty(data: TrainingData, row: RowObject): Promise<Uncertainty<Record<string, number>>>
  async uncertainty(data: TrainingData, rows: PredictInput | SingleRow): Promise<Uncertainty<unknown>> {
    const columns = columnsOf(this)
    const parts = checkedParts(data, columns, this.loss)
    const input = inputOf(rows, columns)
    const outcome = await native(() => modelOf(this).uncertainty(nativeData(parts), input.x, input.rows))
    const { values, report } = settled(outcome)
    const { noise } = JSON.parse(report!) as { noise: number[] | null }
    return { deviation: input.wrap(values!), noise }
  }
}
