//! A residual as a list of operations, each on results of earlier ones: what a facade can build from a formula and send
//! as JSON, and what can be differentiated without knowing the formula.

mod residual;

use crate::error::TapeError;
use serde::{Deserialize, Serialize};

pub(crate) use residual::{Point, Residual, Work};

/// One operation. `a` and `b` are places of earlier operations in the tape. In JSON `{"op": "add", "a": 0, "b": 1}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", deny_unknown_fields)]
pub enum Op {
    /// An output of the network.
    Output {
        /// Which.
        output: usize,
    },
    /// A derivative of an output by one or two inputs.
    Derivative {
        /// Of which output.
        output: usize,
        /// By which inputs, in any order; one or two.
        by: Vec<usize>,
    },
    /// An input of the network: a coordinate of the point.
    Coordinate {
        /// Which.
        input: usize,
    },
    /// A number that was given for each point.
    Data {
        /// In which column of the data.
        column: usize,
    },
    /// The same number for all points.
    Constant {
        /// The number.
        value: f64,
    },
    /// `a + b`.
    Add {
        /// Place of `a`.
        a: usize,
        /// Place of `b`.
        b: usize,
    },
    /// `a − b`.
    Subtract {
        /// Place of `a`.
        a: usize,
        /// Place of `b`.
        b: usize,
    },
    /// `a·b`.
    Multiply {
        /// Place of `a`.
        a: usize,
        /// Place of `b`.
        b: usize,
    },
    /// `a/b`.
    Divide {
        /// Place of `a`.
        a: usize,
        /// Place of `b`.
        b: usize,
    },
    /// `−a`.
    Negate {
        /// Place of `a`.
        a: usize,
    },
    /// `a` to the power of a constant.
    Power {
        /// Place of `a`.
        a: usize,
        /// The constant.
        exponent: f64,
    },
    /// `sin a`.
    Sin {
        /// Place of `a`.
        a: usize,
    },
    /// `cos a`.
    Cos {
        /// Place of `a`.
        a: usize,
    },
    /// `e` to the power of `a`.
    Exp {
        /// Place of `a`.
        a: usize,
    },
    /// The natural logarithm of `a`.
    Log {
        /// Place of `a`.
        a: usize,
    },
    /// The hyperbolic tangent of `a`.
    Tanh {
        /// Place of `a`.
        a: usize,
    },
    /// The square root of `a`.
    Sqrt {
        /// Place of `a`.
        a: usize,
    },
}

impl Op {
    /// Places that the operation takes its arguments from.
    fn arguments(&self) -> impl Iterator<Item = usize> {
        let pair = match *self {
            Self::Add { a, b }
            | Self::Subtract { a, b }
            | Self::Multiply { a, b }
            | Self::Divide { a, b } => [Some(a), Some(b)],
            Self::Negate { a }
            | Self::Power { a, .. }
            | Self::Sin { a }
            | Self::Cos { a }
            | Self::Exp { a }
            | Self::Log { a }
            | Self::Tanh { a }
            | Self::Sqrt { a } => [Some(a), None],
            Self::Output { .. }
            | Self::Derivative { .. }
            | Self::Coordinate { .. }
            | Self::Data { .. }
            | Self::Constant { .. } => [None, None],
        };
        pair.into_iter().flatten()
    }
}

/// What a tape may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Outputs of the network.
    pub(crate) outputs: usize,
    /// Inputs of the network.
    pub(crate) inputs: usize,
    /// Columns of data.
    pub(crate) columns: usize,
    /// Degree of the network's splines.
    pub(crate) degree: usize,
}

/// Least degree of splines that have a second derivative worth the name: of cubic ones it is continuous.
pub(crate) const SECOND_DERIVATIVE_DEGREE: usize = 3;

/// A residual: the result of its last operation. In JSON the list of its operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tape {
    ops: Vec<Op>,
}

impl Tape {
    /// A tape of these operations. They are checked where the tape meets a network.
    pub fn new(ops: Vec<Op>) -> Self {
        Self { ops }
    }

    /// Its operations.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Checks every operation against the network and the data that the tape is for.
    pub(crate) fn check(&self, shape: &Shape) -> Result<(), TapeError> {
        if self.ops.is_empty() {
            return Err(TapeError::Empty);
        }
        for (place, op) in self.ops.iter().enumerate() {
            if let Some(argument) = op.arguments().find(|argument| *argument >= place) {
                return Err(TapeError::Argument { place, argument });
            }
            check_op(place, op, shape)?;
        }
        Ok(())
    }

    /// Whether the tape has an output or a derivative of one: if not, no fit can change it.
    pub(crate) fn is_about_network(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Output { .. } | Op::Derivative { .. }))
    }
}

fn check_op(place: usize, op: &Op, shape: &Shape) -> Result<(), TapeError> {
    let within = |what, count, found| {
        if found < count { Ok(()) } else { Err(TapeError::Index { place, what, count, found }) }
    };
    match op {
        Op::Output { output } => within("output", shape.outputs, *output),
        Op::Derivative { output, by } => {
            within("output", shape.outputs, *output)?;
            if !(1..=2).contains(&by.len()) {
                return Err(TapeError::Order { place, found: by.len() });
            }
            if by.len() == 2 && shape.degree < SECOND_DERIVATIVE_DEGREE {
                return Err(TapeError::Degree { place, degree: shape.degree });
            }
            by.iter().try_for_each(|input| within("input", shape.inputs, *input))
        }
        Op::Coordinate { input } => within("input", shape.inputs, *input),
        Op::Data { column } => within("data column", shape.columns, *column),
        Op::Constant { value: number } | Op::Power { exponent: number, .. } if !number.is_finite() => {
            Err(TapeError::Number { place, found: *number })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
