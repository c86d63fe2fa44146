//! Sparse rows of a Jacobian. A row is a list of segments, runs of neighbouring columns, because every edge of a
//! network gives a row the few control points that its spline touches.

/// A run of neighbouring columns of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First column.
    pub column: u32,
    /// Number of columns.
    pub length: u32,
    /// Where its values begin in [`Rows::values`].
    pub offset: usize,
}

/// Rows of a sparse matrix, in order. Segments of one row have ascending columns and do not overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// `starts[i]..starts[i + 1]` are the segments of row `i`; one more entry than rows.
    starts: Vec<usize>,
    segments: Vec<Segment>,
    values: Vec<f64>,
}

impl Default for Rows {
    fn default() -> Self {
        Self::new()
    }
}

impl Rows {
    /// No rows.
    pub fn new() -> Self {
        Self { starts: vec![0], segments: Vec::new(), values: Vec::new() }
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.starts.clear();
        self.starts.push(0);
        self.segments.clear();
        self.values.clear();
    }

    /// Number of finished rows.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are no finished rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a segment to the row begun and returns its values, zeros, for writing. Columns must be above all columns
    /// that the row already has.
    ///
    /// # Panics
    /// If a column is not below 2³²: the matrices that come of such rows fit no machine.
    pub fn segment(&mut self, column: usize, length: usize) -> &mut [f64] {
        let end = column.checked_add(length).filter(|end| u32::try_from(*end).is_ok());
        assert!(end.is_some(), "columns {column} and {length} more: there are at most 2^32 - 1");
        let offset = self.values.len();
        self.segments.push(Segment { column: column as u32, length: length as u32, offset });
        self.values.resize(offset + length, 0.0);
        &mut self.values[offset..]
    }

    /// Ends the row begun.
    pub fn finish_row(&mut self) {
        self.starts.push(self.segments.len());
    }

    /// The segments of a row.
    pub fn row(&self, row: usize) -> &[Segment] {
        &self.segments[self.starts[row]..self.starts[row + 1]]
    }

    /// The values of a segment.
    pub fn values(&self, segment: &Segment) -> &[f64] {
        &self.values[segment.offset..segment.offset + segment.length as usize]
    }

    /// The product of a row with a vector of all columns.
    pub fn dot(&self, row: usize, x: &[f64]) -> f64 {
        let mut sum = 0.0;
        for segment in self.row(row) {
            let x = &x[segment.column as usize..];
            sum += self.values(segment).iter().zip(x).map(|(v, x)| v * x).sum::<f64>();
        }
        sum
    }

    /// `out ← out + Jᵀ·y` for `y: [rows]`.
    pub fn transpose_multiply_add(&self, y: &[f64], out: &mut [f64]) {
        for (row, y) in y.iter().enumerate() {
            for segment in self.row(row) {
                for (out, v) in out[segment.column as usize..].iter_mut().zip(self.values(segment)) {
                    *out += y * v;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let mut rows = Rows::new();
        rows.segment(1, 2).copy_from_slice(&[2.0, 3.0]);
        rows.segment(4, 1)[0] = -1.0;
        rows.finish_row();
        rows.finish_row();
        rows.segment(0, 3).copy_from_slice(&[1.0, 0.0, 5.0]);
        rows.finish_row();
        rows
    }

    #[test]
    fn products_are_those_of_the_dense_matrix() {
        let rows = rows();
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let products: Vec<f64> = (0..3).map(|row| rows.dot(row, &x)).collect();
        assert_eq!(products, [8.0, 0.0, 16.0]);
        let mut out = vec![1.0; 5];
        rows.transpose_multiply_add(&[1.0, 7.0, 2.0], &mut out);
        assert_eq!(out, [3.0, 3.0, 14.0, 1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "at most 2^32 - 1")]
    fn a_column_that_needs_more_than_32_bits_is_refused() {
        Rows::new().segment(u32::MAX as usize, 1);
    }

    #[test]
    #[should_panic(expected = "at most 2^32 - 1")]
    fn a_column_beyond_all_numbers_is_refused() {
        Rows::new().segment(usize::MAX, 2);
    }

    #[test]
    fn cleared_rows_are_none() {
        let mut rows = rows();
        assert_eq!((rows.len(), rows.is_empty(), rows.row(0).len()), (3, false, 2));
        rows.clear();
        assert_eq!(rows, Rows::new());
        assert!(rows.is_empty());
    }
}
