/**
 * What `evaluate` and `cost` report.
 */

/** Errors of predicted quantities, in the units of the targets; rows count by their weights. */
export interface RegressionMetrics {
  /** Root of the mean squared error, over rows and outputs. */
  readonly rmse: number
  /** Mean absolute error, over rows and outputs. */
  readonly mae: number
  /** Coefficient of determination: 1 is perfect, 0 no better than the mean; NaN if the targets do not vary. */
  readonly r2: number
  /** The same for each output, if there are several. */
  readonly outputs?: readonly Omit<RegressionMetrics, 'outputs'>[]
}

/** Which classes were taken for which. */
export interface Confusion {
  /** Names of the classes, in the order of rows and columns; `'0'`, `'1'`, … if they have none. */
  readonly classes: readonly string[]
  /** Sums of weights, which are numbers of rows where no weights were given: `matrix[actual][predicted]`. */
  readonly matrix: readonly (readonly number[])[]
}

/** How well one class is told from the others. */
export interface ClassScores {
  /** Name of the class; of the output, if the outputs are independent yes-or-no ones. */
  readonly name: string
  /** Part of what was taken for the class that is of it; NaN if nothing was. */
  readonly precision: number
  /** Part of what is of the class that was taken for it; NaN if nothing is. */
  readonly recall: number
  /** Harmonic mean of both, `2·right / (actual + predicted)`; NaN if the class neither occurs nor is predicted. */
  readonly f1: number
  /** How much is of the class: its rows, or their weights. */
  readonly support: number
}

/** How well classes are predicted; rows count by their weights. `console.log` shows a table. */
export interface ClassificationMetrics {
  /** Part of the rows (for `binaryCrossEntropy`: of all outputs) whose class is the right one. */
  readonly accuracy: number
  /**
   * Mean of minus the logarithm of the probability given to the right class, in nats; of calibrated probabilities, if
   * the model was calibrated.
   */
  readonly logLoss: number
  /** Which classes were taken for which; of several yes-or-no outputs the sum over all. */
  readonly confusion: Confusion
  /** Each class by itself; with several yes-or-no outputs the 1 of each output. */
  readonly perClass: readonly ClassScores[]
  /** The confusion of each output, if there are several yes-or-no ones. */
  readonly outputs?: readonly Confusion[]
}

/** What `evaluate` reports; which of the two depends on the loss that the model was fitted with. */
export type Metrics = RegressionMetrics | ClassificationMetrics

/** Counts of parameters and memory, by the formulas of the tutorial's slides. */
export interface CostFigures {
  /** Parameters, `I·O·(2 + G + k)`. */
  readonly parameters: number
  /** Parameters of a fully connected layer, `O·(I + 1)`. */
  readonly fullyConnectedParameters: number
  /** Numbers that a plain implementation holds in training, `I(1+G+k)B + I(G+k−1)B + IO(2+G+k)`. */
  readonly memory: number
  /** The same of a fully connected layer, `2·O·B + O(I+1)`. */
  readonly fullyConnectedMemory: number
  /** Bytes that kanode needs for the loss and gradient of a batch; what an optimiser remembers is not included. */
  readonly bytes: number
}

/** What one layer costs. */
export interface LayerCost extends CostFigures {
  readonly inputs: number
  readonly outputs: number
}

/** What a model costs. */
export interface ModelCost {
  /** Rows of a batch, `B`. */
  readonly batch: number
  readonly layers: readonly LayerCost[]
  readonly total: CostFigures
}

/** Metrics from their JSON, where `null` stands for what is not a number. */
export function metricsFrom(json: string): Metrics {
  return JSON.parse(json, (_key, value: unknown) => (value === null ? Number.NaN : value)) as Metrics
}
