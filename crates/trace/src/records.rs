//! What a forward pass keeps: for each row three runs of numbers, whose places the stages know.

/// Lengths of the parts of a row's record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strides {
    pub(crate) jets: usize,
    pub(crate) weights: usize,
    pub(crate) firsts: usize,
}

/// What a row came to: jets of all nodes and sums, and the basis functions at every input of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) jets: &'a [f64],
    pub(crate) weights: &'a [f64],
    pub(crate) firsts: &'a [u32],
}

/// As [`Record`], for writing.
#[derive(Debug)]
pub(crate) struct RecordMut<'a> {
    pub(crate) jets: &'a mut [f64],
    pub(crate) weights: &'a mut [f64],
    pub(crate) firsts: &'a mut [u32],
}

/// The records of all rows of a forward pass.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    strides: Strides,
    rows: usize,
    jets: Vec<f64>,
    weights: Vec<f64>,
    firsts: Vec<u32>,
}

impl Records {
    /// No records.
    pub(crate) fn new(strides: Strides) -> Self {
        Self { strides, rows: 0, jets: Vec::new(), weights: Vec::new(), firsts: Vec::new() }
    }

    /// Makes room for a number of rows; memory is kept for later passes.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.rows = rows;
        self.jets.resize(rows * self.strides.jets, 0.0);
        self.weights.resize(rows * self.strides.weights, 0.0);
        self.firsts.resize(rows * self.strides.firsts, 0);
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The record of one row.
    pub(crate) fn row(&self, row: usize) -> Record<'_> {
        let Strides { jets, weights, firsts } = self.strides;
        Record {
            jets: &self.jets[row * jets..(row + 1) * jets],
            weights: &self.weights[row * weights..(row + 1) * weights],
            firsts: &self.firsts[row * firsts..(row + 1) * firsts],
        }
    }

    /// All records, for writing.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = RecordMut<'_>> {
        let jets = self.jets.chunks_exact_mut(self.strides.jets);
        let weights = self.weights.chunks_exact_mut(self.strides.weights);
        let firsts = self.firsts.chunks_exact_mut(self.strides.firsts);
        jets.zip(weights).zip(firsts).map(|((jets, weights), firsts)| RecordMut { jets, weights, firsts })
    }
}
