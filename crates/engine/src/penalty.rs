//! What may be minimised beside a loss, as plain data that backends understand: how much edges do, and quadratic forms
//! of their control points. [`crate::reference::penalty`] is the oracle.

use kanode_spline::Banded;
use std::sync::Arc;

/// Terms beside a loss, each a sum over all edges, for programs whose edges are splines. `c = w_s·P` are the effective
/// control points of an edge, and `|φ|₁` is the mean of `|φ(x)|` over the rows, weighted where these are.
#[derive(Clone, Debug, Default)]
pub struct Penalty {
    /// Strength of `Σ |φ|₁` (KAN paper, arXiv 2404.19756, eq. 2.17).
    pub l1: f64,
    /// Strength of the sum over the layers of `−Σ p·ln p`, `p = |φ|₁ / Σ |φ|₁` (same paper, eq. 2.19).
    pub entropy: f64,
    /// Strength of `Σ |c_i|`.
    pub coefficient: f64,
    /// For each layer and each of its inputs: what its edges add.
    pub forms: Vec<Vec<EdgeForm>>,
}

/// What an edge adds: `cᵀ·M·c + base·w_b²`.
#[derive(Clone, Debug)]
pub struct EdgeForm {
    /// `M: [bases, bases]`.
    pub matrix: Arc<Banded>,
    /// Strength of the squared base weight; 0 where there is no base function.
    pub base: f64,
}

impl Penalty {
    /// Whether it depends on what edges do with the rows, not on parameters alone.
    pub fn is_active(&self) -> bool {
        self.l1 != 0.0 || self.entropy != 0.0
    }
}
