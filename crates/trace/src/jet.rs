//! Truncated Taylor coefficients of what a node gives: its value, and derivatives by the network's inputs. The rules
//! here are those of the product; that of an edge's function is in the kernels.

/// Which derivatives by the network's inputs a [`Trace`](crate::Trace) carries from node to node.
///
/// A jet is the numbers `[value, first derivatives, second derivatives]`, in the order of the two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jet {
    /// Inputs of the network by which there are first derivatives.
    pub directions: Vec<usize>,
    /// Pairs of indices into `directions`, in either order, by which there are second derivatives.
    pub pairs: Vec<(usize, usize)>,
}

impl Jet {
    /// Values alone.
    pub fn value() -> Self {
        Self::default()
    }

    /// Number of numbers in a jet, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a jet is never empty")]
    pub fn len(&self) -> usize {
        1 + self.directions.len() + self.pairs.len()
    }

    /// Highest order of its derivatives: 0, 1 or 2.
    pub fn order(&self) -> usize {
        if !self.pairs.is_empty() { 2 } else { usize::from(!self.directions.is_empty()) }
    }

    /// Place of the first second derivative.
    pub(crate) fn seconds(&self) -> usize {
        1 + self.directions.len()
    }

    /// Places of each second derivative and of the two first derivatives that belong to it.
    pub(crate) fn triples(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let start = self.seconds();
        self.pairs.iter().enumerate().map(move |(index, (i, j))| (start + index, 1 + i, 1 + j))
    }

    /// `u := u·v`.
    pub(crate) fn multiply(&self, u: &mut [f64], v: &[f64]) {
        for (ij, i, j) in self.triples() {
            u[ij] = u[ij] * v[0] + u[i] * v[j] + u[j] * v[i] + u[0] * v[ij];
        }
        for i in 1..self.seconds() {
            u[i] = u[i] * v[0] + u[0] * v[i];
        }
        u[0] *= v[0];
    }

    /// The derivatives by `u` of what has the derivatives `by_product` by `u·v`, overwriting `by_u`.
    pub(crate) fn multiply_adjoint(&self, by_product: &[f64], v: &[f64], by_u: &mut [f64]) {
        by_u[0] = by_product.iter().zip(v).map(|(d, v)| d * v).sum();
        for i in 1..by_u.len() {
            by_u[i] = by_product[i] * v[0];
        }
        for (ij, i, j) in self.triples() {
            by_u[i] += by_product[ij] * v[j];
            by_u[j] += by_product[ij] * v[i];
        }
    }
}
