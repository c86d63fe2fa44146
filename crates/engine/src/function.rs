//! What an edge may be instead of a spline: a function with constants, of which the engine knows no more than values and
//! derivatives.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A function of one variable with constants that can be trained.
pub trait EdgeFunction: Debug + Send + Sync {
    /// Number of constants.
    fn constants(&self) -> usize;

    /// Derivatives at `x` for the orders that `out: [orders, 1 + constants]` has room for, lowest first, at most four: of
    /// the function itself, and of its derivatives by each constant. NaN or infinite where there is no value.
    fn evaluate(&self, constants: &[f64], x: f64, out: &mut [f64]);

    /// This plus a fixed number: a function of the same constants.
    fn plus(&self, number: f64) -> Arc<dyn EdgeFunction>;

    /// For whoever knows what kind of function it is.
    fn as_any(&self) -> &dyn Any;
}
