//! The normal matrix `JᵀJ + R`: by products of the few segments that a row has, or, where these are short and many, by
//! one product of dense matrices, which does more in less time.

use crate::dense::add_products;
use crate::prior::Prior;
use crate::rows::Rows;
use ndarray::Array2;

/// Columns for each segment of a row below which dense rows pay: a pair of segments costs about as much as 80 cells of
/// a dense product (8.5² of them are 72).
const DENSE: f64 = 8.5;
/// Rows that are dense at a time.
const TOGETHER: usize = 256;

/// The lower half of `JᵀJ + R`, `[p, p]`.
pub(crate) fn normal_matrix(p: usize, rows: &Rows, prior: &Prior) -> Array2<f64> {
    if p == 0 {
        return Array2::zeros((0, 0));
    }
    let segments: usize = (0..rows.len()).map(|row| rows.row(row).len()).sum();
    // Without columns there are no segments, and nothing to multiply.
    let dense = p > 0 && p as f64 * rows.len() as f64 <= DENSE * segments as f64;
    let mut normal = if dense { dense_products(p, rows) } else { sparse_products(p, rows) };
    for block in &prior.blocks {
        for i in 0..block.matrix.n() {
            for (d, entry) in block.matrix.row(i).iter().enumerate().take(i + 1) {
                normal[(block.start + i, block.start + i - d)] += block.lambda * entry;
            }
        }
    }
    normal.diag_mut().iter_mut().for_each(|diagonal| *diagonal += prior.ridge);
    normal
}

fn dense_products(p: usize, rows: &Rows) -> Array2<f64> {
    let mut products = Array2::zeros((p, p));
    for first in (0..rows.len()).step_by(TOGETHER) {
        let together = TOGETHER.min(rows.len() - first);
        let mut dense = vec![0.0; together * p];
        for (row, dense) in dense.chunks_exact_mut(p).enumerate() {
            for segment in rows.row(first + row) {
                let start = segment.column as usize;
                dense[start..start + segment.length as usize].copy_from_slice(rows.values(segment));
            }
        }
        let dense = Array2::from_shape_vec((together, p), dense).unwrap_or_default();
        add_products(1.0, &dense.t(), &mut products.view_mut());
    }
    products
}

fn sparse_products(p: usize, rows: &Rows) -> Array2<f64> {
    let mut products = vec![0.0; p * p];
    for row in 0..rows.len() {
        let segments = rows.row(row);
        for (index, below) in segments.iter().enumerate() {
            let left = rows.values(below);
            for above in &segments[..=index] {
                let right = rows.values(above);
                let first = below.column as usize * p + above.column as usize;
                match right.len() {
                    4 => add_outer_fixed::<4>(&mut products[first..], p, left, right),
                    6 => add_outer_fixed::<6>(&mut products[first..], p, left, right),
                    _ => add_outer(&mut products[first..], p, left, right),
                }
            }
        }
    }
    Array2::from_shape_vec((p, p), products).unwrap_or_default()
}

/// Adds `left·rightᵀ` to the cells of rows `p` apart.
fn add_outer(cells: &mut [f64], p: usize, left: &[f64], right: &[f64]) {
    for (left, cells) in left.iter().zip(cells.chunks_mut(p)) {
        cells.iter_mut().zip(right).for_each(|(cell, right)| *cell += left * right);
    }
}

/// The same for a right side of `N`, which is what most segments of splines have: loops without a count.
fn add_outer_fixed<const N: usize>(cells: &mut [f64], p: usize, left: &[f64], right: &[f64]) {
    let Some(right) = right.first_chunk::<N>() else { return };
    for (left, cells) in left.iter().zip(cells.chunks_mut(p)) {
        if let Some(cells) = cells.first_chunk_mut::<N>() {
            cells.iter_mut().zip(right).for_each(|(cell, right)| *cell += left * right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::PriorBlock;
    use kanode_spline::Banded;
    use std::sync::Arc;

    /// Rows of segments of this length, at moving places in spans of this width.
    fn rows(n: usize, spans: usize, width: usize, length: usize) -> Rows {
        let mut rows = Rows::new();
        for row in 0..n {
            for span in 0..spans {
                let first = span * width + (row * (span + 3)) % (width - length + 1);
                let values = rows.segment(first, length);
                values.iter_mut().enumerate().for_each(|(i, v)| *v = ((row * 7 + span * 3 + i) as f64).sin());
            }
            rows.finish_row();
        }
        rows
    }

    #[test]
    fn both_ways_add_up_the_same_products() {
        for n in [1, TOGETHER, TOGETHER + 1] {
            for length in [1, 3, 4, 6] {
                let (spans, width) = (20, 8);
                let (p, rows) = (spans * width, rows(n, spans, width, length));
                let mut expected = vec![0.0; p * p];
                for row in 0..n {
                    let mut dense = vec![0.0; p];
                    for segment in rows.row(row) {
                        dense[segment.column as usize..][..length].copy_from_slice(rows.values(segment));
                    }
                    for i in 0..p {
                        (0..=i).for_each(|j| expected[i * p + j] += dense[i] * dense[j]);
                    }
                }
                for found in [dense_products(p, &rows), sparse_products(p, &rows)] {
                    for i in 0..p {
                        for j in 0..=i {
                            // Sums of at most n products below 1.
                            let error = (found[(i, j)] - expected[i * p + j]).abs();
                            assert!(error < 1e-15 * n as f64 + 1e-14, "{n} {length}: {error}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_prior_is_on_top() {
        let rows = rows(5, 2, 8, 4);
        let mut matrix = Banded::zeros(3, 1);
        matrix.add_diagonal(2.0);
        matrix.add(1, 0, -1.0);
        let block = PriorBlock { start: 4, matrix: Arc::new(matrix), lambda: 0.5, rank: 3 };
        let with = normal_matrix(16, &rows, &Prior { blocks: vec![block], ridge: 0.25 });
        let without = normal_matrix(16, &rows, &Prior::default());
        for i in 0..16 {
            for j in 0..=i {
                let ridge = if i == j { 0.25 } else { 0.0 };
                let rough = match (i, j) {
                    (5, 4) => -0.5,
                    (4..7, _) if i == j => 1.0,
                    _ => 0.0,
                };
                assert!((with[(i, j)] - without[(i, j)] - ridge - rough).abs() < 1e-14, "{i} {j}");
            }
        }
    }
}
