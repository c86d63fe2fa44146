//! Passes over a program that keep what every edge did: exact derivatives of the outputs, by the inputs and by the
//! parameters at once, row by row, in `f64`.
//!
//! A [`Packing`] gives the parameters the form that least-squares solvers want. A [`Trace`] runs rows forward, with as
//! many derivatives by the inputs as its [`Jet`] carries, and turns any weighted sum of these into a sparse Jacobian
//! row. [`moments`] and [`activity_penalty`] say what edges amount to on data. All passes are sequential, so that the
//! bits of a result depend on the arguments alone; callers run several fits side by side.

#![forbid(unsafe_code)]

mod activity;
mod basis;
mod executor;
mod functions;
mod jet;
mod kernels;
mod moments;
mod packing;
mod products;
mod records;
mod stage;
#[cfg(test)]
mod testing;
mod trace;

pub use activity::activity_penalty;
pub use executor::WithFunctions;
pub use jet::Jet;
pub use moments::{LayerMoments, moments};
pub use packing::{PackedEdge, Packing};
pub use trace::Trace;
