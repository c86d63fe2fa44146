/**
 * Kolmogorov–Arnold networks for Node.js: the public names of the package.
 */

export type { Calibration } from './calibration.js'
export type { ClassWeights } from './class-weights.js'
export {
  type Averages,
  type CrossValidation,
  type CrossValidationOptions,
  crossValidate,
  type Fold,
} from './cross-validation.js'
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
  Ensemble,
  type EnsembleMember,
  type EnsembleOptions,
} from './ensemble.js'
export type { EdgeSpread, NodeMatch } from './ensemble-edges.js'
export type { DerivativeInput, DerivativeOptions, Derivatives, Float64Block } from './equations/derivatives.js'
export type { Expression, Field, Operand, PointFunction, PointNumbers } from './equations/expression.js'
export type { EquationHistory, EquationLevel, TermResult } from './equations/history.js'
export type {
  EquationGridUpdate,
  EquationOptions,
  EquationPrior,
} from './equations/options.js'
export type { EquationTerm, Symbols } from './equations/term.js'
export {
  KanAbortError,
  KanError,
  type KanErrorCode,
  type KanErrorDetails,
  KanRangeError,
  KanTypeError,
} from './errors.js'
export type { FilePath, FileUrl } from './files.js'
export type { CheckpointOptions, EarlyStoppingOptions, FitOptions, HuberOptions } from './fit-options.js'
export type {
  BestStep,
  FittedRegularization,
  GridLevel,
  LossName,
  OutsideCount,
  StopReason,
  TrainingHistory,
  TrainingProgress,
  TrainingRecord,
} from './history.js'
export type {
  ClassificationMetrics,
  ClassScores,
  Confusion,
  CostFigures,
  LayerCost,
  Metrics,
  ModelCost,
  RegressionMetrics,
} from './metrics.js'
export { Kan } from './model.js'
export type { ComputeOptions, SaveOptions } from './model-options.js'
export type { Refit, Uncertainty, UpdateGridOptions } from './model-structure.js'
export type {
  AdamOptions,
  AdamWOptions,
  LbfgsOptions,
  LmOptions,
  OptimizerName,
  OptimizerOptions,
  ScheduleName,
  ScheduleOptions,
  SgdOptions,
} from './optimizer-options.js'
export type { Base, DType, Init, KanOptions, KnotEnds, LayerOptions, Outside } from './options.js'
export type { ManyFitOptions } from './parallel.js'
export type { EdgePlace, NodePlace, PruneInputsOptions, PruneOptions, SimplifyOptions } from './prune-options.js'
export { type Runtime, runtime } from './runtime.js'
export type { Scores } from './scores.js'
export type { Signal } from './signal.js'
export type { Change, Simplification, Trial } from './simplification.js'
export type { Spread } from './spread.js'
export type {
  GridSpread,
  GridUpdateOptions,
  PenaltyOptions,
  RegularizationName,
  RegularizationOptions,
} from './structure-options.js'
export { type DiscoverOptions, type DiscoverProgress, discover, type FunctionName } from './symbolic/discover.js'
export {
  type EvaluateOptions,
  Formula,
  type FormulaBounds,
  type FormulaFormat,
  type FormulaOptions,
  type FormulaRows,
  type PrintOptions,
} from './symbolic/formula.js'
export {
  type Agreement,
  type FormulaConstant,
  type SearchEffort,
  type SearchEnd,
  SymbolicCandidate,
  SymbolicResult,
} from './symbolic/result.js'
export type { FamilyName, Suggestion, Suggestions, SuggestOptions } from './symbolic/suggest.js'
