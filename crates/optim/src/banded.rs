//! Factors of banded matrices, and the rows of their inverses. A row of an inverse is a combination
//! of the few rows below it, so that a sweep from the last row to the first costs little more than writing it down.

use kanode_spline::Banded;

/// Rows that are combined in one pass.
const TOGETHER: usize = 4;

/// `A = L·D·Lᵀ` of a positive definite banded matrix, with a unit lower triangle `L`.
#[derive(Clone, Debug)]
pub(crate) struct BandedFactor {
    n: usize,
    bandwidth: usize,
    /// By columns `i`: `1/D_i`, then `L[i + d, i]` for `d = 1 … bandwidth`, 0 where there is no such row.
    columns: Vec<f64>,
}

impl BandedFactor {
    /// Factors `scale·matrix + diagonal·I`; None unless that is positive definite to rounding.
    pub(crate) fn new(matrix: &Banded, scale: f64, diagonal: f64) -> Option<Self> {
        let (n, bandwidth) = (matrix.n(), matrix.bandwidth());
        let width = bandwidth + 1;
        let mut columns = vec![0.0; n * width];
        for i in 0..n {
            for (d, entry) in matrix.row(i).iter().enumerate().take(i + 1) {
                columns[(i - d) * width + d] = scale * entry + if d == 0 { diagonal } else { 0.0 };
            }
        }
        for i in 0..n {
            let (done, rest) = columns.split_at_mut((i + 1) * width);
            let column = &mut done[i * width..];
            if !(column[0] > 0.0 && column[0].is_finite()) {
                return None;
            }
            // With roots, as in L·Lᵀ: the verdict on what is singular to rounding is that of the usual factor.
            let root = column[0].sqrt();
            column[1..].iter_mut().for_each(|entry| *entry /= root);
            for (below, next) in (1..width).zip(rest.chunks_exact_mut(width)) {
                for (next, entry) in next.iter_mut().zip(&column[below..]) {
                    *next -= column[below] * entry;
                }
            }
            column[0] = (root * root).recip();
            column[1..].iter_mut().for_each(|entry| *entry /= root);
        }
        Some(Self { n, bandwidth, columns })
    }

    /// Number of rows.
    pub(crate) fn n(&self) -> usize {
        self.n
    }

    /// `x ← A⁻¹·x`, `[n]`.
    pub(crate) fn solve(&self, x: &mut [f64]) {
        self.forward(x);
        let width = self.bandwidth + 1;
        for (i, column) in self.columns.chunks_exact(width).enumerate().rev() {
            let (value, rest) = (x[i] * column[0], &x[i + 1..]);
            let sum: f64 = column[1..].iter().zip(rest).map(|(l, x)| l * x).sum();
            x[i] = value - sum;
        }
    }

    /// `x ← L⁻¹·x`, `[n]`.
    fn forward(&self, x: &mut [f64]) {
        for (i, column) in self.columns.chunks_exact(self.bandwidth + 1).enumerate() {
            let (value, rest) = (x[i], &mut x[i + 1..]);
            // Right-hand sides of few columns begin with zeros.
            if value != 0.0 {
                rest.iter_mut().zip(&column[1..]).for_each(|(x, l)| *x -= l * value);
            }
        }
    }

    /// `x ← D^-½·L⁻¹·x`, `[n]`, so that scalar products become those under `A⁻¹`.
    pub(crate) fn whiten(&self, x: &mut [f64]) {
        self.forward(x);
        for (x, column) in x.iter_mut().zip(self.columns.chunks_exact(self.bandwidth + 1)) {
            *x *= column[0].sqrt();
        }
    }

    /// `tr(A⁻¹)`, of which only the band need be known (Takahashi, Fagan & Chin 1973).
    pub(crate) fn trace_of_inverse(&self) -> f64 {
        let mut inverse = InverseRows::new(self, self.bandwidth + 1, self.bandwidth + 1);
        let mut trace = 0.0;
        for i in (0..self.n).rev() {
            inverse.advance(i);
            trace += inverse.row(i)[i];
        }
        trace
    }

    fn reciprocal(&self, i: usize) -> f64 {
        self.columns[i * (self.bandwidth + 1)]
    }

    fn below(&self, i: usize) -> &[f64] {
        &self.columns[i * (self.bandwidth + 1) + 1..(i + 1) * (self.bandwidth + 1)]
    }
}

/// The rows of an inverse, from the last to the first, of which the latest are kept.
///
/// `Lᵀ·A⁻¹ = D⁻¹·L⁻¹` is lower triangular, hence what is right of the diagonal in row `i` is
/// `−Σ_d L[i + d, i]·row(i + d)`, and the diagonal has `1/D_i` more.
pub(crate) struct InverseRows<'a> {
    factor: &'a BandedFactor,
    /// Row `i` is at `i` modulo their number.
    kept: Vec<Vec<f64>>,
    reach: usize,
    /// The row computed last.
    first: usize,
}

impl<'a> InverseRows<'a> {
    /// No rows yet. Of rows computed, `keep` at a time can be read, and of them the `reach` numbers that begin with the
    /// diagonal; both are at least the band and the diagonal.
    pub(crate) fn new(factor: &'a BandedFactor, keep: usize, reach: usize) -> Self {
        let least = factor.bandwidth + 1;
        let kept = vec![vec![0.0; factor.n]; keep.max(least)];
        Self { factor, kept, reach: reach.max(least), first: factor.n }
    }

    /// Goes on to row `to`, if it is above the row computed last.
    pub(crate) fn advance(&mut self, to: usize) {
        let (n, keep) = (self.factor.n, self.kept.len());
        while self.first > to {
            let i = self.first - 1;
            let mut row = std::mem::take(&mut self.kept[i % keep]);
            let below = &self.factor.below(i)[..self.factor.bandwidth.min(n - 1 - i)];
            let end = n.min(i + self.reach);
            combine(&mut row[i + 1..end], below, |d| &self.kept[(i + 1 + d) % keep][i + 1..end]);
            row[i + 1..end].iter_mut().for_each(|entry| *entry = -*entry);
            let sum: f64 = below.iter().zip(&row[i + 1..]).map(|(l, entry)| l * entry).sum();
            row[i] = self.factor.reciprocal(i) - sum;
            // The inverse is symmetric: rows kept are known from the column of the latest on.
            for (j, entry) in (i + 1..end.min(i + keep)).zip(&row[i + 1..]) {
                self.kept[j % keep][i] = *entry;
            }
            self.kept[i % keep] = row;
            self.first = i;
        }
    }

    /// A row that is kept, known from the column of the row computed last on.
    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.kept[i % self.kept.len()]
    }
}

/// `out ← Σ_a weights[a]·row(a)`, for rows as long as `out`.
pub(crate) fn combine<'a>(out: &mut [f64], weights: &[f64], row: impl Fn(usize) -> &'a [f64]) {
    out.fill(0.0);
    let n = out.len();
    for (chunk, weights) in weights.chunks(TOGETHER).enumerate() {
        let first = chunk * TOGETHER;
        let term = |a: usize| weights.get(a).map_or((0.0, row(first)), |weight| (*weight, row(first + a)));
        let [(u, a), (v, b), (w, c), (x, d)] = std::array::from_fn::<_, TOGETHER, _>(term);
        let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
        for i in 0..n {
            out[i] += (u * a[i] + v * b[i]) + (w * c[i] + x * d[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn solutions_rows_and_trace_are_those_of_the_inverse(
            n in 1usize..30,
            bandwidth in 0usize..6,
            keep in 0usize..8,
            numbers in prop::collection::vec(-1.0..1.0f64, 200),
        ) {
            let mut matrix = Banded::zeros(n, bandwidth);
            let mut numbers = numbers.iter().cycle();
            for i in 0..n {
                (0..=bandwidth.min(i)).for_each(|d| matrix.add(i, i - d, *numbers.next().unwrap()));
            }
            // Dominated by the diagonal, hence conditions of at most 30 and errors of some 1e-15.
            let (scale, diagonal) = (0.5, bandwidth as f64 + 1.0);
            let factor = BandedFactor::new(&matrix, scale, diagonal).unwrap();
            let mut inverse = InverseRows::new(&factor, keep, n);
            let mut trace = 0.0;
            for i in (0..n).rev() {
                let mut column = vec![0.0; n];
                column[i] = 1.0;
                factor.solve(&mut column);
                trace += column[i];
                inverse.advance(i);
                for (j, expected) in column.iter().enumerate().skip(i).take(keep) {
                    prop_assert!((inverse.row(j)[i] - expected).abs() < 1e-13);
                }
                for (found, expected) in inverse.row(i)[i..].iter().zip(&column[i..]) {
                    prop_assert!((found - expected).abs() < 1e-13);
                }
                let mut product: Vec<f64> = column.iter().map(|x| diagonal * x).collect();
                for (i, product) in product.iter_mut().enumerate() {
                    *product += (0..n).map(|j| scale * matrix.get(i, j) * column[j]).sum::<f64>();
                }
                product[i] -= 1.0;
                prop_assert!(product.iter().all(|error| error.abs() < 1e-13));
            }
            prop_assert!((factor.trace_of_inverse() - trace).abs() < 1e-12);
            let (mut solved, mut white) = (vec![0.0; n], vec![0.0; n]);
            (solved[0], white[0]) = (1.0, 1.0);
            factor.solve(&mut solved);
            factor.whiten(&mut white);
            prop_assert!((white.iter().map(|x| x * x).sum::<f64>() - solved[0]).abs() < 1e-13);
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut matrix = Banded::zeros(3, 1);
        assert!(BandedFactor::new(&matrix, 1.0, 0.0).is_none());
        assert!(BandedFactor::new(&matrix, 1.0, f64::NAN).is_none());
        matrix.add(1, 0, 1.0);
        assert!(BandedFactor::new(&matrix, 1.0, 1.0).is_none());
        assert!(BandedFactor::new(&matrix, 1.0, 1.1).is_some());
    }
}
