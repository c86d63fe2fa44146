//! Symmetric banded matrices and their Cholesky factors: everything that a spline's control points share with their
//! neighbours only, such as Gram and roughness matrices, is one.

/// A symmetric matrix that is zero further than `bandwidth` from its diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct Banded {
    n: usize,
    bandwidth: usize,
    /// The lower half by rows: entry `(i, i − d)` at `i·(bandwidth + 1) + d`.
    entries: Vec<f64>,
}

/// The lower triangular factor `L` of a positive definite banded matrix `A = L·Lᵀ`.
#[derive(Clone, Debug, PartialEq)]
pub struct BandedCholesky {
    factor: Banded,
}

impl Banded {
    /// The matrix `[n, n]` of zeros.
    pub fn zeros(n: usize, bandwidth: usize) -> Self {
        Self { n, bandwidth, entries: vec![0.0; n * (bandwidth + 1)] }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Largest distance from the diagonal that an entry may have.
    pub fn bandwidth(&self) -> usize {
        self.bandwidth
    }

    /// Entry `(i, j)`; 0 outside the band.
    ///
    /// # Panics
    /// If `i` or `j` is not below `n`.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        let distance = i.abs_diff(j);
        assert!(i.max(j) < self.n, "entry ({i}, {j}) of a matrix of {} rows", self.n);
        if distance > self.bandwidth { 0.0 } else { self.entries[i.max(j) * (self.bandwidth + 1) + distance] }
    }

    /// The entries `(i, i − d)` for `d = 0 … bandwidth`; those left of the first column are 0.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.entries[i * (self.bandwidth + 1)..][..=self.bandwidth]
    }

    /// Adds to the entries `(i, j)` and `(j, i)`, which are one.
    ///
    /// # Panics
    /// If the entry is not in the band.
    pub fn add(&mut self, i: usize, j: usize, value: f64) {
        let distance = i.abs_diff(j);
        assert!(distance <= self.bandwidth, "entry ({i}, {j}) of a matrix of bandwidth {}", self.bandwidth);
        self.entries[i.max(j) * (self.bandwidth + 1) + distance] += value;
    }

    /// Adds to all entries of the diagonal.
    pub fn add_diagonal(&mut self, value: f64) {
        self.entries.iter_mut().step_by(self.bandwidth + 1).for_each(|entry| *entry += value);
    }

    /// Multiplies all entries.
    pub fn scale(&mut self, factor: f64) {
        self.entries.iter_mut().for_each(|entry| *entry *= factor);
    }

    /// A multiple of the matrix.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let mut scaled = self.clone();
        scaled.scale(factor);
        scaled
    }

    /// `y ← y + A·x`, both `[n]`.
    pub fn multiply_add(&self, x: &[f64], y: &mut [f64]) {
        for i in 0..self.n {
            let row = self.row(i);
            y[i] += row[0] * x[i];
            for d in 1..=self.bandwidth.min(i) {
                y[i] += row[d] * x[i - d];
                y[i - d] += row[d] * x[i];
            }
        }
    }

    /// `xᵀ·A·x` for `x: [n]`.
    pub fn quadratic_form(&self, x: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.n {
            let row = self.row(i);
            let left: f64 = (1..=self.bandwidth.min(i)).map(|d| row[d] * x[i - d]).sum();
            sum += x[i] * (row[0] * x[i] + 2.0 * left);
        }
        sum
    }

    /// The Cholesky factor; None unless the matrix is positive definite to rounding.
    pub fn cholesky(&self) -> Option<BandedCholesky> {
        let mut factor = self.clone();
        let (width, reach) = (self.bandwidth + 1, self.bandwidth);
        for i in 0..self.n {
            for d in (0..=reach.min(i)).rev() {
                let j = i - d;
                let first = i.saturating_sub(reach).max(j.saturating_sub(reach));
                let mut sum = factor.entries[i * width + d];
                for l in first..j {
                    sum -= factor.entries[i * width + i - l] * factor.entries[j * width + j - l];
                }
                factor.entries[i * width + d] = if d > 0 {
                    sum / factor.entries[j * width]
                } else if sum > 0.0 && sum.is_finite() {
                    sum.sqrt()
                } else {
                    return None;
                };
            }
        }
        Some(BandedCholesky { factor })
    }
}

impl BandedCholesky {
    /// Number of rows.
    pub fn n(&self) -> usize {
        self.factor.n
    }

    /// `x ← A⁻¹·x`, `[n]`.
    pub fn solve(&self, x: &mut [f64]) {
        self.forward(x);
        let reach = self.factor.bandwidth;
        for i in (0..self.factor.n).rev() {
            let row = self.factor.row(i);
            x[i] /= row[0];
            for d in 1..=reach.min(i) {
                x[i - d] -= row[d] * x[i];
            }
        }
    }

    /// `x ← L⁻¹·x`, `[n]`.
    pub fn forward(&self, x: &mut [f64]) {
        let reach = self.factor.bandwidth;
        for i in 0..self.factor.n {
            let row = self.factor.row(i);
            let left: f64 = (1..=reach.min(i)).map(|d| row[d] * x[i - d]).sum();
            x[i] = (x[i] - left) / row[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A diagonally dominant matrix.
    fn matrix(n: usize, bandwidth: usize, numbers: &[f64]) -> Banded {
        let mut matrix = Banded::zeros(n, bandwidth);
        let mut numbers = numbers.iter().cycle();
        for i in 0..n {
            for d in 0..=bandwidth.min(i) {
                let dominant = if d == 0 { 2.0 * bandwidth as f64 + 1.0 } else { 0.0 };
                matrix.add(i, i - d, dominant + numbers.next().unwrap());
            }
        }
        matrix
    }

    proptest! {
        #[test]
        fn solve_undoes_multiply(
            n in 1usize..40,
            bandwidth in 0usize..6,
            numbers in prop::collection::vec(-1.0..1.0f64, 200),
        ) {
            let a = matrix(n, bandwidth, &numbers);
            let x: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let mut y = vec![0.0; n];
            a.multiply_add(&x, &mut y);
            for (i, found) in y.iter().enumerate() {
                let slow: f64 = (0..n).map(|j| a.get(i, j) * x[j]).sum();
                prop_assert!((slow - found).abs() < 1e-12);
            }
            let form: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            prop_assert!((a.quadratic_form(&x) - form).abs() < 1e-11);
            let factor = a.cholesky().unwrap();
            let mut half = y.clone();
            factor.forward(&mut half);
            factor.solve(&mut y);
            for (found, expected) in y.iter().zip(&x) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
            // |L⁻¹·A·x|² is the form.
            prop_assert!((half.iter().map(|v| v * v).sum::<f64>() - form).abs() < 1e-10);
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert_eq!(Banded::zeros(3, 1).cholesky(), None);
        let mut nan = matrix(3, 1, &[0.0]);
        nan.add(1, 1, f64::NAN);
        assert_eq!(nan.cholesky(), None);
        let mut singular = Banded::zeros(2, 1);
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            singular.add(i, j, 1.0);
        }
        assert_eq!(singular.cholesky(), None);
    }

    #[test]
    fn the_factor_is_that_of_the_dense_matrix() {
        for (n, bandwidth) in [(1, 0), (2, 5), (9, 0), (9, 2), (30, 4), (12, 11)] {
            let numbers: Vec<f64> = (0..97).map(|i| f64::from(i * i).sin()).collect();
            let banded = matrix(n, bandwidth, &numbers);
            let mut dense = vec![vec![0.0; n]; n];
            for i in 0..n {
                for j in 0..=i {
                    let rest: f64 = (0..j).map(|l| dense[i][l] * dense[j][l]).sum();
                    let value = banded.get(i, j) - rest;
                    dense[i][j] = if i == j { value.sqrt() } else { value / dense[j][j] };
                }
            }
            let found = banded.cholesky().unwrap();
            for (i, row) in dense.iter().enumerate() {
                for (j, expected) in row.iter().enumerate().take(i + 1) {
                    assert!((found.factor.get(i, j) - expected).abs() < 1e-13, "{n} {bandwidth}: {i} {j}");
                }
            }
        }
    }
}
