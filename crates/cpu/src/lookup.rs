//! The bases of a knot table of few cells, with a cell in each lane: a shuffle looks up what each sample needs, so that
//! a basis function is evaluated once for all samples of a vector, whatever cells they are in.

use crate::float::Float;
use crate::simd::{MOST_LANES, Vector, lanes, load};
use fearless_simd::prelude::*;

/// A number of each cell.
type Lanes<T> = [T; MOST_LANES];

/// The bytes of a vector.
pub(crate) type Places<S, T> = <Vector<S, T> as SimdBase<S>>::ByteVector;

/// Local coordinates and polynomials of up to as many cells as a vector may have lanes.
#[derive(Debug)]
pub(crate) struct Lookup<T> {
    cells: usize,
    origins: Lanes<T>,
    inverse_widths: Lanes<T>,
    shifts: Lanes<T>,
    /// `[basis, power]`, the highest power first.
    polynomials: Vec<Lanes<T>>,
}

/// What samples look up, and their local coordinates.
#[derive(Clone, Copy)]
pub(crate) struct Located<S: Simd, T: Float> {
    places: Places<S, T>,
    u: Vector<S, T>,
    inverse_width: Vector<S, T>,
}

impl<T: Float> Lookup<T> {
    /// `cells` are the origin, the inverse width and the shift of each, its first basis function, and the coefficients
    /// of its `size` bases, `[power, basis]`. None if there are too many.
    pub(crate) fn new<'a>(
        cells: impl ExactSizeIterator<Item = ([T; 3], usize, &'a [T])>,
        bases: usize,
        size: usize,
    ) -> Option<Self> {
        if cells.len() > MOST_LANES {
            return None;
        }
        let zeros = [T::ZERO; MOST_LANES];
        let mut lookup = Self {
            cells: cells.len(),
            origins: zeros,
            inverse_widths: zeros,
            shifts: zeros,
            polynomials: vec![zeros; bases * size],
        };
        for (lane, ([origin, inverse_width, shift], row, coefficients)) in cells.enumerate() {
            lookup.origins[lane] = origin;
            lookup.inverse_widths[lane] = inverse_width;
            lookup.shifts[lane] = shift;
            for (power, coefficients) in coefficients.chunks_exact(size).rev().enumerate() {
                for (basis, coefficient) in (row..).zip(coefficients) {
                    lookup.polynomials[basis * size + power][lane] = *coefficient;
                }
            }
        }
        Some(lookup)
    }

    /// Whether a shuffle of a whole vector is one instruction, as with AVX-512, and reaches every cell.
    #[inline(always)]
    pub(crate) fn pays<S: Simd>(&self) -> bool {
        S::f32s::LEN == MOST_LANES && self.cells <= lanes::<S, T>()
    }

    /// `places` are vectors of [`Float::place`].
    #[inline(always)]
    pub(crate) fn locate<S: Simd>(&self, simd: S, x: Vector<S, T>, places: Vector<S, T>) -> Located<S, T> {
        let places = places.to_bytes();
        let of = |lanes: &Lanes<T>| load::<S, T>(simd, lanes).swizzle_dyn(places);
        let inverse_width = of(&self.inverse_widths);
        let u = (x - of(&self.origins)).mul_add(inverse_width, of(&self.shifts));
        Located { places, u, inverse_width }
    }

    /// The `K` coefficients of a basis function, `[power]`, the highest first.
    #[inline(always)]
    pub(crate) fn basis<S: Simd, const K: usize>(&self, simd: S, basis: usize) -> [Vector<S, T>; K] {
        let polynomials = &self.polynomials[basis * K..][..K];
        std::array::from_fn(
            #[inline(always)]
            |power| load(simd, &polynomials[power]),
        )
    }
}

impl<S: Simd, T: Float> Located<S, T> {
    /// Horner's scheme of a basis function: the sums after each power, of which the last is the value. NaN gives NaN.
    #[inline(always)]
    pub(crate) fn horner<const K: usize>(&self, basis: &[Vector<S, T>; K]) -> [Vector<S, T>; K] {
        let mut sums = *basis;
        sums[0] = basis[0].swizzle_dyn(self.places);
        for power in 1..K {
            sums[power] = sums[power - 1].mul_add(self.u, basis[power].swizzle_dyn(self.places));
        }
        sums
    }

    /// The derivative with respect to `x` from [`Located::horner`]: the scheme once more, over its sums.
    #[inline(always)]
    pub(crate) fn slope<const K: usize>(&self, sums: &[Vector<S, T>; K]) -> Vector<S, T> {
        let mut slope = sums[0];
        for sum in &sums[1..K - 1] {
            slope = slope.mul_add(self.u, *sum);
        }
        slope * self.inverse_width
    }
}

#[cfg(test)]
mod tests {
    use crate::cells::Cells;
    use crate::float::Float;
    use crate::isa::Isa;
    use crate::simd::{dispatch, lanes, load, splat};
    use fearless_simd::prelude::*;
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};

    /// Values and slopes of all bases at `x`. None where a vector has fewer lanes than there are cells.
    #[inline(always)]
    fn looked_up<S: Simd, T: Float, const K: usize>(
        simd: S,
        cells: &Cells<T>,
        bases: usize,
        x: T,
    ) -> Option<Vec<[f64; 2]>> {
        let lookup = cells.lookup.as_ref().filter(|_| cells.count() <= lanes::<S, T>())?;
        let place = splat::<S, T>(simd, T::place(cells.find(x)));
        let located = lookup.locate(simd, load(simd, &[x; 16]), place);
        let each = (0..bases).map(|basis| {
            let sums = located.horner(&lookup.basis::<S, K>(simd, basis));
            [sums[K - 1][0].to_f64(), located.slope(&sums)[0].to_f64()]
        });
        Some(each.collect())
    }

    /// False if no vector here has enough lanes.
    fn agrees_with_the_table<T: Float, const K: usize>(grid: u32, outside: Outside, tolerance: f64) -> bool {
        let breaks = (0..=grid).map(|j| f64::from(j).powi(2) * 0.1 - 1.0).collect();
        let knots = Knots::with_breaks(breaks, K - 1, KnotEnds::Clamped).unwrap();
        let table = CellTable::new(&knots, outside);
        let cells = Cells::<T>::new(&table).unwrap();
        let steepest = (0..table.cell_count()).map(|c| table.cell(c).inverse_width).fold(1.0, f64::max);
        let mut tried = false;
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            for x in (-150..=650).map(|i| T::from_f64(f64::from(i) * 0.01)) {
                let bases = table.basis_count();
                let found = dispatch!(level, simd => looked_up::<_, T, K>(simd, &cells, bases, x));
                let Some(found) = found else { continue };
                let (mut values, mut slopes) = ([0.0; K], [0.0; K]);
                let row = table.weights(x.to_f64(), &mut values);
                table.derivative_weights(1, x.to_f64(), &mut slopes);
                for (basis, found) in found.into_iter().enumerate() {
                    let expected = match basis.checked_sub(row) {
                        Some(j) if j < K => [values[j], slopes[j]],
                        _ => [0.0; 2],
                    };
                    let far = (expected[0].abs() + 1.0) * tolerance;
                    let what =
                        format!("basis {basis} of {grid}, degree {}, at {x}: {found:?} {expected:?}", K - 1);
                    assert!((found[0] - expected[0]).abs() < far, "{what}");
                    assert!((found[1] - expected[1]).abs() < 10.0 * steepest * far, "{what}");
                }
                tried = true;
            }
        }
        tried
    }

    #[test]
    fn values_and_slopes_are_those_of_the_table() {
        for outside in [Outside::Linear, Outside::Constant, Outside::Zero] {
            assert!(agrees_with_the_table::<f32, 2>(2, outside, 4e-6));
            for grid in [1, 5, 7, 12] {
                agrees_with_the_table::<f32, 4>(grid, outside, 4e-6);
                agrees_with_the_table::<f64, 4>(grid, outside, 1e-14);
                agrees_with_the_table::<f32, 6>(grid, outside, 4e-6);
                agrees_with_the_table::<f64, 6>(grid, outside, 1e-14);
            }
        }
    }
}
