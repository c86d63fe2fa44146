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

/** How well classes are predicted; rows count by their weights. */
export interface ClassificationMetrics {
  /** Part of the rows (for `binaryCrossEntropy`: of all outputs) whose class is the right one. */
  readonly accuracy: number
  /** Mean of minus the logarithm of the probability given to the right class, in nats. */
  readonly logLoss: number
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
