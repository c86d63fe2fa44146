//! Splines as one polynomial per cell of the real line: the form that every fast kernel evaluates.
//! Clamped, extended and adaptive knots and all behaviours outside the domain become the same table of coefficients,
//! because the line beyond the domain is made of cells too.

use crate::knots::{DEGREES, KnotEnds, Knots, Outside};

/// A number for each basis function that is not zero on an interval, enough of them for the highest degree.
type Slots = [f64; *DEGREES.end() + 1];

/// One piece of the real line, on which each basis function is one polynomial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The cell holds `start <= x < start of the next cell`; −∞ for the first cell.
    pub start: f64,
    /// Where the local coordinate `u = (x - origin)·inverse_width` is zero.
    pub origin: f64,
    /// Scale of the local coordinate; finite and positive. On the intervals of the domain `u` runs from 0 to 1.
    pub inverse_width: f64,
    /// The basis functions `row … row + k` may differ from zero here; `row + k < G + k`.
    pub row: usize,
}

/// The basis functions of a spline as polynomials in a local coordinate, cell by cell:
/// `N_{row+slot}(x) = Σ_p coefficients[p][slot]·u^p`, all other basis functions being zero.
///
/// The cells are the `G` intervals of the domain and what lies beyond it: one cell on each side, linear, constant or
/// zero; with [`Outside::Zero`] and extended knots first the `k` intervals over which the basis functions decay.
/// Cells are half open, but `b` belongs to the last interval of the domain.
///
/// Coordinates are local to keep all digits: in truncated powers of `x` they are lost at `G = 200` in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct CellTable {
    knots: Knots,
    outside: Outside,
    starts: Vec<f64>,
    cells: Vec<Cell>,
    coefficients: Vec<f64>,
}

impl CellTable {
    /// Builds the table: `O(G·k³)` operations, `(k + 1)²` numbers for each cell.
    pub fn new(knots: &Knots, outside: Outside) -> Self {
        let (degree, grid, t) = (knots.degree(), knots.grid(), knots.as_slice());
        let decay = if outside == Outside::Zero && knots.ends() == KnotEnds::Extended { degree } else { 0 };
        let powers_beyond = match outside {
            Outside::Linear => 2,
            Outside::Constant => 1,
            Outside::Zero => 0,
        };
        // Interval j is [t[j], t[j + 1]) in the knot vector; the domain is the intervals degree .. degree + grid.
        let (first, end) = (degree - decay, degree + grid + decay);
        let above_domain = t[degree + grid].next_up();
        let starts_at = |j: usize| if j == degree + grid { above_domain } else { t[j] };

        let mut table = Self {
            knots: knots.clone(),
            outside,
            starts: Vec::new(),
            cells: Vec::new(),
            coefficients: Vec::new(),
        };
        table.push(f64::NEG_INFINITY, first, first, powers_beyond);
        for j in first..end {
            table.push(starts_at(j), j, j, degree + 1);
        }
        table.push(starts_at(end), end - 1, end, powers_beyond);
        table
    }

    /// Adds a cell with the polynomials of an interval, expanded about the knot number `about` (the lower or the upper
    /// end of the interval) and cut off after `powers` powers.
    fn push(&mut self, start: f64, interval: usize, about: usize, powers: usize) {
        let (degree, t) = (self.knots.degree(), self.knots.as_slice());
        let origin = t[about];
        let row = interval.saturating_sub(degree).min(self.knots.grid() - 1);
        let inverse_width = (t[interval + 1] - t[interval]).recip();
        self.starts.push(start);
        self.cells.push(Cell { start, origin, inverse_width, row });
        for power in 0..=degree {
            let taylor =
                if power < powers { taylor(t, degree, interval, origin, power) } else { Slots::default() };
            for basis in row..=row + degree {
                // Where the row was moved to stay among the G + k bases, some of them have no support here.
                let coefficient = (basis + degree).checked_sub(interval).and_then(|slot| taylor.get(slot));
                self.coefficients.push(coefficient.copied().unwrap_or(0.0));
            }
        }
    }

    /// The knots the table was made from.
    pub fn knots(&self) -> &Knots {
        &self.knots
    }

    /// The behaviour outside the domain the table was made for.
    pub fn outside(&self) -> Outside {
        self.outside
    }

    /// Degree `k` of the spline.
    pub fn degree(&self) -> usize {
        self.knots.degree()
    }

    /// Number of basis functions, `G + k`.
    pub fn basis_count(&self) -> usize {
        self.knots.basis_count()
    }

    /// The domain `(a, b)`.
    pub fn domain(&self) -> (f64, f64) {
        self.knots.domain()
    }

    /// Number of cells: `G + 2`, or `G + 2k + 2` where the basis functions decay outside the domain.
    pub fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// Cell number `c`.
    ///
    /// # Panics
    /// If `c` is not below [`cell_count`](Self::cell_count).
    pub fn cell(&self, c: usize) -> Cell {
        self.cells[c]
    }

    /// The start of each cell, increasing; the first is −∞.
    pub fn starts(&self) -> &[f64] {
        &self.starts
    }

    /// The polynomials of cell `c`: `[k + 1 powers, k + 1 slots]`, row-major.
    ///
    /// # Panics
    /// If `c` is not below [`cell_count`](Self::cell_count).
    pub fn coefficients(&self, c: usize) -> &[f64] {
        let size = (self.degree() + 1) * (self.degree() + 1);
        &self.coefficients[c * size..][..size]
    }

    /// The cell that holds `x`, by binary search. NaN is in cell 0, where its `u` is NaN and poisons the weights.
    pub fn find(&self, x: f64) -> usize {
        self.starts.partition_point(|&start| start <= x).saturating_sub(1)
    }

    /// Writes the `k + 1` basis functions `row … row + k` at `x` to `out` and returns `row`; all others are zero.
    /// They are NaN where `u` is not finite.
    ///
    /// # Panics
    /// If `out` is shorter than `k + 1`.
    pub fn weights(&self, x: f64, out: &mut [f64]) -> usize {
        self.derivative_weights(0, x, out)
    }

    /// As [`weights`](Self::weights), for the derivatives of order `order` with respect to `x`. Where a derivative
    /// jumps it is the one from the right, at `b` the one from the left.
    ///
    /// # Panics
    /// If `out` is shorter than `k + 1`.
    pub fn derivative_weights(&self, order: usize, x: f64, out: &mut [f64]) -> usize {
        let c = self.find(x);
        let cell = self.cells[c];
        self.local_derivatives(c, order, (x - cell.origin) * cell.inverse_width, cell.inverse_width, out);
        cell.row
    }

    /// Writes the derivatives of order `order` of the `k + 1` polynomials of cell `c` to `out`, at the local coordinate
    /// `u`, with respect to any coordinate `v` with `slope = du/dv`.
    pub(crate) fn local_derivatives(&self, c: usize, order: usize, u: f64, slope: f64, out: &mut [f64]) {
        let degree = self.degree();
        let coefficients = self.coefficients(c);
        let out = &mut out[..=degree];
        // Horner over all powers, beginning with a zero that NaN poisons whatever the coefficients are.
        out.fill(0.0 * u);
        for power in (order..=degree).rev() {
            let factor: f64 = (power - order + 1..=power).map(|p| p as f64 * slope).product();
            let row = &coefficients[power * (degree + 1)..];
            for (value, coefficient) in out.iter_mut().zip(row) {
                *value = *value * u + factor * coefficient;
            }
        }
    }
}

/// The coefficients of `u^power`, `u = (x - origin)/width`, in the polynomials that the basis functions are on an
/// interval of the knot vector: `width^power/power!` times their derivative at `origin`, one of the interval's ends.
/// Entry `slot` belongs to basis function `interval - k + slot`, and is not used where there is no such function.
///
/// These are `k - power` steps of Cox–de Boor and `power` steps of the derivative's recursion (Piegl and Tiller, "The
/// NURBS Book", equations 2.5 and 2.9), among the functions that are not zero on the interval: each denominator spans
/// it. The recursion with polynomials for numbers would give the same coefficients, but on adaptive grids with up to
/// three digits less in the higher ones, whose terms cancel.
fn taylor(t: &[f64], degree: usize, interval: usize, origin: f64, power: usize) -> Slots {
    let width = t[interval + 1] - t[interval];
    let value_steps = degree - power;
    let mut bases = Slots::default();
    bases[degree] = 1.0;
    for p in 1..=degree {
        // Basis function i of degree p has the knots i … i + p + 1. Ascending: i + 1 is still of degree p - 1.
        for i in interval.saturating_sub(p)..=interval.min(t.len() - 2 - p) {
            let slot = i + degree - interval;
            let left = if i + p > interval { bases[slot] / (t[i + p] - t[i]) } else { 0.0 };
            let right = if i < interval { bases[slot + 1] / (t[i + p + 1] - t[i + 1]) } else { 0.0 };
            bases[slot] = if p <= value_steps {
                (origin - t[i]) * left + (t[i + p + 1] - origin) * right
            } else {
                // The factors p of the derivatives, over those of the factorial.
                (left - right) * width * p as f64 / (p - value_steps) as f64
            };
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(degree: usize, ends: KnotEnds, outside: Outside) -> CellTable {
        CellTable::new(&Knots::uniform(-2.0, 2.0, 4, degree, ends).unwrap(), outside)
    }

    #[test]
    fn curve_of_the_slides() {
        let table = table(3, KnotEnds::Clamped, Outside::Linear);
        let points = [0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0];
        for (x, expected) in
            [(-2.0, 0.0), (-1.5, 0.125), (-1.0, 1.0), (0.0, 4.0), (0.5, 2.875), (1.0, 1.0), (2.0, 0.0)]
        {
            let mut weights = [0.0; 4];
            let row = table.weights(x, &mut weights);
            let found: f64 = weights.iter().zip(&points[row..]).map(|(w, p)| w * p).sum();
            assert!((found - expected).abs() < 1e-15, "{found} at {x}");
        }
    }

    #[test]
    fn cells_cover_the_line_and_b_belongs_to_the_last_interval() {
        for outside in [Outside::Linear, Outside::Constant] {
            let table = table(3, KnotEnds::Extended, outside);
            let above = 2.0f64.next_up();
            assert_eq!(table.starts(), [f64::NEG_INFINITY, -2.0, -1.0, 0.0, 1.0, above]);
            assert_eq!([-9.0, -2.0, -1.5, 2.0, above, 9.0].map(|x| table.find(x)), [0, 1, 1, 4, 5, 5]);
            let rows: Vec<usize> = (0..table.cell_count()).map(|c| table.cell(c).row).collect();
            assert_eq!(rows, [0, 0, 1, 2, 3, 3]);
        }
    }

    #[test]
    fn extended_bases_that_end_in_zero_have_cells_to_decay_in() {
        let table = table(2, KnotEnds::Extended, Outside::Zero);
        let starts = [f64::NEG_INFINITY, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0f64.next_up(), 3.0, 4.0];
        assert_eq!(table.starts(), starts);
        let rows: Vec<usize> = (0..table.cell_count()).map(|c| table.cell(c).row).collect();
        assert_eq!(rows, [0, 0, 0, 0, 1, 2, 3, 3, 3, 3]);
        // On [-4, -3) only the first basis is left, (x + 4)²/2; on [3, 4) only the last.
        assert_eq!(table.coefficients(1), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]);
        assert_eq!(table.coefficients(8), [0.0, 0.0, 0.5, 0.0, 0.0, -1.0, 0.0, 0.0, 0.5]);
    }

    #[test]
    fn clamped_bases_that_end_in_zero_end_at_once() {
        let table = table(3, KnotEnds::Clamped, Outside::Zero);
        assert_eq!(table.cell_count(), 6);
        for c in [0, 5] {
            assert!(table.coefficients(c).iter().all(|&c| c == 0.0));
        }
    }

    #[test]
    fn coefficients_of_a_uniform_quadratic_are_the_known_ones() {
        // (1 - u)²/2, 1/2 + u - u², u²/2
        let table = table(2, KnotEnds::Extended, Outside::Linear);
        assert_eq!(table.coefficients(2), [0.5, 0.5, 0.0, -1.0, 1.0, 0.0, 0.5, -1.0, 0.5]);
    }

    #[test]
    fn virtual_cells_keep_value_and_slope_of_the_end() {
        let coefficients = |outside, c| table(2, KnotEnds::Extended, outside).coefficients(c).to_vec();
        assert_eq!(coefficients(Outside::Linear, 0), [0.5, 0.5, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(coefficients(Outside::Linear, 5), [0.0, 0.5, 0.5, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(coefficients(Outside::Constant, 0), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(coefficients(Outside::Constant, 5), [0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
