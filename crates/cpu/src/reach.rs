//! How large the basis functions of a layer can get, from the numbers that its inputs receive.

use kanode_spline::CellTable;

/// Bounds over all basis functions of some tables.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Of those within the knots.
    within: f64,
    /// The largest coefficient of each power in cells without an end, in whose local coordinates `x` is at most
    /// `(|x| + origin)·inverse_width`.
    beyond: Vec<f64>,
    origin: f64,
    inverse_width: f64,
}

impl Reach {
    /// Takes one more table in.
    pub(crate) fn add(&mut self, table: &CellTable) {
        let size = table.degree() + 1;
        self.beyond.resize(size, 0.0);
        let starts = table.starts();
        for c in 0..table.cell_count() {
            let (cell, coefficients) = (table.cell(c), table.coefficients(c));
            let end = starts.get(c + 1).copied().unwrap_or(f64::INFINITY);
            if starts[c].is_finite() && end.is_finite() {
                let local = |x: f64| ((x - cell.origin) * cell.inverse_width).abs();
                let u = local(starts[c]).max(local(end));
                for basis in 0..size {
                    let powers = coefficients[basis..].iter().step_by(size);
                    let largest = powers.rev().fold(0.0, |sum, c| sum * u + c.abs());
                    self.within = self.within.max(largest);
                }
            } else {
                for (power, row) in coefficients.chunks_exact(size).enumerate() {
                    self.beyond[power] = row.iter().fold(self.beyond[power], |most, c| most.max(c.abs()));
                }
                self.origin = self.origin.max(cell.origin.abs());
                self.inverse_width = self.inverse_width.max(cell.inverse_width);
            }
        }
    }

    /// No basis function is larger for inputs of at most this magnitude, nor anything on the way to it. Infinite where that
    /// would be beyond the `limit`, or the magnitude is not finite.
    pub(crate) fn largest(&self, magnitude: f64, limit: f64) -> f64 {
        let u = (magnitude + self.origin) * self.inverse_width;
        let beyond = self.beyond.iter().rev().fold(0.0, |sum, c| sum * u + c);
        let largest = self.within.max(beyond);
        if u < limit && largest < limit { largest } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_spline::{KnotEnds, Knots, Outside};

    #[test]
    fn no_basis_function_is_larger_and_the_bound_is_not_far() {
        for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
            for outside in [Outside::Linear, Outside::Constant, Outside::Zero] {
                for degree in 1..=5 {
                    let knots = Knots::with_breaks(vec![-1.0, -0.7, 0.0, 0.1, 2.0], degree, ends).unwrap();
                    let table = CellTable::new(&knots, outside);
                    let mut reach = Reach::default();
                    reach.add(&table);
                    for magnitude in [0.5, 2.0, 30.0] {
                        let mut weights = vec![0.0; degree + 1];
                        let mut largest: f64 = 0.0;
                        for i in -1000..=1000 {
                            table.weights(f64::from(i) / 1000.0 * magnitude, &mut weights);
                            largest = weights.iter().fold(largest, |most, w| most.max(w.abs()));
                        }
                        let bound = reach.largest(magnitude, 1e30);
                        assert!(
                            bound >= largest * (1.0 - 1e-12),
                            "{ends:?} {outside:?} {degree} {magnitude}"
                        );
                        assert!(bound < 1000.0 * largest, "{bound} {largest} {outside:?} {degree}");
                    }
                    for beyond in [f64::NAN, 1e30, f64::INFINITY] {
                        assert_eq!(reach.largest(beyond, 1e30), f64::INFINITY);
                    }
                }
            }
        }
    }
}
