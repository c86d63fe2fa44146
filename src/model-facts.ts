/// <reference lib="esnext.disposable" preserve="true" />
/**
 * What can be had from a model without computing: what it knows about itself, its edges and its files, and whether it
 * may be changed.
 */

import type { Encoding } from './data/encoding.js'
import type { ModelColumns } from './data/prediction.js'
import { type Description, learn, type Scaler } from './description.js'
import { Edge } from './edge.js'
import { busy, native } from './errors.js'
import { absolutePathOf, type FilePath, unwritten } from './files.js'
import type { LossName } from './history.js'
import type { ModelCost } from './metrics.js'
import { inspectModel } from './model-inspect.js'
import { keepsState, type SaveOptions } from './model-options.js'
import type { NativeModelHandle } from './native.js'
import { optional } from './options.js'
import { failure } from './outcome.js'
import type { EdgePlace } from './prune-options.js'
import { inspectSymbol } from './text/table.js'
import { fields, whole } from './validate.js'

/** What native code says about a model. */
export let aboutOf: (facts: ModelFacts) => Description

/** What a model knows about its columns. */
export let columnsOf: (facts: ModelFacts) => ModelColumns

/** Learns again what native code says about a model. */
export let learnFacts: (facts: ModelFacts) => void

/** Throws that the model is busy, if it is. To the user it is until the promise of the work has settled. */
export let refuseIfBusy: (facts: ModelFacts) => void

/** Keeps a model busy until work settles that may change it. */
export let occupy: <Result>(facts: ModelFacts, work: Promise<Result>) => Promise<Result>

/** The native model. */
export let modelOf: (facts: ModelFacts) => NativeModelHandle

/** The part of a `Kan` that neither trains nor predicts. */
export abstract class ModelFacts {
  readonly #model: NativeModelHandle
  #about: Description
  #columns: ModelColumns
  #busy = false
  #disposed = false

  /** @internal */
  constructor(model: NativeModelHandle) {
    this.#model = model
    ;[this.#about, this.#columns] = learn(model)
  }

  /** Number of inputs, of nodes in each hidden layer (those that multiply included), and of outputs. */
  get layers(): readonly number[] {
    return [...this.#about.layers]
  }

  /** For each layer after the inputs the numbers of factors of the nodes that multiply, which are its last ones. */
  get products(): readonly (readonly number[])[] {
    const { layers, products } = this.#about
    return layers.slice(1).map((_, layer) => [...(products[layer] ?? [])])
  }

  /** Which inputs of the first model the inputs are, increasing: pruning inputs keeps the numbers of the others. */
  get inputIds(): readonly number[] {
    return [...this.#about.inputIds]
  }

  /** The edges that were pruned; they stay zero. */
  get prunedEdges(): readonly EdgePlace[] {
    return this.#about.pruned.flatMap((edges, layer) => {
      const sums = this.#about.layersDetail[layer]!.outputs
      return edges.map(edge => ({ layer, from: Math.floor(edge / sums), to: edge % sums }))
    })
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

  /** What logits are divided by for probabilities, if `calibrate` has found it; else `null`. */
  get temperature(): number | null {
    return this.#columns.temperature ?? null
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
   * @param to Index of the output node, from 0; of the sum, if some of the nodes multiply.
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
    refuseIfBusy(this)
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

  async #occupy<Result>(work: Promise<Result>): Promise<Result> {
    this.#busy = true
    try {
      const result = await work
      this.#busy = false
      learnFacts(this)
      return result
    } catch (error) {
      this.#busy = false
      try {
        learnFacts(this)
      } catch {
        // A model that is unusable can't say so before what made it unusable has been told.
      }
      throw error
    }
  }

  static {
    refuseIfBusy = facts => {
      if (facts.#busy) throw busy()
    }
    occupy = (facts, work) => facts.#occupy(work)
    aboutOf = facts => facts.#about
    columnsOf = facts => facts.#columns
    learnFacts = facts => {
      if (facts.#disposed) return
      ;[facts.#about, facts.#columns] = learn(facts.#model)
    }
    modelOf = facts => facts.#model
  }
}
