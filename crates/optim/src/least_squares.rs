//! What Levenberg–Marquardt asks of the world: an objective with a Gauss–Newton model in sparse rows.

use crate::rows::Rows;

/// An objective `F(x)` whose curvature is that of a sum of squares.
///
/// For a plain least-squares problem `F = Σ rᵢ²`, and the rows are those of the Jacobian of `r`. For another convex
/// loss of a model's outputs (a generalised Gauss–Newton problem) rows and residuals are scaled so that `2·Jᵀr` is the
/// gradient of `F` and `2·JᵀJ` the Gauss–Newton approximation of its Hessian.
pub trait LeastSquares {
    /// Why an evaluation was given up: a cancellation, a failing backend.
    type Stop;

    /// `F(x)`. A value that is not finite is an ordinary answer: the point is rejected.
    ///
    /// # Errors
    /// `Stop` ends the step at once.
    fn value(&mut self, x: &[f64]) -> Result<f64, Self::Stop>;

    /// The model at `x`: replaces the content of `rows` and `residuals`, which get equal lengths.
    ///
    /// # Errors
    /// `Stop` ends the step at once.
    fn linearise(&mut self, x: &[f64], rows: &mut Rows, residuals: &mut Vec<f64>) -> Result<(), Self::Stop>;
}
