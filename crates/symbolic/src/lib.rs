//! Formulas: expressions as data, their notation, and the functions that the edges of a network may stand for.
//!
//! [`Expression`] is algebra and knows nothing of networks. A [`Formula`] is an expression of variables in an order;
//! [`Formula::parse`] reads it and [`Formula::print`] writes it, in every [`FORMATS`]. A [`Family`] is a kind of function
//! of one variable, and [`suggest`] ranks families by how well they explain a [`Curve`].
//!
//! Networks and formulas: [`fix`] puts a formula on an edge, [`distil()`] searches the formula of a whole network, and
//! [`network_of`] makes a network of a formula.
//!
//! ```
//! use kanode_symbolic::Formula;
//!
//! let formula = Formula::parse("exp(sin(pi*x) + y^2)", None)?;
//! assert_eq!(formula.evaluate_point(&[0.5, 0.0]), 1.0_f64.exp());
//! assert_eq!(formula.derivative("y")?.to_string(), "2*y*exp(y^2 + sin(pi*x))");
//! # Ok::<(), kanode_symbolic::FormulaError>(())
//! ```
#![forbid(unsafe_code)]

mod compile;
mod discover;
mod distil;
mod edge;
mod edge_formula;
mod expression;
mod families;
mod fit;
mod fixing;
mod formula;
mod front;
mod model;
mod networks;
mod pulse;
mod sample;
#[cfg(test)]
mod testing;
mod units;

pub use compile::network_of;
pub use discover::{Discovery, Progress, SearchEnd, SearchOptions, approximate};
pub use distil::{
    Agreement, DistilError, DistilOptions, DistilProgress, Distilled, Hybrid, Watch, distil, output_formula,
};
pub use edge::{EdgeError, edge_curve};
pub use edge_formula::EdgeFormula;
pub use expression::{
    Condition, Enclosure, Expression, Function, Gradient, Interval, Node, Number, Rational, Requirement,
    Scratch, Tape,
};
pub use families::{Custom, CustomError, Family, default_families, family, family_names};
pub use fit::{Curve, CurveError, Fit, Noise, fit, suggest};
pub use fixing::{FixError, fix, fix_family, lock};
pub use formula::{FORMATS, Formula, FormulaError, ParseError, Trouble, function_names};
pub use front::{Archive, Candidate, Description, Front, finish, variants};
pub use model::{
    Constant, LevenbergMarquardt, Model, Snapping, error_of, forms, refine, root_mean_square, snap,
};
pub use sample::{Sample, SampleError};
pub use units::discover;
