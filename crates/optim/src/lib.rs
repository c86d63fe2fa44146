//! Optimisers and learning-rate schedules: vectors and objectives, no networks.
//!
//! An [`Optimizer`] is plain configuration, an [`OptimizerState`] is one run of it over a vector of parameters, and
//! an [`Objective`] answers with loss and gradient. Vectors are `f32` or `f64`; scalars and dot products are `f64`,
//! summed in a fixed order, so that a run gives the same bits each time and continues with the same bits after
//! [`OptimizerState::export`] and [`OptimizerState::import`].
//!
//! ```
//! use kanode_optim::{Optimizer, OptimizerState, StepOutcome};
//! use std::convert::Infallible;
//!
//! let mut bowl = |x: &[f64], gradient: &mut [f64]| {
//!     gradient.copy_from_slice(&[x[0] - 3.0, 10.0 * x[1]]);
//!     Ok::<f64, Infallible>(0.5 * (x[0] - 3.0).powi(2) + 5.0 * x[1] * x[1])
//! };
//! let optimizer = Optimizer::lbfgs();
//! let mut state = OptimizerState::new(&optimizer, 2);
//! let mut x = [0.0, 1.0];
//! while state.step(&mut x, optimizer.default_learning_rate(), &mut bowl)?.outcome == StepOutcome::Accepted {}
//! assert!((x[0] - 3.0).abs() < 1e-9 && x[1].abs() < 1e-9);
//! # Ok::<(), Infallible>(())
//! ```
//!
//! To add an optimiser: one file with its state and the private `Method` trait, one arm in [`Optimizer`] and its
//! table, one arm in the dispatch of `state.rs`.

#![forbid(unsafe_code)]

mod adam;
mod banded;
mod dense;
mod error;
mod evidence;
mod lbfgs;
mod least_squares;
mod line_search;
mod lm;
mod objective;
mod optimizer;
mod posterior;
mod prior;
mod rows;
mod schedule;
mod sgd;
mod sharpness;
mod state;
#[cfg(test)]
mod testing;
mod vector;

pub use adam::AdamMemory;
pub use error::{ParameterError, StateError};
pub use evidence::{Evidence, Found};
pub use least_squares::LeastSquares;
pub use lm::{LmState, LmStep};
pub use objective::{Failure, Objective, Step, StepOutcome};
pub use optimizer::Optimizer;
pub use posterior::Posterior;
pub use prior::{Prior, PriorBlock};
pub use rows::{Rows, Segment};
pub use schedule::Schedule;
pub use sharpness::SharpnessAware;
pub use state::{OptimizerState, State};
