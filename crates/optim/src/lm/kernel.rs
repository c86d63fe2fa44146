//! The system of the rows, `I + J·M⁻¹·Jᵀ`, for a banded `M`. Narrow blocks of the prior make one dense matrix, which is
//! multiplied by itself. Wide ones come block by block, and within a block by columns from the last to the first, in the
//! order in which the rows of the inverse come.

use crate::banded::{BandedFactor, InverseRows, combine};
use crate::dense::add_products;
use crate::prior::PriorFactor;
use crate::rows::{Rows, Segment};
use ndarray::Array2;

/// A block with fewer than this part of its size in pieces is solved for each of them; a sweep would cost more.
const FEW: usize = 16;
/// Widest block that counts as narrow: beyond it, the zeros of a dense row cost more than looking at pairs of pieces.
const NARROW: usize = 16;
/// Columns of the dense matrix that are multiplied at once.
const TOGETHER: usize = 256;
/// Edge of the squares in which a matrix is added to its transpose: two of them fit the fastest cache.
const TILE: usize = 32;

/// What a segment of a row has in one block.
#[derive(Clone, Copy)]
struct Piece {
    row: usize,
    /// Its columns count from the start of the block.
    part: Segment,
}

impl Piece {
    fn columns(&self) -> std::ops::Range<usize> {
        let start = self.part.column as usize;
        start..start + self.part.length as usize
    }
}

/// The lower half of `I + J·M⁻¹·Jᵀ`, `[n, n]`, where `factor` is of `M`.
pub(crate) fn dual_kernel(rows: &Rows, factor: &PriorFactor) -> Array2<f64> {
    let n = rows.len();
    // Each pair of pieces is added once, on either side of the diagonal, and a piece's product with itself by half.
    let mut half = vec![0.0; n * n];
    let (starts, blocks): (Vec<_>, Vec<_>) = factor.spans().into_iter().unzip();
    let mut narrow = Vec::new();
    for (block, mut pieces) in blocks.into_iter().zip(split(rows, &starts)) {
        if let Some(block) = block.filter(|block| block.n() <= NARROW) {
            narrow.push((block, pieces));
            continue;
        }
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.part.column));
        match block {
            Some(block) => add_block(&mut half, rows, &pieces, block),
            None => add_free(&mut half, rows, &pieces, factor.diagonal()),
        }
    }
    fold(&mut half, n);
    (0..n).for_each(|i| half[i * n + i] += 1.0);
    let mut kernel = Array2::from_shape_vec((n, n), half).unwrap_or_default();
    let mut rest = narrow.as_slice();
    while !rest.is_empty() {
        let mut width = 0;
        let fits = |(block, _): &&(&BandedFactor, Vec<Piece>)| {
            width += block.n();
            width <= TOGETHER
        };
        let (now, later) = rest.split_at(rest.iter().take_while(fits).count());
        add_products(1.0, &whitened(rows, now).view(), &mut kernel.view_mut());
        rest = later;
    }
    kernel
}

/// The rows that blocks have pieces of, `[n, sum of the blocks' widths]`, as scalar products under the inverses see them.
fn whitened(rows: &Rows, blocks: &[(&BandedFactor, Vec<Piece>)]) -> Array2<f64> {
    let width = blocks.iter().map(|(block, _)| block.n()).sum();
    let mut white = vec![0.0; rows.len() * width];
    let mut start = 0;
    for (block, pieces) in blocks {
        for piece in pieces {
            let row = &mut white[piece.row * width + start..][..block.n()];
            row[piece.columns()].copy_from_slice(rows.values(&piece.part));
        }
        // A row may have several pieces.
        for row in white.chunks_exact_mut(width) {
            block.whiten(&mut row[start..start + block.n()]);
        }
        start += block.n();
    }
    Array2::from_shape_vec((rows.len(), width), white).unwrap_or_default()
}

/// The pieces of all rows, by the spans that begin at `starts`, the first of which is 0.
fn split(rows: &Rows, starts: &[usize]) -> Vec<Vec<Piece>> {
    let mut spans = vec![Vec::new(); starts.len()];
    for row in 0..rows.len() {
        for segment in rows.row(row) {
            let (mut column, end) = (segment.column as usize, (segment.column + segment.length) as usize);
            let mut offset = segment.offset;
            while column < end {
                let span = starts.partition_point(|start| *start <= column) - 1;
                let until = starts.get(span + 1).map_or(end, |next| end.min(*next));
                let length = (until - column) as u32;
                let part = Segment { column: (column - starts[span]) as u32, length, offset };
                spans[span].push(Piece { row, part });
                offset += until - column;
                column = until;
            }
        }
    }
    spans
}

/// Adds the products of pieces, which have descending columns, under the inverse of their block.
fn add_block(half: &mut [f64], rows: &Rows, pieces: &[Piece], block: &BandedFactor) {
    let longest = pieces.iter().map(|piece| piece.part.length as usize).max().unwrap_or(0);
    let even = pieces.iter().all(|piece| piece.part.length as usize == longest);
    let values: Vec<f64> = pieces.iter().flat_map(|piece| rows.values(&piece.part)).copied().collect();
    let (n, m) = (rows.len(), block.n());
    let mut inverse = (pieces.len() * FEW >= m).then(|| InverseRows::new(block, longest, m));
    // M⁻¹ times the piece, known from its first column on; pieces before it begin there or later.
    let mut solved = vec![0.0; m];
    let mut products = vec![0.0; pieces.len()];
    let places: Vec<u32> = pieces.iter().map(|piece| piece.row as u32).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let (own, columns) = (rows.values(&piece.part), piece.columns());
        let start = columns.start;
        if let Some(inverse) = &mut inverse {
            inverse.advance(start);
            combine(&mut solved[start..], own, |a| &inverse.row(start + a)[start..]);
        } else {
            solved.fill(0.0);
            solved[columns.clone()].copy_from_slice(own);
            block.solve(&mut solved);
        }
        let before = &pieces[..index];
        let products = &mut products[..index];
        match longest {
            4 if even => dots::<4>(products, before, &values, &solved),
            6 if even => dots::<6>(products, before, &values, &solved),
            _ => {
                for (product, other) in products.iter_mut().zip(before) {
                    *product = dot(rows.values(&other.part), &solved[other.columns()]);
                }
            }
        }
        let sums = &mut half[piece.row * n..(piece.row + 1) * n];
        sums[piece.row] += 0.5 * dot(own, &solved[columns]);
        // A loop of its own, in which the processor can wait for many of the places in memory at once.
        for (place, product) in places.iter().zip(products) {
            sums[*place as usize] += *product;
        }
    }
}

/// The products of pieces with a vector; `values` are those of the pieces, each of `N` columns, side by side.
fn dots<const N: usize>(products: &mut [f64], pieces: &[Piece], values: &[f64], solved: &[f64]) {
    for ((product, piece), values) in products.iter_mut().zip(pieces).zip(values.as_chunks::<N>().0) {
        let columns = solved[piece.part.column as usize..].first_chunk::<N>();
        *product = columns.map_or(0.0, |columns| dot(values, columns));
    }
}

/// Adds the products of pieces, which have descending columns, over a number.
fn add_free(half: &mut [f64], rows: &Rows, pieces: &[Piece], diagonal: f64) {
    let n = rows.len();
    for (index, piece) in pieces.iter().enumerate() {
        let (own, columns) = (rows.values(&piece.part), piece.columns());
        let sums = &mut half[piece.row * n..(piece.row + 1) * n];
        let solved: Vec<f64> = own.iter().map(|value| value / diagonal).collect();
        let overlap = |other: &&Piece| (other.part.column as usize) < columns.end;
        for other in pieces[..index].iter().rev().take_while(overlap) {
            let solved = &solved[other.part.column as usize - columns.start..];
            sums[other.row] += dot(rows.values(&other.part), solved);
        }
        sums[piece.row] += 0.5 * dot(own, &solved);
    }
}

/// The product of the columns that both have.
#[inline]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Adds its transpose to the lower half of a matrix `[n, n]`.
fn fold(matrix: &mut [f64], n: usize) {
    for top in (0..n).step_by(TILE) {
        for left in (0..=top).step_by(TILE) {
            for i in top..n.min(top + TILE) {
                for j in left..(i + 1).min(left + TILE) {
                    matrix[i * n + j] += matrix[j * n + i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::{Prior, PriorBlock};
    use kanode_spline::{Banded, CellTable, KnotEnds, Knots, Outside};
    use std::sync::Arc;

    const P: usize = 140;

    fn roughness(grid: usize) -> Arc<Banded> {
        let knots = Knots::uniform(0.0, 1.0, grid, 3, KnotEnds::Clamped).unwrap();
        Arc::new(CellTable::new(&knots, Outside::Linear).roughness(2))
    }

    fn block(start: usize, matrix: &Arc<Banded>) -> PriorBlock {
        PriorBlock { start, matrix: Arc::clone(matrix), lambda: 1e-6, rank: matrix.n() - 2 }
    }

    /// Wide blocks of 43, 43 and 23 parameters, and narrow ones of 8; before, between and behind them are some without a
    /// block.
    fn prior() -> Prior {
        let (large, small, narrow) = (roughness(40), roughness(20), roughness(5));
        let blocks = vec![
            block(5, &large),
            block(48, &large),
            block(91, &narrow),
            block(100, &small),
            block(123, &narrow),
            block(131, &narrow),
        ];
        Prior { blocks, ridge: 1e-3 }
    }

    /// Rows that have a segment at each of `starts`, moved by what depends on the row.
    fn rows(n: usize, starts: &[usize], length: impl Fn(usize, usize) -> usize) -> Rows {
        let mut rows = Rows::new();
        for row in 0..n {
            for (index, start) in starts.iter().enumerate() {
                let values = rows.segment(start + row * (2 * index + 5) % 13, length(row, index));
                values
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, v)| *v = ((row * 7 + index * 3 + i) as f64).sin());
            }
            rows.finish_row();
        }
        rows
    }

    /// The same for `p` parameters, with one solution of the whole system for each row.
    fn slow(rows: &Rows, p: usize, factor: &PriorFactor) -> Vec<f64> {
        let n = rows.len();
        let mut kernel = vec![0.0; n * n];
        for column in 0..n {
            let mut dense = vec![0.0; p];
            for segment in rows.row(column) {
                let start = segment.column as usize;
                dense[start..start + segment.length as usize].copy_from_slice(rows.values(segment));
            }
            factor.solve(&mut dense);
            (column..n).for_each(|row| kernel[row * n + column] = rows.dot(row, &dense));
            kernel[column * n + column] += 1.0;
        }
        kernel
    }

    #[test]
    fn sweeps_and_solutions_agree() {
        let factor = prior().factor(1e-4).unwrap();
        // Segments cross the borders of blocks, and a block has several of a row. One row is too few for a sweep.
        let starts = [0, 20, 40, 60, 80, 100, 120];
        for n in [1, 2, TILE, 2 * TILE + 7] {
            let cases = [
                rows(n, &starts, |_, _| 4),
                rows(n, &starts, |_, _| 6),
                rows(n, &starts, |_, _| 1),
                rows(n, &starts, |row, index| (row + index) % 8),
                rows(n, &[0], |_, _| P - 13),
                rows(n, &[], |_, _| 0),
            ];
            for (case, rows) in cases.iter().enumerate() {
                let (found, expected) = (dual_kernel(rows, &factor), slow(rows, P, &factor));
                let largest = expected.iter().fold(0.0, |largest: f64, v| largest.max(v.abs()));
                for i in 0..n {
                    for j in 0..=i {
                        let error = (found[(i, j)] - expected[i * n + j]).abs();
                        assert!(error < 1e-9 * largest, "{n}, {case}: {error} at {i}, {j}");
                    }
                }
                assert_eq!(found, dual_kernel(rows, &factor));
            }
        }
    }

    #[test]
    fn more_narrow_blocks_than_are_multiplied_at_once() {
        let (narrow, width, count) = (roughness(5), 8, TOGETHER / 8 + 3);
        let blocks = (0..count).map(|index| block(index * width, &narrow)).collect();
        let factor = Prior { blocks, ridge: 1e-3 }.factor(1e-4).unwrap();
        let mut rows = Rows::new();
        for row in 0..20 {
            for index in 0..count {
                let values = rows.segment(index * width + (row + index) % 5, 4);
                values
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, v)| *v = ((row * 7 + index * 3 + i) as f64).sin());
            }
            rows.finish_row();
        }
        let (found, expected) = (dual_kernel(&rows, &factor), slow(&rows, count * width, &factor));
        let largest = expected.iter().fold(0.0, |largest: f64, v| largest.max(v.abs()));
        for i in 0..20 {
            assert!((0..=i).all(|j| (found[(i, j)] - expected[i * 20 + j]).abs() < 1e-10 * largest));
        }
    }

    #[test]
    fn without_blocks_rows_meet_where_they_overlap() {
        let factor = Prior { ridge: 0.5, ..Prior::default() }.factor(0.0).unwrap();
        let rows = rows(40, &[0, 20, 60], |row, _| row % 7);
        let (found, expected) = (dual_kernel(&rows, &factor), slow(&rows, P, &factor));
        // Sums of at most eighteen products below 2.
        for i in 0..40 {
            assert!((0..=i).all(|j| (found[(i, j)] - expected[i * 40 + j]).abs() < 1e-13));
        }
    }
}
