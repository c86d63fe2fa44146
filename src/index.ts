/**
 * Kolmogorov–Arnold networks for Node.js: the public names of the package.
 */

import { native } from './errors.js'
import { nativeRuntime } from './native.js'

export type { Cell, ColumnObject, RowObject } from './data/columns.js'
export { type CsvOptions, parseCsv, readCsv } from './data/csv.js'
export {
  type Batch,
  Dataset,
  type RowOptions,
  type SampleOptions,
  type Samples,
  type SplitOptions,
} from './data/dataset.js'
export type { CategoryFeature, Encoding, Missing, NumberFeature } from './data/encoding.js'
export type { PredictInput, PredictOutput, TrainingData } from './data/prediction.js'
export type { Float64Matrix, Matrix, NumberArray, NumberRows } from './data/rows.js'
export type { TableOptions } from './data/table.js'
export type { Scaler } from './description.js'
export type { Edge } from './edge.js'
export {
  KanAbortError,
  KanError,
  type KanErrorCode,
  type KanErrorDetails,
  KanRangeError,
  KanTypeError,
} from './errors.js'
export type { FilePath, FileUrl } from './files.js'
export type {
  AdamOptions,
  AdamWOptions,
  CheckpointOptions,
  EarlyStoppingOptions,
  FitOptions,
  HuberOptions,
  LbfgsOptions,
  OptimizerName,
  OptimizerOptions,
  ScheduleName,
  ScheduleOptions,
  SgdOptions,
} from './fit-options.js'
export type {
  BestStep,
  LossName,
  OutsideCount,
  StopReason,
  TrainingHistory,
  TrainingProgress,
  TrainingRecord,
} from './history.js'
export type { ClassificationMetrics, CostFigures, LayerCost, Metrics, ModelCost, RegressionMetrics } from './metrics.js'
export { Kan } from './model.js'
export type { ComputeOptions, SaveOptions } from './model-options.js'
export type { Base, DType, Init, KanOptions, KnotEnds, Outside } from './options.js'
export type { Signal } from './signal.js'

/** What computes: version of the package, backend with its instruction set, and number of threads. */
export interface Runtime {
  readonly version: string
  readonly backend: string
  readonly threads: number
}

/**
 * What computes on this machine. The environment variables `KANODE_THREADS` and `KANODE_ISA` choose otherwise.
 *
 * @throws {@link KanError} `ERR_KAN_MACHINE` if they ask for what the machine doesn't have.
 */
export function runtime(): Runtime {
  return JSON.parse(native(nativeRuntime)) as Runtime
}
