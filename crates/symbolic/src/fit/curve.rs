//! A curve to be explained, in units of its own.

use super::values_on;
use crate::expression::Expression;

/// Fewest nodes of a curve: twice as many as the constants of the largest families.
const FEWEST: usize = 8;

/// Why nodes are no curve.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Fewer than 8 nodes, or not as many values.
    #[error(
        "a curve needs at least {FEWEST} nodes with a value each, found {nodes} nodes and {values} values"
    )]
    Length {
        /// Nodes found.
        nodes: usize,
        /// Values found.
        values: usize,
    },
    /// A node or a value that is infinite or NaN.
    #[error("node {node} of the curve is at {x:?} and has the value {y:?}: expected finite numbers")]
    NotFinite {
        /// Which node.
        node: usize,
        /// Where it is.
        x: f64,
        /// Its value.
        y: f64,
    },
    /// All nodes in one place.
    #[error("all nodes of the curve are at {x:?}")]
    Range {
        /// The place.
        x: f64,
    },
}

/// Values at nodes. Where there are more nodes, the curve counts for more.
#[derive(Clone, Debug)]
pub struct Curve {
    x: Vec<f64>,
    unit: Vec<f64>,
    middle: f64,
    half: f64,
    centred: Vec<f64>,
    mean: f64,
    spread: f64,
}

impl Curve {
    /// A curve of the values `y` at the nodes `x`, in any order.
    ///
    /// # Errors
    /// [`CurveError`].
    pub fn new(x: &[f64], y: &[f64]) -> Result<Self, CurveError> {
        if x.len() < FEWEST || x.len() != y.len() {
            return Err(CurveError::Length { nodes: x.len(), values: y.len() });
        }
        if let Some(node) = (0..x.len()).find(|node| !(x[*node].is_finite() && y[*node].is_finite())) {
            return Err(CurveError::NotFinite { node, x: x[node], y: y[node] });
        }
        let (low, high) =
            x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        let (middle, half) = (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low);
        let unit: Vec<f64> = x.iter().map(|x| (x - middle) / half).collect();
        if !unit.iter().all(|u| u.is_finite()) {
            return Err(CurveError::Range { x: low });
        }
        let count = y.len() as f64;
        let mean = y.iter().map(|y| y / count).sum::<f64>();
        let largest = y.iter().fold(0.0_f64, |largest, y| largest.max((y - mean).abs()));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let square = y.iter().map(|y| ((y - mean) / scale).powi(2)).sum::<f64>();
        let spread = if square > 0.0 { scale * (square / count).sqrt() } else { 1.0 };
        let centred = y.iter().map(|y| (y - mean) / spread).collect();
        Ok(Self { x: x.to_vec(), unit, middle, half, centred, mean, spread })
    }

    /// The nodes.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// The nodes on [−1, 1].
    pub(crate) fn unit(&self) -> &[f64] {
        &self.unit
    }

    /// The node that is 0 on [−1, 1].
    pub(crate) fn middle(&self) -> f64 {
        self.middle
    }

    /// The distance from there to the ends.
    pub(crate) fn half(&self) -> f64 {
        self.half
    }

    /// The values.
    pub(crate) fn y(&self) -> Vec<f64> {
        self.centred.iter().map(|y| self.mean + self.spread * y).collect()
    }

    /// The values with mean 0 and variance 1.
    pub(crate) fn centred(&self) -> &[f64] {
        &self.centred
    }

    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the values; 1 if they are all the same.
    pub(crate) fn spread(&self) -> f64 {
        self.spread
    }

    /// Whether the values differ by no more than their rounding.
    pub fn is_constant(&self) -> bool {
        let largest = self.centred.iter().fold(0.0_f64, |largest, y| largest.max(y.abs()));
        largest * self.spread <= 1e-14 * self.mean.abs() || largest == 0.0
    }

    /// The part of the variance that a function of `x` leaves unexplained; None where it is not finite.
    pub fn unexplained(&self, function: &Expression) -> Option<f64> {
        if self.is_constant() {
            return Some(0.0);
        }
        let values = values_on(&self.x, function)?;
        let residuals =
            values.iter().zip(&self.centred).map(|(value, y)| (value - self.mean) / self.spread - y);
        Some(residuals.map(|residual| residual * residual).sum::<f64>() / self.x.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_curve_is_refused() {
        let x: Vec<f64> = (0..9).map(f64::from).collect();
        assert_eq!(Curve::new(&x[..7], &x[..7]).unwrap_err(), CurveError::Length { nodes: 7, values: 7 });
        assert_eq!(Curve::new(&x, &x[..8]).unwrap_err(), CurveError::Length { nodes: 9, values: 8 });
        assert_eq!(Curve::new(&[2.0; 9], &x).unwrap_err(), CurveError::Range { x: 2.0 });
        let mut y = x.clone();
        y[4] = f64::NAN;
        assert!(matches!(Curve::new(&x, &y).unwrap_err(), CurveError::NotFinite { node: 4, .. }));
    }

    #[test]
    fn curves_of_any_size_have_variance_1() {
        for scale in [1e-200, 1.0, 1e200] {
            let x: Vec<f64> = (0..20).map(|i| scale * f64::from(i)).collect();
            let curve = Curve::new(&x, &x).unwrap();
            let variance = curve.centred().iter().map(|y| y * y).sum::<f64>() / 20.0;
            assert!((variance - 1.0).abs() < 1e-12);
            assert!(!curve.is_constant());
        }
        assert!(Curve::new(&(0..9).map(f64::from).collect::<Vec<_>>(), &[3.0; 9]).unwrap().is_constant());
    }
}
