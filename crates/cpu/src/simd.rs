//! Vectors of the width of the machine: calling kernels with them, and the few operations that mix lanes.
//!
//! Everything called from `dispatch!` is `#[inline(always)]`, closures too, so that it is compiled with the instruction
//! set of the caller; what should be a function of its own is wrapped in `vectorize` again. No kernel tests sign bits or makes bitmasks of lanes: with AVX-512, Rust 1.95
//! miscompiles that (rust-lang/rust #158622).

use crate::float::Float;
use fearless_simd::prelude::*;

/// The vector of `T` that instruction set `S` works with.
pub(crate) type Vector<S, T> = <T as SimdFloatElement>::Native<S>;

/// The mask of a [`Vector`].
pub(crate) type Mask<S, T> = <Vector<S, T> as SimdBase<S>>::Mask;

/// Most lanes of any vector.
pub(crate) const MOST_LANES: usize = 16;

/// Evaluates an expression with `$simd` bound to the token of an instruction set, compiled for that set.
macro_rules! dispatch {
    ($level:expr, $simd:ident => $body:expr) => {
        match $level {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            fearless_simd::Level::Avx512($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $body,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            fearless_simd::Level::Avx2($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $body,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            fearless_simd::Level::Sse2($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $body,
            ),
            #[cfg(target_arch = "aarch64")]
            fearless_simd::Level::Neon($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $body,
            ),
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            _ => unreachable!("Isa::level makes no others"),
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            _ => {
                let $simd = fearless_simd::Fallback::new();
                $body
            }
        }
    };
}
pub(crate) use dispatch;

/// Evaluates an expression with `$k`, the degree and one, as a constant; each in a function of its own.
macro_rules! by_degree {
    ($simd:ident, $degree:expr, $k:ident => $body:expr) => {
        match $degree {
            1 => crate::simd::by_degree!(@ $simd, $k = 2 => $body),
            2 => crate::simd::by_degree!(@ $simd, $k = 3 => $body),
            3 => crate::simd::by_degree!(@ $simd, $k = 4 => $body),
            4 => crate::simd::by_degree!(@ $simd, $k = 5 => $body),
            _ => crate::simd::by_degree!(@ $simd, $k = 6 => $body),
        }
    };
    (@ $simd:ident, $k:ident = $value:literal => $body:expr) => {{
        const $k: usize = $value;
        $simd.vectorize(
            #[inline(always)]
            || $body,
        )
    }};
}
pub(crate) use by_degree;

/// Lanes of a vector.
#[inline(always)]
pub(crate) const fn lanes<S: Simd, T: Float>() -> usize {
    <Vector<S, T> as SimdBase<S>>::LEN
}

/// Vectors of a wide tile: with the rows of a cell and the sums they fill the registers, 32 with AVX-512 and NEON,
/// else 16.
#[inline(always)]
pub(crate) const fn wide<S: Simd>() -> usize {
    if S::f32s::LEN == MOST_LANES || cfg!(target_arch = "aarch64") { 4 } else { 2 }
}

#[inline(always)]
pub(crate) fn splat<S: Simd, T: Float>(simd: S, value: T) -> Vector<S, T> {
    Vector::<S, T>::splat(simd, value)
}

/// The first vector of a slice.
#[inline(always)]
pub(crate) fn load<S: Simd, T: Float>(simd: S, from: &[T]) -> Vector<S, T> {
    Vector::<S, T>::from_slice(simd, &from[..lanes::<S, T>()])
}

/// Overwrites the first vector of a slice.
#[inline(always)]
pub(crate) fn store<S: Simd, T: Float>(value: Vector<S, T>, to: &mut [T]) {
    value.store_slice(&mut to[..lanes::<S, T>()]);
}

/// The first `N` vectors of a slice.
#[inline(always)]
pub(crate) fn load_all<S: Simd, T: Float, const N: usize>(simd: S, from: &[T]) -> [Vector<S, T>; N] {
    let mut vectors = [splat(simd, T::ZERO); N];
    for (t, vector) in vectors.iter_mut().enumerate() {
        *vector = load(simd, &from[t * lanes::<S, T>()..]);
    }
    vectors
}

/// Overwrites the first `N` vectors of a slice.
#[inline(always)]
pub(crate) fn store_all<S: Simd, T: Float, const N: usize>(vectors: [Vector<S, T>; N], to: &mut [T]) {
    for (t, vector) in vectors.into_iter().enumerate() {
        store::<S, T>(vector, &mut to[t * lanes::<S, T>()..]);
    }
}

/// Adds `N` vectors to the first of a slice.
#[inline(always)]
pub(crate) fn add_all<S: Simd, T: Float, const N: usize>(simd: S, vectors: [Vector<S, T>; N], to: &mut [T]) {
    let mut sums = load_all::<S, T, N>(simd, to);
    for (sum, vector) in sums.iter_mut().zip(vectors) {
        *sum += vector;
    }
    store_all::<S, T, N>(sums, to);
}

/// Sums of the lanes of the first vectors of a slice, as many as a vector has lanes.
#[inline(always)]
pub(crate) fn lane_sums<S: Simd, T: Float>(simd: S, from: &[T]) -> Vector<S, T> {
    let mut vectors = [splat(simd, T::ZERO); MOST_LANES];
    let mut count = lanes::<S, T>();
    for (i, vector) in vectors[..count].iter_mut().enumerate() {
        *vector = load(simd, &from[i * lanes::<S, T>()..]);
    }
    // Sums of neighbours keep the order: those of the first vector come first.
    while count > 1 {
        count /= 2;
        for i in 0..count {
            let (even, odd) = vectors[2 * i].deinterleave(vectors[2 * i + 1]);
            vectors[i] = even + odd;
        }
    }
    vectors[0]
}

/// `to[c·to_stride + r] = from[r·from_stride + c]` for `r` below `rows` and `c` below `columns`.
#[inline(always)]
pub(crate) fn transpose<S: Simd, T: Float>(
    simd: S,
    shape: (usize, usize),
    from: (&[T], usize),
    to: (&mut [T], usize),
) {
    simd.vectorize(
        #[inline(always)]
        || transpose_squares(simd, shape, from, to),
    );
}

/// [`transpose`], in whole squares as far as they go.
#[inline(always)]
fn transpose_squares<S: Simd, T: Float>(
    simd: S,
    (rows, columns): (usize, usize),
    (from, from_stride): (&[T], usize),
    (to, to_stride): (&mut [T], usize),
) {
    let side = lanes::<S, T>();
    let (whole_rows, whole_columns) = (rows - rows % side, columns - columns % side);
    for r in (0..whole_rows).step_by(side) {
        for c in (0..whole_columns).step_by(side) {
            let square = (&from[r * from_stride + c..], from_stride);
            transpose_square(simd, square, (&mut to[c * to_stride + r..], to_stride));
        }
    }
    let mut copy = |r: usize, c: usize| to[c * to_stride + r] = from[r * from_stride + c];
    for r in 0..rows {
        for c in if r < whole_rows { whole_columns } else { 0 }..columns {
            copy(r, c);
        }
    }
}

/// The transpose of the first square of as many vectors as one has lanes, by perfect shuffles.
#[inline(always)]
pub(crate) fn transposed<S: Simd, T: Float>(
    _simd: S,
    mut square: [Vector<S, T>; MOST_LANES],
) -> [Vector<S, T>; MOST_LANES] {
    interleaved::<S, T, MOST_LANES>(&mut square, lanes::<S, T>());
    square
}

/// Takes the first `count` vectors for rows, and makes of them one after the other what were their columns. `count` is a
/// power of two, not above the lanes of a vector.
#[inline(always)]
pub(crate) fn interleaved<S: Simd, T: Float, const N: usize>(rows: &mut [Vector<S, T>; N], count: usize) {
    let mut step = 1;
    while step < count {
        let before = *rows;
        for i in 0..count / 2 {
            (rows[2 * i], rows[2 * i + 1]) = before[i].interleave(before[i + count / 2]);
        }
        step *= 2;
    }
}

/// The reverse of [`interleaved`].
#[inline(always)]
pub(crate) fn deinterleaved<S: Simd, T: Float, const N: usize>(
    columns: &mut [Vector<S, T>; N],
    count: usize,
) {
    let mut step = 1;
    while step < count {
        let before = *columns;
        for i in 0..count / 2 {
            (columns[i], columns[i + count / 2]) = before[2 * i].deinterleave(before[2 * i + 1]);
        }
        step *= 2;
    }
}

/// Transposes a square of as many vectors as one has lanes, from memory to memory.
#[inline(always)]
fn transpose_square<S: Simd, T: Float>(
    simd: S,
    (from, from_stride): (&[T], usize),
    (to, to_stride): (&mut [T], usize),
) {
    let side = lanes::<S, T>();
    let mut square = [splat(simd, T::ZERO); MOST_LANES];
    for (r, row) in square[..side].iter_mut().enumerate() {
        *row = load(simd, &from[r * from_stride..]);
    }
    let square = transposed::<S, T>(simd, square);
    for (c, column) in square[..side].iter().enumerate() {
        store::<S, T>(*column, &mut to[c * to_stride..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;

    fn numbers<T: Float>(count: usize) -> Vec<T> {
        (0..count).map(|i| T::from_f64(i as f64)).collect()
    }

    fn transposes_any_shape<T: Float>() {
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            for (rows, columns) in [(1, 1), (3, 40), (40, 3), (16, 16), (33, 18), (64, 32)] {
                let (from_stride, to_stride) = (columns + 3, rows + 5);
                let from = numbers::<T>(rows * from_stride);
                let mut to = vec![-T::ONE; columns * to_stride];
                dispatch!(level, simd => transpose(
                    simd, (rows, columns), (&from, from_stride), (&mut to, to_stride)));
                for c in 0..columns {
                    for r in 0..to_stride {
                        let expected = if r < rows { from[r * from_stride + c] } else { -T::ONE };
                        assert_eq!(to[c * to_stride + r], expected);
                    }
                }
            }
        }
    }

    #[test]
    fn transpose_handles_any_shape() {
        transposes_any_shape::<f32>();
        transposes_any_shape::<f64>();
    }

    #[inline(always)]
    fn sums<S: Simd, T: Float>(simd: S, from: &[T]) -> Vec<f64> {
        lane_sums(simd, from).as_slice().iter().map(|sum| sum.to_f64()).collect()
    }

    #[test]
    fn lane_sums_are_in_order() {
        let from = numbers::<f32>(MOST_LANES * MOST_LANES);
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            let found = dispatch!(level, simd => sums(simd, &from));
            let lanes = found.len();
            let expected = |i: usize| (i * lanes..(i + 1) * lanes).sum::<usize>() as f64;
            assert_eq!(found, (0..lanes).map(expected).collect::<Vec<_>>());
        }
    }
}
