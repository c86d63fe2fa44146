//! Penalties and priors as the plain data that backends train with.

use super::{Penalties, Roughness, Smoothness};
use crate::network::Network;
use kanode_engine::{Base, EdgeForm, Layer, Penalty, Real};
use kanode_spline::{Banded, CellTable};
use std::collections::HashMap;
use std::sync::Arc;

impl Penalties {
    /// These penalties and a prior on a network of splines, for backends; None if there is neither.
    pub fn to_plain<T: Real>(&self, network: &Network<T>, prior: Option<&Smoothness>) -> Option<Penalty> {
        if *self == Self::default() && prior.is_none() {
            return None;
        }
        let mut forms = Forms { penalties: self, prior, known: HashMap::new() };
        let mut rough = [Roughness::new(2), Roughness::new(prior.map_or(1, |prior| prior.order))];
        let layers = network.program().layers().iter();
        let forms = layers
            .map(|layer| layer.splines.iter().map(|table| forms.of(layer, table, &mut rough)).collect())
            .collect();
        Some(Penalty { l1: self.l1, entropy: self.entropy, coefficient: self.coefficient, forms })
    }
}

/// The forms made so far: a table has one, whichever inputs share it.
struct Forms<'a> {
    penalties: &'a Penalties,
    prior: Option<&'a Smoothness>,
    known: HashMap<*const CellTable, EdgeForm>,
}

impl Forms<'_> {
    fn of(
        &mut self,
        layer: &Layer,
        table: &Arc<CellTable>,
        [curvature, prior]: &mut [Roughness; 2],
    ) -> EdgeForm {
        let (penalties, told) = (self.penalties, self.prior);
        let new = || {
            let n = layer.bases();
            let mut matrix = Banded::zeros(n, layer.degree() + 1);
            let steps = penalties.smoothness;
            for i in 1..n {
                matrix.add(i, i, steps);
                matrix.add(i - 1, i - 1, steps);
                matrix.add(i, i - 1, -steps);
            }
            if penalties.curvature != 0.0 {
                add(&mut matrix, curvature.of(table), penalties.curvature);
            }
            let mut base = 0.0;
            if let Some(told) = told {
                add(&mut matrix, prior.of(table), told.lambda);
                matrix.add_diagonal(told.ridge);
                if layer.base != Base::Zero {
                    base = told.ridge + told.lambda * prior.of_base(table, layer.base).unwrap_or(0.0);
                }
            }
            EdgeForm { matrix: Arc::new(matrix), base }
        };
        self.known.entry(Arc::as_ptr(table)).or_insert_with(new).clone()
    }
}

/// Adds a multiple of a matrix whose band is no wider.
fn add(to: &mut Banded, from: &Banded, strength: f64) {
    for i in 0..from.n() {
        for (distance, entry) in from.row(i).iter().enumerate().take(i + 1) {
            to.add(i, i - distance, strength * entry);
        }
    }
}
