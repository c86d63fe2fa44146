//! The errors of the rooms below as [`Failure`]s: which code each has, and the data a program may want.

use super::Failure;
use kanode_cpu::CpuError;
use kanode_engine::EngineError;
use kanode_format::FormatError;
use kanode_network::NetworkError;
use kanode_symbolic::{CurveError, CustomError, EdgeError, FixError, FormulaError, SampleError, Trouble};
use kanode_table::TableError;
use kanode_train::{DataError, OptionError, TrainError};
use serde_json::json;

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let (code, details) = match &error {
            EngineError::Length { what, expected, found } => {
                ("ERR_KAN_SHAPE", json!({ "what": what, "expected": expected, "found": found }))
            }
            EngineError::TargetWidth { expected, found } => {
                ("ERR_KAN_SHAPE", json!({ "what": "targets", "expected": expected, "found": found }))
            }
            EngineError::Label { row, found, classes } => {
                ("ERR_KAN_LABEL", json!({ "row": row, "found": found, "classes": classes }))
            }
            EngineError::Weights { .. } => ("ERR_KAN_NUMBER", json!({ "what": "weights" })),
            EngineError::Memory { what, numbers } => {
                ("ERR_KAN_MEMORY", json!({ "what": what, "numbers": numbers }))
            }
            EngineError::Device { .. } => ("ERR_KAN_DEVICE", json!({ "kind": "lost" })),
            EngineError::Internal { .. } => ("ERR_KAN_INTERNAL", json!({})),
            EngineError::Unsupported { backend, .. } => ("ERR_KAN_MACHINE", json!({ "backend": backend })),
            EngineError::Layers { .. }
            | EngineError::Products { .. }
            | EngineError::Spline { .. }
            | EngineError::Function { .. } => ("ERR_KAN_OPTION", json!({})),
        };
        Self::new(code, error.to_string()).with(details)
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        let message = error.to_string();
        let (code, details) = match error {
            NetworkError::Engine(error) => return error.into(),
            NetworkError::Specification(error) => ("ERR_KAN_OPTION", json!({ "option": error.option() })),
            NetworkError::TooLarge { parameters, bytes } => {
                ("ERR_KAN_MEMORY", json!({ "parameters": parameters as f64, "bytes": bytes as f64 }))
            }
            NetworkError::Length { what, expected, found } => {
                ("ERR_KAN_SHAPE", json!({ "what": what, "expected": expected, "found": found }))
            }
            NetworkError::Edge { what, count, found } => {
                ("ERR_KAN_OPTION", json!({ "option": what, "count": count, "found": found }))
            }
            NetworkError::InputDomain { input, a, b } => {
                ("ERR_KAN_NUMBER", json!({ "column": input, "minimum": a, "maximum": b }))
            }
            NetworkError::Spread { what, column } => {
                ("ERR_KAN_NUMBER", json!({ "what": what, "column": column }))
            }
            NetworkError::NotFinite { edge } => ("ERR_KAN_NUMBER", json!({ "edge": edge })),
            NetworkError::Scaler { what, index, .. } => {
                ("ERR_KAN_NUMBER", json!({ "what": what, "index": index }))
            }
            NetworkError::Knots { layer, input } | NetworkError::Spline { layer, input, .. } => {
                ("ERR_KAN_OPTION", json!({ "layer": layer, "input": input }))
            }
            NetworkError::Node { layer, node } => ("ERR_KAN_OPTION", json!({ "layer": layer, "node": node })),
            NetworkError::Input { count, input } => {
                ("ERR_KAN_OPTION", json!({ "option": "input", "count": count, "found": input }))
            }
            NetworkError::OutputLost { output } => ("ERR_KAN_OPTION", json!({ "output": output })),
            NetworkError::Pruned { edge, .. } => ("ERR_KAN_OPTION", json!({ "edge": edge })),
            NetworkError::Function { edge, .. } => ("ERR_KAN_FORMULA", json!({ "edge": edge })),
            NetworkError::InputIds { .. }
            | NetworkError::Regularization { .. }
            | NetworkError::AlreadyFitted => ("ERR_KAN_OPTION", json!({})),
        };
        Self::new(code, message).with(details)
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        let kind = match &error {
            FormatError::Truncated { .. } => "truncated",
            FormatError::Newer { .. } => "newer",
            FormatError::Io { .. } => "io",
            FormatError::NotAModel { .. } | FormatError::Corrupt { .. } | FormatError::Unwritable { .. } => {
                "corrupt"
            }
        };
        Self::new("ERR_KAN_FILE", error.to_string()).with(json!({ "kind": kind }))
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        let line = match &error {
            TableError::Option { .. } => return Self::option(error.to_string()),
            TableError::Empty | TableError::NoRows { .. } => None,
            TableError::Utf8 { line }
            | TableError::Quote { line, .. }
            | TableError::Ragged { line, .. }
            | TableError::EmptyName { line, .. }
            | TableError::DuplicateName { line, .. }
            | TableError::Infinite { line, .. }
            | TableError::Reader { line, .. } => Some(*line),
        };
        Self::new("ERR_KAN_CSV", error.to_string()).with(json!({ "line": line }))
    }
}

impl From<FormulaError> for Failure {
    fn from(error: FormulaError) -> Self {
        let details = match &error {
            FormulaError::Parse(parse) => {
                let (kind, known) = match &parse.trouble {
                    Trouble::Name { known } => ("name", json!(known)),
                    Trouble::Function => ("function", json!(kanode_symbolic::function_names())),
                    Trouble::Expected(_) => ("syntax", json!(null)),
                    Trouble::NotFinite => ("number", json!(null)),
                    Trouble::Depth(_) => ("depth", json!(null)),
                };
                json!({ "column": parse.column, "found": parse.found, "kind": kind, "known": known })
            }
            FormulaError::Variable { name, known } => json!({ "found": name, "known": known }),
            FormulaError::Twice { name } => json!({ "found": name }),
            FormulaError::Format { found } => json!({ "found": found, "known": kanode_symbolic::FORMATS }),
            FormulaError::NotFinite | FormulaError::TooLong | FormulaError::Json { .. } => json!({}),
        };
        Self::new("ERR_KAN_FORMULA", error.to_string()).with(details)
    }
}

impl From<CustomError> for Failure {
    fn from(error: CustomError) -> Self {
        Self::new("ERR_KAN_FORMULA", error.to_string())
    }
}

impl From<EdgeError> for Failure {
    fn from(error: EdgeError) -> Self {
        let message = error.to_string();
        match error {
            EdgeError::Network(error) => error.into(),
            EdgeError::Curve(error) => {
                let details = match error {
                    CurveError::Length { nodes, .. } => json!({ "found": nodes }),
                    CurveError::NotFinite { node, .. } => json!({ "node": node }),
                    CurveError::Range { x } => json!({ "found": x }),
                };
                Self::new("ERR_KAN_NUMBER", message).with(details)
            }
        }
    }
}

impl From<SampleError> for Failure {
    fn from(error: SampleError) -> Self {
        let (code, details) = match &error {
            SampleError::Length { what, expected, found } => {
                ("ERR_KAN_SHAPE", json!({ "what": what, "expected": expected, "found": found }))
            }
            SampleError::Rows { rows } => {
                ("ERR_KAN_DATA", json!({ "expected": "at least 3 rows", "found": rows }))
            }
            SampleError::Name { name, column } => {
                ("ERR_KAN_DATA", json!({ "found": name, "column": column }))
            }
            SampleError::Size { column, size } => {
                ("ERR_KAN_DATA", json!({ "column": column, "found": size }))
            }
            SampleError::Number { row, .. } => ("ERR_KAN_NUMBER", json!({ "row": row })),
        };
        Self::new(code, error.to_string()).with(details)
    }
}

impl From<FixError> for Failure {
    fn from(error: FixError) -> Self {
        let message = error.to_string();
        match error {
            FixError::Edge(error) => error.into(),
            FixError::Family { family, edge } => {
                Self::new("ERR_KAN_FORMULA", message).with(json!({ "family": family, "edge": edge }))
            }
            FixError::Spline { edge } => Self::new("ERR_KAN_FORMULA", message).with(json!({ "edge": edge })),
            FixError::Untrained => Self::new("ERR_KAN_OPTION", message).with(json!({ "option": "model" })),
        }
    }
}

impl From<CpuError> for Failure {
    fn from(error: CpuError) -> Self {
        Self::new("ERR_KAN_MACHINE", error.to_string())
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let (code, details) = match &error {
            DataError::Empty { rows } => ("ERR_KAN_EMPTY", json!({ "rows": rows })),
            DataError::Length { what, expected, found } => {
                ("ERR_KAN_SHAPE", json!({ "what": what, "expected": expected, "found": found }))
            }
            DataError::NotFinite { what, row, column, .. } => {
                ("ERR_KAN_NUMBER", json!({ "what": what, "row": row, "column": column }))
            }
            DataError::NegativeWeight { row, found } => {
                ("ERR_KAN_NUMBER", json!({ "what": "weights", "row": row, "found": found }))
            }
            DataError::Features { expected, found } => {
                ("ERR_KAN_SHAPE", json!({ "what": "features", "expected": expected, "found": found }))
            }
            DataError::Targets { expected, found, labels } => (
                "ERR_KAN_SHAPE",
                json!({ "what": "targets", "expected": expected, "found": found, "labels": labels }),
            ),
            DataError::Label { row, found, classes } => {
                ("ERR_KAN_LABEL", json!({ "row": row, "found": found, "classes": classes }))
            }
            DataError::Probability { row, column, found } => {
                ("ERR_KAN_LABEL", json!({ "row": row, "column": column, "found": found }))
            }
            DataError::Output { row, output, .. } => {
                ("ERR_KAN_NUMBER", json!({ "what": "outputs", "row": row, "column": output }))
            }
            DataError::ProbabilitySum { row, found } => {
                ("ERR_KAN_LABEL", json!({ "row": row, "found": found }))
            }
        };
        Self::new(code, error.to_string()).with(details)
    }
}

impl From<OptionError> for Failure {
    fn from(error: OptionError) -> Self {
        let details = json!({ "option": error.option, "expected": error.expected, "found": error.found });
        Self::option(error.to_string()).with(details)
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let message = error.to_string();
        match error {
            TrainError::Option(error) => error.into(),
            TrainError::Network(error) => error.into(),
            TrainError::Engine(error) => error.into(),
            TrainError::Data { source, .. } => Self { message, ..source.into() },
            TrainError::State(_) => Self::option(message).with(json!({ "option": "resume" })),
            TrainError::Diverged { step, edge, loss } => Self::new("ERR_KAN_DIVERGED", message)
                .with(json!({ "step": step, "edge": edge, "loss": loss.to_string() })),
            TrainError::Cancelled => Self::new("ERR_KAN_DISPOSED", message),
            TrainError::Checkpoint { step, .. } => {
                Self::new("ERR_KAN_FILE", message).with(json!({ "kind": "io", "step": step }))
            }
        }
    }
}
