/**
 * What a fit to equations reports.
 */

import type { StopReason, TrainingRecord } from '../history.js'
import { recordFrom } from '../report.js'
import { card, counted, inspectSymbol, short, table } from '../text/table.js'

/** How well a term holds with the parameters that the model has at the end. */
export interface TermResult {
  readonly name: string
  /** Number of points. */
  readonly points: number
  /** Root mean square of the residual, points counting by their weights; without the weight of the term. */
  readonly rms: number
  /** Greatest absolute residual. */
  readonly maximum: number
}

/** How a fit to equations went on one grid. */
export interface EquationLevel {
  /** Grid intervals. */
  readonly grid: number
  /** Steps done on it. */
  readonly steps: number
  /** The loss of its last step. */
  readonly loss: number | null
  /** Root mean squared change of the worst edge when the grid was refined to this one; `null` for the first. */
  readonly refitRms: number | null
  /** Greatest change of an edge at the same time. */
  readonly refitMaximum: number | null
  /** Seconds spent on it. */
  readonly seconds: number
}

/** The parts of a history. */
interface Parts {
  readonly records: readonly TrainingRecord[]
  readonly stop: StopReason
  readonly optimizer: string
  readonly levels: readonly EquationLevel[]
  readonly terms: readonly TermResult[]
  readonly loss: number | null
  readonly steps: number
  readonly evaluations: number
  readonly points: number
  readonly seconds: number
}

/** What a fit to equations has done: a record for each step, and how well each term holds at the end. */
export class EquationHistory implements Parts {
  /** One for each step, oldest first; of many at most 10,000, evenly spread. `loss` is the sum of all terms. */
  readonly records: readonly TrainingRecord[]
  /** Why it stopped; as that of a `TrainingHistory`. */
  readonly stop: StopReason
  /** Name of the optimiser. */
  readonly optimizer: string
  /** One entry for each grid solved on. */
  readonly levels: readonly EquationLevel[]
  /** One entry for each term; empty if the fit was cancelled. */
  readonly terms: readonly TermResult[]
  /** The sum over the terms of weight times mean square with the model's parameters now. */
  readonly loss: number | null
  /** Steps done. */
  readonly steps: number
  /** Evaluations of the loss. */
  readonly evaluations: number
  /** Points of all terms. */
  readonly points: number
  /** How long it took. */
  readonly seconds: number

  /** @internal */
  constructor(parts: Parts) {
    this.records = parts.records
    this.stop = parts.stop
    this.optimizer = parts.optimizer
    this.levels = parts.levels
    this.terms = parts.terms
    this.loss = parts.loss
    this.steps = parts.steps
    this.evaluations = parts.evaluations
    this.points = parts.points
    this.seconds = parts.seconds
  }

  /** The last record, if there is any. */
  get last(): TrainingRecord | undefined {
    return this.records.at(-1)
  }

  /** A summary with the terms. */
  toString(): string {
    const title = `EquationHistory: ${this.stop} after ${counted(this.steps, 'step')}, ${short(this.seconds)} s`
    const facts: [string, string][] = [['optimizer', this.optimizer]]
    if (this.loss !== null) facts.push(['loss', short(this.loss)])
    const rows = this.terms.map(({ name, points, rms, maximum }) => [name, points, rms, maximum])
    const text = card(title, facts)
    return rows.length === 0 ? text : `${text}\n${table(rows, ['term', 'points', 'rms', 'maximum'])}`
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}

/** A function from the JSON of a native report to a history whose terms have names. */
export function historyReader(names: readonly string[]): (report: unknown) => EquationHistory {
  return report => {
    const { history, terms, ...parts } = report as Omit<Parts, 'records'> & { history: unknown[] }
    const named = terms.map((term, index) => ({ ...term, name: names[index]! }))
    return new EquationHistory({ ...parts, terms: named, records: history.map(recordFrom) })
  }
}
