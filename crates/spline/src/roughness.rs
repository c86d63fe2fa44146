//! How rough a spline is, as a quadratic form in its control points: the matrix of a smoothness prior.

use crate::banded::Banded;
use crate::cells::CellTable;
use crate::quadrature::gauss;

impl CellTable {
    /// The matrix `R` with `cᵀ·R·c = ∫ (d^m φ/du^m)² du` over the domain, for the spline `φ` with control points `c`
    /// and `u = (x − a)/(b − a)`: in these coordinates a number means the same on every domain and grid.
    ///
    /// For `m = k + 1`, where that derivative is a row of spikes, it is the sum over inner breaks of the squared jump
    /// of the `k`-th derivative, divided by the mean of the widths of both neighbours (Eilers & Marx 1996 for uniform
    /// knots). Higher orders count as `k + 1`.
    pub fn roughness(&self, order: usize) -> Banded {
        let degree = self.degree();
        if order <= degree { self.derivative_gram(order) } else { self.jumps() }
    }

    fn derivative_gram(&self, order: usize) -> Banded {
        let mut gram = Banded::zeros(self.basis_count(), self.degree() + 1);
        let mut weights = vec![0.0; self.degree() + 1];
        for (c, share) in self.domain_cells() {
            let row = self.cell(c).row;
            for (u, weight) in gauss(0.0, 1.0) {
                self.local_derivatives(c, order, u, share.recip(), &mut weights);
                for (i, left) in weights.iter().enumerate() {
                    for (j, right) in weights[..=i].iter().enumerate() {
                        gram.add(row + i, row + j, share * weight * left * right);
                    }
                }
            }
        }
        gram
    }

    fn jumps(&self) -> Banded {
        let degree = self.degree();
        let mut jumps = Banded::zeros(self.basis_count(), degree + 1);
        let mut weights = vec![0.0; degree + 1];
        let mut before = None;
        for (c, share) in self.domain_cells() {
            self.local_derivatives(c, degree, 0.0, share.recip(), &mut weights);
            if let Some((share_before, weights_before)) = before.replace((share, weights.clone())) {
                // One basis ends at the break between the cells and one begins: k + 2 may jump.
                let jump = |i: usize| {
                    let left = weights_before.get(i).copied().unwrap_or(0.0);
                    i.checked_sub(1).map_or(0.0, |i| weights[i]) - left
                };
                let spacing = 0.5 * (share_before + share);
                let row = self.cell(c).row - 1;
                for i in 0..=degree + 1 {
                    for j in 0..=i {
                        jumps.add(row + i, row + j, jump(i) * jump(j) / spacing);
                    }
                }
            }
        }
        jumps
    }

    /// The cells of the domain with their widths as parts of its width. What is computed from these alone neither
    /// leaves the number range on tiny and huge domains nor loses digits on narrow ones far from zero.
    fn domain_cells(&self) -> impl Iterator<Item = (usize, f64)> {
        let (a, b) = self.domain();
        let first = self.find(a);
        let breaks = self.knots().breaks().windows(2);
        breaks.enumerate().map(move |(i, pair)| (first + i, (pair[1] - pair[0]) / (b - a)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{CellTable, KnotEnds, Knots, Outside, Projection, cox_de_boor_derivative};

    fn table(a: f64, b: f64, grid: usize, degree: usize, ends: KnotEnds) -> CellTable {
        CellTable::new(&Knots::uniform(a, b, grid, degree, ends).unwrap(), Outside::Linear)
    }

    fn points(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * i) as f64).sin()).collect()
    }

    #[test]
    fn it_is_the_integral_that_a_fine_sum_gives() {
        for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
            for degree in 1..=5 {
                let table = table(-2.0, 3.0, 4, degree, ends);
                let c = points(table.basis_count());
                for order in 1..=degree {
                    let steps = 100_000;
                    let slope = |i: usize| -> f64 {
                        let x = -2.0 + 5.0 * (i as f64 + 0.5) / f64::from(steps);
                        let bases = cox_de_boor_derivative(table.knots(), Outside::Linear, order, x);
                        let value: f64 = bases.iter().zip(&c).map(|(n, c)| n * c).sum();
                        value * 5f64.powi(order as i32)
                    };
                    let sum = (0..steps as usize).map(|i| slope(i).powi(2)).sum::<f64>() / f64::from(steps);
                    let found = table.roughness(order).quadratic_form(&c);
                    // The midpoint rule's own error.
                    assert!((found / sum - 1.0).abs() < 1e-7, "{degree} {order} {ends:?}: {found} {sum}");
                }
            }
        }
    }

    #[test]
    fn it_does_not_depend_on_domain_or_grid() {
        let coarse = table(0.0, 1.0, 5, 3, KnotEnds::Clamped);
        let c = points(8);
        for order in 1..=4 {
            let moved = table(-40.0, 160.0, 5, 3, KnotEnds::Clamped);
            let (here, there) =
                (coarse.roughness(order).quadratic_form(&c), moved.roughness(order).quadratic_form(&c));
            assert!((here / there - 1.0).abs() < 1e-9, "{order}");
        }
        let fine = table(0.0, 1.0, 20, 3, KnotEnds::Clamped);
        let refined = Projection::new(&coarse, &fine).apply(&c).control_points;
        for order in 1..=3 {
            let (few, many) =
                (coarse.roughness(order).quadratic_form(&c), fine.roughness(order).quadratic_form(&refined));
            assert!((few / many - 1.0).abs() < 1e-9, "{order}");
        }
    }

    #[test]
    fn polynomials_below_the_order_are_not_rough() {
        for degree in 1..=5 {
            let table = table(0.0, 2.0, 7, degree, KnotEnds::Clamped);
            let constant = vec![3.0; table.basis_count()];
            for order in 1..=degree + 1 {
                let rough = table.roughness(order);
                let scale: f64 = (0..rough.n()).map(|i| rough.get(i, i)).sum();
                assert!(rough.quadratic_form(&constant).abs() < 1e-12 * scale);
            }
            let line = table.knots().greville();
            assert!((table.roughness(1).quadratic_form(&line) - 4.0).abs() < 1e-10);
            for order in 2..=degree + 1 {
                let rough = table.roughness(order);
                let scale: f64 = (0..rough.n()).map(|i| rough.get(i, i)).sum();
                assert!(rough.quadratic_form(&line).abs() < 1e-12 * scale);
            }
            // Beyond the highest order there is nothing new.
            assert_eq!(table.roughness(degree + 1), table.roughness(9));
        }
    }

    #[test]
    fn huge_tiny_and_far_domains_give_the_same_numbers() {
        // Scaling by a power of two is exact; 2^±190 to the fifth power, squared, is no f64.
        for degree in 1..=5 {
            let unit = table(-1.0, 1.0, 5, degree, KnotEnds::Clamped);
            for scale in [2f64.powi(190), 2f64.powi(-190)] {
                let scaled = table(-scale, scale, 5, degree, KnotEnds::Clamped);
                for order in 1..=degree + 1 {
                    let (here, there) = (unit.roughness(order), scaled.roughness(order));
                    for (i, j) in (0..unit.basis_count()).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                        let tolerance = 1e-12 * here.get(i, i).max(here.get(j, j));
                        assert!((here.get(i, j) - there.get(i, j)).abs() <= tolerance, "{degree} {order}");
                    }
                }
            }
        }
    }
}
