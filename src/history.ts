/**
 * What a fit reports: one record for each step, and at the end the whole history with the reason why it stopped.
 */

import type { OptimizerName } from './optimizer-options.js'
import { card, counted, grouped, inspectSymbol, short, table } from './text/table.js'

/** A loss, by its name. */
export type LossName = 'mse' | 'rmse' | 'mae' | 'huber' | 'crossEntropy' | 'binaryCrossEntropy'

/**
 * How a fit stands after a step or a pass. Losses are in the units of training: those of the standardised targets, if
 * the model standardises.
 */
export interface TrainingRecord {
  /** Steps of the optimiser done, those of resumed fits included. */
  readonly step: number
  /** Passes over the rows completed. */
  readonly epoch: number
  /**
   * The value of the loss that is minimised; {@link TrainingHistory.lossName} says which loss it is. Levenberg–Marquardt
   * and L-BFGS tell it at the parameters that the step led to, the others at those that it left, on its own batch; the
   * record of a pass has the mean over its batches.
   */
  readonly loss: number
  /** The same on the validation rows, at the parameters now. */
  readonly validationLoss?: number
  /** Root mean squared error in the units of the target; for the losses mse and rmse with one target. */
  readonly rmse?: number
  /** The same on the validation rows. */
  readonly validationRmse?: number
  /** Grid intervals of the model. */
  readonly grid: number
  /** Learning rate of the last step; `null` for Levenberg–Marquardt, which has none. */
  readonly learningRate: number | null
  /** Damping after the last step of Levenberg–Marquardt; `null` for the others. */
  readonly damping: number | null
  /** Euclidean norm of the gradient of the last step, at the same parameters as its loss. */
  readonly gradientNorm: number
  /** Evaluations of loss and gradient so far, those of resumed fits included. */
  readonly evaluations: number
  /** Seconds since this fit began. */
  readonly seconds: number
}

/** How a pass over mini-batches stands between two records, or the comparison of starts before the first. */
export interface TrainingProgress {
  /** `'pass'`, or `'starts'` while several first parameters are tried; where data prove noisy that is done twice. */
  readonly phase: 'starts' | 'pass'
  /** Steps of the optimiser done, those of resumed fits included. */
  readonly step: number
  /** Passes over the rows completed. */
  readonly epoch: number
  /** Batches done in this pass, or starts that have ended. */
  readonly batch: number
  /** Batches of a pass, or starts. */
  readonly batches: number
  /** Mean loss of this pass so far, or of the best start with its prior, in the units of training. */
  readonly loss: number
  /** Seconds since this fit began. */
  readonly seconds: number
}

/**
 * Why a fit stopped: all steps or passes were done (`'completed'`); the loss that was watched did not improve for too
 * long (`'earlyStopped'`); the optimiser says that nothing more can be gained (`'converged'`); it found no better point
 * along the steepest descent, because the loss has a kink there or rounding leaves nothing to gain (`'stalled'`);
 * somebody asked for it, by a signal, by leaving a loop over `fitSteps` or by ending the process (`'cancelled'`); an
 * error, which is thrown and has this history in its `details.history` (`'failed'`).
 */
export type StopReason = 'completed' | 'earlyStopped' | 'converged' | 'stalled' | 'cancelled' | 'failed'

/** The best step of a fit. */
export interface BestStep {
  readonly step: number
  readonly epoch: number
  /** The loss that was watched. */
  readonly loss: number
  /** Which rows it was measured on. */
  readonly watched: 'validation' | 'training'
  /** Whether the model has the parameters of this step now. */
  readonly restored: boolean
}

/** How much of the training data runs outside the grids of one layer. */
export interface OutsideCount {
  /** Values outside the domain of their spline, over all rows and input nodes. */
  readonly outside: number
  /** All values: rows times input nodes. */
  readonly values: number
}

/** How a fit went on one grid. */
export interface GridLevel {
  /** Grid intervals. */
  readonly grid: number
  /** Steps done on it. */
  readonly steps: number
  /** The loss of its last record, `null` if there is none. */
  readonly loss: number | null
  /** What that is in the units of the target, where the records have `rmse`. */
  readonly rmse: number | null
  /**
   * Root mean squared change of the edge that changed most when the model was refined to this grid, in the model's own
   * units; `null` for the first grid.
   */
  readonly refitRms: number | null
  /** Greatest change of an edge at the same time. */
  readonly refitMaximum: number | null
  /** Seconds spent on it. */
  readonly seconds: number
}

/** The prior that a fit ended with. */
export interface FittedRegularization {
  /** Which derivative it keeps small. */
  readonly order: number
  /** Its strength. */
  readonly lambda: number
  /** Strength of the ridge. */
  readonly ridge: number
  /**
   * Standard deviation of the noise that the data seem to have, in units of training; `null` unless the prior was found
   * from the data.
   */
  readonly noise: number | null
  /** Number of parameters that the data determine; `null` unless the prior was found from the data. */
  readonly effectiveParameters: number | null
}

/** The parts of a history. */
export interface HistoryParts {
  readonly lossName: LossName
  readonly optimizer: OptimizerName
  readonly levels: readonly GridLevel[]
  readonly regularization: FittedRegularization | null
  readonly records: readonly TrainingRecord[]
  readonly stop: StopReason
  readonly best: BestStep | null
  readonly steps: number
  readonly epochs: number
  readonly evaluations: number
  readonly trainingRows: number
  readonly validationRows: number
  readonly seconds: number
  readonly outside: readonly OutsideCount[]
}

/** What a fit has done: its records, whether or not a callback saw them, and why it stopped. */
export class TrainingHistory implements HistoryParts {
  /** The loss that `loss` and `validationLoss` of the records are values of. */
  readonly lossName: LossName
  /** The optimiser, also where none was asked for. */
  readonly optimizer: OptimizerName
  /** How it went on each grid. */
  readonly levels: readonly GridLevel[]
  /** The prior at the end; `null` if there was none. */
  readonly regularization: FittedRegularization | null
  /**
   * One for each step, or for each pass if the fit was asked for epochs; oldest first, those of this fit only. Of a
   * long fit at most 10,000, evenly spread, the first and the last among them.
   */
  readonly records: readonly TrainingRecord[]
  /** Why it stopped. */
  readonly stop: StopReason
  /** Its best step, or `null` if nothing was measured. */
  readonly best: BestStep | null
  /** Steps of the optimiser done, those of resumed fits included. */
  readonly steps: number
  /** Passes over the rows completed, those of resumed fits included. */
  readonly epochs: number
  /** Evaluations of loss and gradient, those of resumed fits included. */
  readonly evaluations: number
  /** Rows trained on. */
  readonly trainingRows: number
  /** Rows held out to judge by. */
  readonly validationRows: number
  /** How long this fit took. */
  readonly seconds: number
  /** For each layer, how much lies outside its grids; empty if the fit was cancelled or failed. */
  readonly outside: readonly OutsideCount[]

  /** @internal */
  constructor(parts: HistoryParts) {
    this.lossName = parts.lossName
    this.optimizer = parts.optimizer
    this.levels = parts.levels
    this.regularization = parts.regularization
    this.records = parts.records
    this.stop = parts.stop
    this.best = parts.best
    this.steps = parts.steps
    this.epochs = parts.epochs
    this.evaluations = parts.evaluations
    this.trainingRows = parts.trainingRows
    this.validationRows = parts.validationRows
    this.seconds = parts.seconds
    this.outside = parts.outside
  }

  /** The last record, if there is any. */
  get last(): TrainingRecord | undefined {
    return this.records.at(-1)
  }

  /** Whether the model has the parameters of the best step rather than those of the last. */
  get restored(): boolean {
    return this.best?.restored ?? false
  }

  /** A summary with a few of the records. */
  toString(): string {
    const title = `TrainingHistory: ${this.stop} after ${counted(this.steps, 'step')}, ${short(this.seconds)} s`
    const facts: [string, string][] = [
      ['loss', this.lossName],
      ['optimizer', this.optimizer],
      ['rows', `${grouped(this.trainingRows)} to learn from, ${grouped(this.validationRows)} to judge by`],
    ]
    if (this.best !== null) {
      const { step, loss, watched, restored } = this.best
      facts.push(['best', `step ${step}: ${watched} loss ${short(loss)}${restored ? ', restored' : ''}`])
    }
    if (this.regularization !== null) facts.push(['prior', priorText(this.regularization)])
    const parts = [card(title, facts)]
    if (this.levels.length > 1) parts.push(levelTable(this.levels))
    const shown = sample(this.records, 8)
    if (shown.length > 0) parts.push(recordTable(shown))
    return parts.join('\n')
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}

/** Up to `count` records, evenly spread, the first and the last among them. */
function sample(records: readonly TrainingRecord[], count: number): TrainingRecord[] {
  if (records.length <= count) return [...records]
  return Array.from({ length: count }, (_, i) => records[Math.round((i * (records.length - 1)) / (count - 1))]!)
}

function priorText({ order, lambda, ridge, noise, effectiveParameters }: FittedRegularization): string {
  const found = [
    noise === null ? '' : `, noise ${short(noise)}`,
    effectiveParameters === null ? '' : `, ${short(Math.round(effectiveParameters))} effective parameters`,
  ]
  return `order ${order}, lambda ${short(lambda)}, ridge ${short(ridge)}${found.join('')}`
}

function levelTable(levels: readonly GridLevel[]): string {
  const rows = levels.map(({ grid, steps, loss, refitRms, seconds }) => [
    grid,
    steps,
    loss ?? '',
    refitRms ?? '',
    seconds,
  ])
  return table(rows, ['grid', 'steps', 'loss', 'refit rms', 'seconds'])
}

function recordTable(records: readonly TrainingRecord[]): string {
  const optional = (['validationLoss', 'rmse', 'validationRmse'] as const).filter(name =>
    records.some(record => record[name] !== undefined),
  )
  const titles = { validationLoss: 'validation loss', rmse: 'rmse', validationRmse: 'validation rmse' }
  const rows = records.map(record => [record.step, record.loss, ...optional.map(name => record[name] ?? '')])
  return table(rows, ['step', 'loss', ...optional.map(name => titles[name])])
}
