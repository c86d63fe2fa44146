//! Losses made of equations: a network is fitted so that a differential equation, its boundary values and measurements
//! hold at given points.
//!
//! A [`Tape`] is a residual as data: arithmetic over the network's outputs, their first and second derivatives by the
//! inputs, coordinates and given numbers. A [`Term`] asks for it to vanish at some points; [`solve`] minimises the
//! weighted sum of the terms' mean squares, and [`derivatives`] evaluates what a tape may speak of. Everything here is
//! in the user's units, whatever scaler the network has.
//!
//! Computation is in `f64` for networks of either number type, and on one thread, so that the bits of a result depend
//! on the arguments alone.

#![forbid(unsafe_code)]

mod derivatives;
mod error;
mod options;
mod problem;
mod report;
mod solve;
mod tape;
mod term;
mod units;

pub use derivatives::{Derivatives, Order, derivatives};
pub use error::{PhysicsError, TapeError, TermError};
pub use options::{GridUpdates, SolveOptions};
pub use report::{SolveReport, TermReport};
pub use solve::solve;
pub use tape::{Op, Tape};
pub use term::Term;
