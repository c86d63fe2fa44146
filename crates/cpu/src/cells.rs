//! A knot table in the number type and layout of the kernels: the cells of the real line, their polynomials, and a
//! search that finds exactly the cell that [`CellTable::find`] finds.

use crate::float::Float;
use crate::lookup::Lookup;
use crate::simd::{Vector, splat};
use fearless_simd::prelude::*;
use kanode_engine::Real;
use kanode_spline::CellTable;

/// Buckets of the search for each cell: fewest, and the most that are tried to have no bucket with two starts.
const BUCKETS_PER_CELL: (usize, usize) = (4, 64);

/// The cells of one input node.
#[derive(Debug)]
pub(crate) struct Cells<T> {
    /// The least number in each cell, −∞ for the first; and NaN, which no number reaches.
    starts: Vec<T>,
    rows: Vec<u16>,
    frames: Vec<Frame<T>>,
    /// `[cells, powers, slots]`.
    values: Vec<T>,
    /// As `values`, for the derivative with respect to `x`; one power less.
    slopes: Vec<T>,
    /// `[cells, k]` and `[cells, powers, k]`, of [`Cells::lowered`].
    factors: Vec<T>,
    lowered: Vec<T>,
    search: Search<T>,
    pub(crate) lookup: Option<Lookup<T>>,
}

/// The local coordinate `u = (x - origin)·inverse_width + shift`. The shift is what rounding took from the origin:
/// without it `u` would lose `G·1.5e-8` in f32.
#[derive(Clone, Copy, Debug)]
struct Frame<T> {
    origin: T,
    inverse_width: T,
    shift: T,
}

/// Buckets of equal width between the first and the last start of a cell. The bucket of `x` is a monotonic function
/// of `x` however it is rounded, so that the starts in lower buckets are below `x`, and those in higher ones above.
#[derive(Debug)]
struct Search<T> {
    low: T,
    scale: T,
    /// The number of the last bucket.
    last: T,
    /// For each bucket, and one beyond: the last cell with its start in a lower bucket.
    cells: Vec<u16>,
    /// Whether no bucket has two starts.
    single: bool,
}

impl<T: Float> Cells<T> {
    /// None where the knots are beyond the range of `T`.
    pub(crate) fn new(table: &CellTable) -> Option<Self> {
        let count = table.cell_count();
        let size = table.degree() + 1;
        let mut starts: Vec<T> = table.starts().iter().map(|start| T::at_least(*start)).collect();
        let search = Search::new(&starts);
        starts.push(T::from_f64(f64::NAN));
        let mut cells = Self {
            rows: Vec::with_capacity(count),
            frames: Vec::with_capacity(count),
            values: Vec::with_capacity(count * size * size),
            slopes: Vec::with_capacity(count * size * (size - 1)),
            factors: Vec::with_capacity(count * (size - 1)),
            lowered: Vec::with_capacity(count * (size - 1) * (size - 1)),
            search,
            starts,
            lookup: None,
        };
        let knots = table.knots().vector();
        for c in 0..count {
            let cell = table.cell(c);
            let origin = T::from_f64(cell.origin);
            let frame = Frame {
                origin,
                inverse_width: T::from_f64(cell.inverse_width),
                shift: T::from_f64((origin.to_f64() - cell.origin) * cell.inverse_width),
            };
            cells.rows.push(u16::try_from(cell.row).ok()?);
            cells.frames.push(frame);
            let coefficients = table.coefficients(c);
            cells.values.extend(coefficients.iter().map(|c| T::from_f64(*c)));
            for power in 1..size {
                let factor = power as f64 * cell.inverse_width;
                let row = &coefficients[power * size..(power + 1) * size];
                cells.slopes.extend(row.iter().map(|c| T::from_f64(c * factor)));
            }
            cells.lower(&knots[cell.row..], cell.inverse_width, coefficients);
        }
        let coefficients = cells.values.chunks_exact(size * size);
        let each =
            cells.frames.iter().zip(&cells.rows).zip(coefficients).map(|((frame, row), coefficients)| {
                ([frame.origin, frame.inverse_width, frame.shift], usize::from(*row), coefficients)
            });
        cells.lookup = Lookup::new(each, table.basis_count(), size);
        let frames = cells.frames.iter().flat_map(|f| [f.origin, f.inverse_width, f.shift]);
        let polynomials = cells.values.iter().chain(&cells.slopes).chain(&cells.lowered);
        let mut numbers = frames.chain(polynomials.chain(&cells.factors).copied());
        numbers.all(Real::is_finite).then_some(cells)
    }

    /// Adds the factors and the polynomials of [`Cells::lowered`] for a cell. `knots` begin with the first that the
    /// cell's first basis function has.
    fn lower(&mut self, knots: &[f64], inverse_width: f64, coefficients: &[f64]) {
        let degree = coefficients.len().isqrt() - 1;
        let size = degree + 1;
        let factor = |j: usize| degree as f64 / (knots[j + size] - knots[j + 1]);
        let flat = coefficients[size..].iter().all(|c| *c == 0.0);
        self.factors.extend((0..degree).map(|j| T::from_f64(if flat { 0.0 } else { factor(j) })));
        for power in 1..size {
            let row = &coefficients[power * size..][..size];
            self.lowered.extend((0..degree).map(|j| {
                // A difference of coefficients is in the slopes of all bases above it.
                let slope: f64 = row[j + 1..].iter().sum();
                T::from_f64(slope * power as f64 * inverse_width / factor(j))
            }));
        }
    }

    /// Number of cells.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// The first of the `k + 1` basis functions that may differ from zero in a cell. It never falls from a cell to
    /// the next.
    #[inline(always)]
    pub(crate) fn row(&self, cell: usize) -> usize {
        usize::from(self.rows[cell])
    }

    /// The least number in a cell.
    #[inline(always)]
    pub(crate) fn start(&self, cell: usize) -> T {
        self.starts[cell]
    }

    /// The bases as vectors look them up, where that is the fastest way.
    #[inline(always)]
    pub(crate) fn lookup<S: Simd>(&self) -> Option<&Lookup<T>> {
        self.lookup.as_ref().filter(|lookup| lookup.pays::<S>())
    }

    /// The cell that holds `x`; the first for NaN.
    #[inline(always)]
    pub(crate) fn find(&self, x: T) -> usize {
        self.find_from(x, self.search.bucket(x))
    }

    /// [`Cells::find`] of every lane, by a comparison with each start; for few cells.
    #[inline(always)]
    pub(crate) fn number<S: Simd>(&self, simd: S, x: Vector<S, T>) -> Vector<S, T> {
        let (zero, one) = (splat(simd, T::ZERO), splat(simd, T::ONE));
        let starts = &self.starts[1..self.count()];
        starts.iter().fold(zero, |number, start| number + x.simd_ge(splat(simd, *start)).select(one, zero))
    }

    /// What [`Cells::find_from`] wants to know of each `x`: a loop that the compiler makes one of vectors.
    #[inline(always)]
    pub(crate) fn buckets(&self, x: &[T], buckets: &mut [u32]) {
        for (bucket, x) in buckets.iter_mut().zip(x) {
            *bucket = self.search.bucket(*x) as u32;
        }
    }

    /// [`Cells::find`], from the bucket of `x` on.
    #[inline(always)]
    pub(crate) fn find_from(&self, x: T, bucket: usize) -> usize {
        let before = usize::from(self.search.cells[bucket]);
        if self.search.single {
            // Of the starts that are not below, only the next can be in this bucket. No branch: it can't be predicted.
            return before + usize::from(self.starts[before + 1] <= x);
        }
        let within = before + 1..usize::from(self.search.cells[bucket + 1]) + 1;
        before + self.starts[within].partition_point(|start| *start <= x)
    }

    /// The local coordinate in a cell.
    #[inline(always)]
    pub(crate) fn local<S: Simd>(&self, simd: S, cell: usize, x: Vector<S, T>) -> Vector<S, T> {
        let Frame { origin, inverse_width, shift } = self.frames[cell];
        (x - splat(simd, origin)).mul_add(splat(simd, inverse_width), splat(simd, shift))
    }

    /// The `K = k + 1` basis functions of a cell at local coordinates. NaN gives NaN, because Horner's scheme goes
    /// through all powers, zero or not.
    #[inline(always)]
    pub(crate) fn values<S: Simd, const K: usize>(
        &self,
        simd: S,
        cell: usize,
        u: Vector<S, T>,
    ) -> [Vector<S, T>; K] {
        horner::<S, T, K>(simd, &self.values[cell * K * K..][..K * K], K, u)
    }

    /// As [`Cells::values`], derivatives with respect to `x`.
    #[inline(always)]
    pub(crate) fn slopes<S: Simd, const K: usize>(
        &self,
        simd: S,
        cell: usize,
        u: Vector<S, T>,
    ) -> [Vector<S, T>; K] {
        horner::<S, T, K>(simd, &self.slopes[cell * K * (K - 1)..][..K * (K - 1)], K, u)
    }

    /// The `k` basis functions `n_j` of one degree less, for tables whose bases add up to 1: a spline with coefficients
    /// `c` has the derivative `Σ_j n_j·f_j·(c_{j+1} - c_j)` in a cell, `f` being its [`Cells::factors`] (de Boor 1978,
    /// chapter X), and they add up to 1 themselves, or the factors are 0. The last of the vectors is nothing.
    #[inline(always)]
    pub(crate) fn lowered<S: Simd, const K: usize>(
        &self,
        simd: S,
        cell: usize,
        u: Vector<S, T>,
    ) -> [Vector<S, T>; K] {
        let count = (K - 1) * (K - 1);
        horner::<S, T, K>(simd, &self.lowered[cell * count..][..count], K - 1, u)
    }

    /// See [`Cells::lowered`].
    #[inline(always)]
    pub(crate) fn factors<const K: usize>(&self, cell: usize) -> &[T] {
        &self.factors[cell * (K - 1)..][..K - 1]
    }
}

/// The first of `K` polynomials, as many as `count`, with coefficients `[powers, count]`.
#[inline(always)]
fn horner<S: Simd, T: Float, const K: usize>(
    simd: S,
    coefficients: &[T],
    count: usize,
    u: Vector<S, T>,
) -> [Vector<S, T>; K] {
    let mut sums = [splat(simd, T::ZERO); K];
    let (rest, last) = coefficients.split_at(coefficients.len() - count);
    for (sum, coefficient) in sums.iter_mut().zip(last) {
        *sum = splat(simd, *coefficient);
    }
    for power in rest.rchunks_exact(count) {
        for (sum, coefficient) in sums.iter_mut().zip(power) {
            *sum = sum.mul_add(u, splat(simd, *coefficient));
        }
    }
    sums
}

impl<T: Float> Search<T> {
    fn new(starts: &[T]) -> Self {
        let (fewest, most) = BUCKETS_PER_CELL;
        let mut buckets = (fewest * starts.len()).next_power_of_two();
        loop {
            let search = Self::with_buckets(starts, buckets);
            if search.single || buckets > most * starts.len() {
                return search;
            }
            buckets *= 2;
        }
    }

    fn with_buckets(starts: &[T], buckets: usize) -> Self {
        let (low, high) = (starts[1], starts[starts.len() - 1]);
        let last = T::from_f64((buckets - 1) as f64);
        let mut search =
            Self { low, scale: last / (high - low), last, cells: vec![0; buckets + 1], single: true };
        // A bucket's entry is the last cell that starts in a bucket before it.
        let (mut next, mut last_cell) = (0, 0);
        for (cell, start) in (0u16..).zip(starts).skip(1) {
            let end = search.bucket(*start) + 1;
            search.cells[next..end].fill(last_cell);
            (next, last_cell) = (end, cell);
        }
        search.cells[next..].fill(last_cell);
        search.single = search.cells.windows(2).all(|pair| pair[1] - pair[0] < 2);
        search
    }

    /// The first one for NaN.
    #[inline(always)]
    fn bucket(&self, x: T) -> usize {
        let position = (x - self.low) * self.scale;
        let position = if position > T::ZERO { position } else { T::ZERO };
        let position = if position < self.last { position } else { self.last };
        position.to_index()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::simd::{dispatch, load};
    use kanode_spline::{KnotEnds, Knots, Outside};

    fn tables() -> Vec<CellTable> {
        let mut tables = Vec::new();
        let clustered: Vec<f64> = (0..=40).map(|j| 3.0 * (f64::from(j) / 40.0).powi(4) - 1.0).collect();
        for degree in 1..=5 {
            for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
                for outside in [Outside::Linear, Outside::Constant, Outside::Zero] {
                    for grid in [1, 5, 200, 4096] {
                        let knots = Knots::uniform(-0.3, 0.7, grid, degree, ends).unwrap();
                        tables.push(CellTable::new(&knots, outside));
                    }
                    let knots = Knots::with_breaks(clustered.clone(), degree, ends).unwrap();
                    tables.push(CellTable::new(&knots, outside));
                }
            }
        }
        tables
    }

    fn points<T: Float>(table: &CellTable) -> Vec<T> {
        let around = |start: &f64| {
            let at = T::at_least(*start).to_f64();
            [at, at * (1.0 - 1e-7), at * (1.0 + 1e-7), start.next_down(), *start]
        };
        let spread = (0..2000).map(|i| f64::from(i) * 2e-3 - 2.0);
        let far = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e30, -1e30, 0.0, -0.0];
        table.starts().iter().flat_map(around).chain(spread).chain(far).map(T::from_f64).collect()
    }

    fn finds_the_same_cell<T: Float>() {
        for table in tables() {
            let cells = Cells::<T>::new(&table).unwrap();
            for x in points::<T>(&table) {
                assert_eq!(cells.find(x), table.find(x.to_f64()), "{x} in {:?}", table.knots());
            }
        }
    }

    #[test]
    fn search_finds_the_cell_of_the_table() {
        finds_the_same_cell::<f32>();
        finds_the_same_cell::<f64>();
    }

    #[test]
    fn rows_never_fall() {
        for table in tables() {
            let cells = Cells::<f64>::new(&table).unwrap();
            assert!((1..cells.count()).all(|c| cells.row(c - 1) <= cells.row(c)));
        }
    }

    #[test]
    fn knots_beyond_single_precision_are_refused() {
        let knots = Knots::uniform(-1e60, 1e60, 5, 3, KnotEnds::Clamped).unwrap();
        let table = CellTable::new(&knots, Outside::Linear);
        assert!(Cells::<f32>::new(&table).is_none());
        assert!(Cells::<f64>::new(&table).is_some());
    }

    #[inline(always)]
    fn at<S: Simd, T: Float>(simd: S, cells: &Cells<T>, x: T) -> [Vec<f64>; 2] {
        let cell = cells.find(x);
        let u = cells.local(simd, cell, load(simd, &[x; 16]));
        let first = |v: [Vector<S, T>; 4]| v.iter().map(|v| Real::to_f64(v[0])).collect();
        [first(cells.values::<S, 4>(simd, cell, u)), first(cells.slopes::<S, 4>(simd, cell, u))]
    }

    fn weights_agree<T: Float>(tolerance: f64) {
        for table in tables().iter().filter(|table| table.degree() == 3) {
            let cells = Cells::<T>::new(table).unwrap();
            for x in points::<T>(table).into_iter().filter(|x| x.to_f64().abs() < 3.0) {
                let mut expected = [[0.0; 4]; 2];
                table.weights(x.to_f64(), &mut expected[0]);
                table.derivative_weights(1, x.to_f64(), &mut expected[1]);
                // Sizes of the terms that are added up.
                let cell = table.cell(table.find(x.to_f64()));
                let u = (x.to_f64() - cell.origin) * cell.inverse_width;
                let scales = [1.0 + u.abs(), cell.inverse_width];
                for level in Isa::available().into_iter().filter_map(Isa::level) {
                    let found = dispatch!(level, simd => at(simd, &cells, x));
                    for ((found, expected), scale) in found.iter().zip(expected).zip(scales) {
                        for (found, expected) in found.iter().zip(expected) {
                            assert!(
                                (found - expected).abs() <= tolerance * scale,
                                "{found} {expected} at {x}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn lowered_at<S: Simd>(simd: S, cells: &Cells<f64>, cell: usize, x: f64) -> Vec<f64> {
        let u = cells.local(simd, cell, load(simd, &[x; 16]));
        cells.lowered::<S, 4>(simd, cell, u)[..3].iter().map(|v| v[0]).collect()
    }

    #[test]
    fn lowered_bases_give_the_slopes_and_add_up_to_one() {
        let level = Isa::best().level().unwrap();
        let adds_up = |table: &&CellTable| table.degree() == 3 && table.outside() != Outside::Zero;
        for table in tables().iter().filter(adds_up) {
            let cells = Cells::<f64>::new(table).unwrap();
            for x in points::<f64>(table).into_iter().filter(|x| x.abs() < 3.0) {
                let cell = cells.find(x);
                let lowered = dispatch!(level, simd => lowered_at(simd, &cells, cell, x));
                let factors = cells.factors::<4>(cell);
                let mut slopes = [0.0; 4];
                table.derivative_weights(1, x, &mut slopes);
                for (i, slope) in slopes.into_iter().enumerate() {
                    // The coefficients of basis i alone: one difference rises and one falls.
                    let rise = if i > 0 { lowered[i - 1] * factors[i - 1] } else { 0.0 };
                    let fall = if i < 3 { lowered[i] * factors[i] } else { 0.0 };
                    let tolerance = 1e-13 * (1.0 + rise.abs() + fall.abs() + table.cell(cell).inverse_width);
                    assert!((rise - fall - slope).abs() < tolerance, "{rise} {fall} {slope} at {x}");
                }
                if factors != [0.0; 3] {
                    assert!((lowered.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{lowered:?} at {x}");
                }
            }
        }
    }

    #[test]
    fn weights_are_those_of_the_table_at_any_grid() {
        weights_agree::<f32>(2e-6);
        weights_agree::<f64>(2e-15);
    }
}
