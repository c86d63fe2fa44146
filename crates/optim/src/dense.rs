//! Dense Cholesky factors. The bulk of the work is matrix products, which `ndarray` hands to kernels that use what the
//! machine has; the rest are loops over blocks small enough not to matter.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Slice};

/// Columns factored before the rest of the matrix is brought up to date.
const PANEL: usize = 48;
/// Columns of the rest that are updated at once; what is right of the diagonal is computed in vain.
const STRIP: usize = 128;

/// The factor `L` of a positive definite matrix `A = L·Lᵀ`; what is above its diagonal means nothing.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    factor: Array2<f64>,
}

impl Cholesky {
    /// Factors the matrix whose lower half is given, `[n, n]`; None unless it is positive definite to rounding.
    pub(crate) fn new(mut a: Array2<f64>) -> Option<Self> {
        let n = a.nrows();
        let mut from = 0;
        while from < n {
            let to = (from + PANEL).min(n);
            if !factor_panel(&mut a, from, to) {
                return None;
            }
            let (left, mut right) = a.view_mut().split_at(Axis(1), to);
            let panel = part(&left, to..n, from..to);
            add_products(-1.0, &panel, &mut right.slice_axis_mut(Axis(0), Slice::from(to..n)));
            from = to;
        }
        Some(Self { factor: a })
    }

    /// `x ← A⁻¹·x`.
    pub(crate) fn solve(&self, x: &mut [f64]) {
        self.forward(x);
        for i in (0..x.len()).rev() {
            let row = self.row(i);
            x[i] /= row[i];
            let value = x[i];
            for (x, l) in x[..i].iter_mut().zip(row) {
                *x -= l * value;
            }
        }
    }

    /// `x ← L⁻¹·x`.
    pub(crate) fn forward(&self, x: &mut [f64]) {
        for i in 0..x.len() {
            let row = self.row(i);
            let left: f64 = row[..i].iter().zip(&x[..i]).map(|(l, x)| l * x).sum();
            x[i] = (x[i] - left) / row[i];
        }
    }

    /// `L⁻¹`, lower triangular.
    pub(crate) fn inverse_factor(&self) -> Array2<f64> {
        let n = self.factor.nrows();
        let mut inverse = Array2::zeros((n, n));
        for i in 0..n {
            let (above, mut below) = inverse.view_mut().split_at(Axis(0), i);
            let mut row = below.row_mut(0);
            for j in 0..i {
                let l = self.factor[(i, j)];
                row.iter_mut().zip(above.row(j)).take(j + 1).for_each(|(x, a)| *x -= l * a);
            }
            row[i] = 1.0;
            row /= self.factor[(i, i)];
        }
        inverse
    }

    fn row(&self, i: usize) -> &[f64] {
        let n = self.factor.ncols();
        &self.factor.as_slice().unwrap_or_default()[i * n..(i + 1) * n]
    }
}

/// Adds `factor·X·Xᵀ` to the lower half of a square matrix; some of what is above its diagonal changes as well.
pub(crate) fn add_products(factor: f64, x: &ArrayView2<'_, f64>, matrix: &mut ArrayViewMut2<'_, f64>) {
    let n = matrix.nrows();
    for first in (0..n).step_by(STRIP) {
        let last = (first + STRIP).min(n);
        let mut strip = matrix.slice_axis_mut(Axis(1), Slice::from(first..last));
        let mut strip = strip.slice_axis_mut(Axis(0), Slice::from(first..n));
        let rows = x.slice_axis(Axis(0), Slice::from(first..));
        let columns = x.slice_axis(Axis(0), Slice::from(first..last));
        general_mat_mul(factor, &rows, &columns.t(), 1.0, &mut strip);
    }
}

/// Some rows and columns of a matrix.
pub(crate) fn part<'a, S: ndarray::Data<Elem = f64>>(
    matrix: &'a ndarray::ArrayBase<S, ndarray::Ix2>,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
) -> ArrayView2<'a, f64> {
    let mut part = matrix.view();
    part.slice_axis_inplace(Axis(0), Slice::from(rows));
    part.slice_axis_inplace(Axis(1), Slice::from(columns));
    part
}

/// Factors columns `from..to`, which have been brought up to date with those before them.
fn factor_panel(a: &mut Array2<f64>, from: usize, to: usize) -> bool {
    let n = a.nrows();
    let Some(a) = a.as_slice_mut() else { return false };
    for i in from..n {
        let (before, row) = a.split_at_mut(i * n);
        let row = &mut row[..n];
        for j in from..to.min(i + 1) {
            let mut sum = row[j];
            if j == i {
                sum -= row[from..j].iter().map(|l| l * l).sum::<f64>();
                if !(sum > 0.0 && sum.is_finite()) {
                    return false;
                }
                row[j] = sum.sqrt();
            } else {
                let other = &before[j * n..j * n + n];
                sum -= row[from..j].iter().zip(&other[from..j]).map(|(l, m)| l * m).sum::<f64>();
                row[j] = sum / other[j];
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(n: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, n), |(i, j)| {
            let spread = 1.0 / (1.0 + i.abs_diff(j) as f64) * ((i * j) as f64).cos();
            if i == j { 10.0 + (i as f64).sin() } else { spread }
        })
    }

    #[test]
    fn solve_undoes_multiply_at_every_border_of_the_blocks() {
        for n in [1, 2, PANEL - 1, PANEL, PANEL + 1, 3 * PANEL + 5, PANEL + STRIP, PANEL + STRIP + 1, 300] {
            let a = matrix(n);
            let x: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let mut y: Vec<f64> =
                (0..n).map(|i| (0..n).map(|j| a[(i.max(j), i.min(j))] * x[j]).sum()).collect();
            let factor = Cholesky::new(a.clone()).unwrap();
            factor.solve(&mut y);
            let error = y.iter().zip(&x).map(|(y, x)| (y - x).abs()).fold(0.0, f64::max);
            assert!(error < 1e-12, "{n}: {error}");
            let inverse = factor.inverse_factor();
            let mut unit = vec![0.0; n];
            unit[n / 2] = 1.0;
            factor.forward(&mut unit);
            for i in 0..n {
                assert!((inverse[(i, n / 2)] - unit[i]).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut a = matrix(100);
        a[(80, 80)] = -1.0;
        assert!(Cholesky::new(a.clone()).is_none());
        a[(80, 80)] = f64::NAN;
        assert!(Cholesky::new(a).is_none());
        assert!(Cholesky::new(Array2::zeros((3, 3))).is_none());
    }
}
