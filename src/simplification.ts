/**
 * What `prune`, `pruneInputs` and `simplify` did, as the model that came of it tells.
 */

import { card, counted, inspectSymbol, short } from './text/table.js'

/** A number before and after. */
export interface Change {
  readonly before: number
  readonly after: number
}

/** A node that `simplify` tried to do without. */
export interface Trial {
  /** Its layer of nodes. */
  readonly layer: number
  /** Its index. */
  readonly node: number
  /** The grid that the model without it had. */
  readonly grid: number
  /** Error of that model, as in {@link Simplification.error}. */
  readonly error: number
  /** Whether the node went. */
  readonly accepted: boolean
}

/** The parts of a report. */
interface Parts {
  way: 'prune' | 'simplify'
  layers: readonly (readonly number[])[]
  edges: Change
  inputIds: readonly number[]
  inputNames: readonly string[] | null
  loss?: Change | null
  error?: Change | null
  grid: number
  trials?: readonly Trial[]
}

/** How a model came to be smaller than the one that it was made from. */
export class Simplification {
  /** Which method made the model: `'prune'`, which `pruneInputs` uses as well, or `'simplify'`. */
  readonly way: 'prune' | 'simplify'
  /** Nodes of each layer before. */
  readonly layersBefore: readonly number[]
  /** Nodes of each layer after. */
  readonly layers: readonly number[]
  /** Number of edges. */
  readonly edges: Change
  /** Which inputs of the first model are left. */
  readonly inputIds: readonly number[]
  /** Their names, if they have some. */
  readonly inputNames: readonly string[] | null
  /** The loss on the data, in units of training; `null` where it was not measured. */
  readonly loss: Change | null
  /**
   * Of `simplify`, else `null`: the root of the validation loss, or without validation rows of the loss to be expected
   * on other rows, in units of training.
   */
  readonly error: Change | null
  /** Grid intervals after. */
  readonly grid: number
  /** Nodes that `simplify` tried to do without, in order. */
  readonly trials: readonly Trial[]

  /** @internal */
  constructor({ way, layers, edges, inputIds, inputNames, loss, error, grid, trials }: Parts) {
    this.way = way
    this.layersBefore = layers[0]!
    this.layers = layers[1]!
    this.edges = edges
    this.inputIds = inputIds
    this.inputNames = inputNames
    this.loss = loss ?? null
    this.error = error ?? null
    this.grid = grid
    this.trials = trials ?? []
  }

  /** A summary. */
  toString(): string {
    const list = (sizes: readonly number[]) => `[${sizes.join(', ')}]`
    const change = ({ before, after }: Change) => `${short(before)} → ${short(after)}`
    const facts: [string, string][] = [
      ['layers', `${list(this.layersBefore)} → ${list(this.layers)}`],
      ['edges', change(this.edges)],
      ['inputs', (this.inputNames ?? this.inputIds).join(', ')],
      ['grid', counted(this.grid, 'interval')],
    ]
    if (this.loss !== null) facts.push(['loss', change(this.loss)])
    if (this.error !== null) facts.push(['error', change(this.error)])
    if (this.trials.length > 0) {
      const gone = this.trials.filter(trial => trial.accepted).length
      facts.push(['trials', `${counted(this.trials.length, 'node')} tried, ${gone} gone`])
    }
    return card(`Simplification by ${this.way}`, facts)
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}
