//! A network some of whose edges are functions already, on its way to having no spline left.

use super::refit::{Observations, refit};
use crate::discover::{SearchOptions, approximate};
use crate::edge::{EdgeError, edge_curve};
use crate::edge_formula::{EdgeFormula, units_of};
use crate::expression::Expression;
use crate::families::Family;
use crate::fit::{Fit, suggest};
use crate::front::UNIT;
use crate::sample::Sample;
use kanode_network::{EdgeId, Network};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps of the fit after an edge has become a function.
const STEPS: usize = 8;

/// Evaluations of a search for the formula of one curve, and its formulas that are tried.
const EVALUATIONS: f64 = 200.0;
const FOUND: usize = 2;

/// How states are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Rows that count.
    pub(super) rows: f64,
    /// Variance of the target in the network's units.
    pub(super) variance: f64,
    /// The part of it that the network does not know.
    pub(super) floor: f64,
}

/// What an edge has become: the family's name, and the bits that its description takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fixed {
    pub(super) family: String,
    pub(super) bits: f64,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) network: Network<f64>,
    /// The part of the target's variance that is left unexplained.
    pub(super) error: f64,
    pub(super) fixed: BTreeMap<EdgeId, Fixed>,
    /// Edges that are splines still, with what they may be, as far as this has been looked at.
    pub(super) open: BTreeMap<EdgeId, Option<Seen>>,
}

/// What an edge may be.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) fits: Arc<Vec<Fit>>,
    /// Whether no other edge has changed since.
    pub(super) fresh: bool,
    /// Whether the curve was searched by itself.
    pub(super) searched: bool,
}

impl State {
    /// The length of a description of the data by this network. A spline costs a constant for each of its coefficients.
    pub(super) fn bits(&self, scale: &Scale) -> f64 {
        let constant = 0.5 * scale.rows.log2();
        let splines = (self.open.len() * self.network.specification().bases()) as f64;
        let functions: f64 = self.fixed.values().map(|fixed| fixed.bits).sum();
        0.5 * scale.rows * (self.error + scale.floor).log2() + constant * splines + functions
    }

    /// Which functions are where, for telling states apart.
    pub(super) fn signature(&self) -> Vec<(EdgeId, String)> {
        self.fixed.iter().map(|(edge, fixed)| (*edge, fixed.family.clone())).collect()
    }

    /// What an edge may be, on the rows given: the surest first. One that always receives the same number is a constant.
    pub(super) fn look(
        &self,
        edge: EdgeId,
        families: &[Box<dyn Family>],
        rows: &Observations,
        noise: f64,
    ) -> Seen {
        let fits = match edge_curve(&self.network, edge, Some(&rows.x), noise) {
            Ok((curve, noise)) => suggest(&curve, families, noise),
            Err(EdgeError::Curve(_)) => self.constant(edge).into_iter().collect(),
            Err(EdgeError::Network(_)) => Vec::new(),
        };
        Seen { fits: Arc::new(fits), fresh: true, searched: false }
    }

    /// Formulas beyond families for an edge's curve, the shortest description first.
    pub(super) fn search(
        &self,
        edge: EdgeId,
        families: &Arc<[Box<dyn Family>]>,
        rows: &Observations,
        noise: f64,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Fit> {
        let Ok((curve, noise)) = edge_curve(&self.network, edge, Some(&rows.x), noise) else {
            return Vec::new();
        };
        let sample = Sample::new(vec![Arc::from("x")], vec![curve.x().to_vec()], curve.y(), None);
        let Ok(sample) = sample else { return Vec::new() };
        let options = SearchOptions {
            evaluations: EVALUATIONS,
            families: Arc::clone(families),
            ..SearchOptions::default()
        };
        let (front, _) = approximate(&sample, noise, &options, cancelled);
        let mut found: Vec<Fit> = front
            .candidates()
            .iter()
            .map(|one| {
                let expression = one.model.expression();
                Fit { family: format!("{expression:?}"), expression, error: one.error, bits: one.bits }
            })
            .collect();
        found.sort_by(|a, b| a.bits.total_cmp(&b.bits));
        found.truncate(FOUND);
        found
    }

    fn constant(&self, edge: EdgeId) -> Option<Fit> {
        let (a, b) = self.network.domain_of(edge).ok()?;
        let value = self.network.edge_curve(edge.layer, edge.from, edge.to, &[0.5 * (a + b)]).ok()?[0];
        let expression = Expression::real(value * units_of(&self.network, edge).1);
        let family = "constant".to_owned();
        value.is_finite().then_some(Fit { family, expression, error: 0.0, bits: 0.0 })
    }

    /// The state with a function on an edge, fitted; None if that can't be.
    pub(super) fn with(&self, edge: EdgeId, fit: &Fit, rows: &Observations, scale: &Scale) -> Option<Self> {
        let (formula, constants) = EdgeFormula::on(&self.network, edge, &fit.expression, false).ok()?;
        let count = constants.len() as f64;
        let mut network = self.network.with_function(edge, Arc::new(formula), &constants).ok()?;
        let error = refit(&mut network, rows, STEPS) / scale.variance;
        let bits = UNIT * fit.expression.complexity() + 0.5 * scale.rows.log2() * count;
        let mut state = Self { network, error, fixed: self.fixed.clone(), open: self.open.clone() };
        state.fixed.insert(edge, Fixed { family: fit.family.clone(), bits });
        state.open.remove(&edge);
        state.open.values_mut().flatten().for_each(|seen| seen.fresh = false);
        error.is_finite().then_some(state)
    }

    /// The state with a spline again on an edge, fitted.
    pub(super) fn without(&self, edge: EdgeId, rows: &Observations, scale: &Scale) -> Option<Self> {
        let mut network = self.network.with_spline(edge).ok()?;
        let error = refit(&mut network, rows, STEPS) / scale.variance;
        let mut state = Self { network, error, fixed: self.fixed.clone(), open: self.open.clone() };
        state.fixed.remove(&edge);
        state.open.insert(edge, None);
        error.is_finite().then_some(state)
    }
}

/// How much shorter the best of some functions describes an edge than its spline does: how sure it is.
pub(super) fn sureness(fits: &[Fit], bases: usize, noise: f64) -> f64 {
    let count = bases as f64;
    let spline = 0.5 * count * (noise * noise).max(1e-24).log2() + 0.5 * count.log2() * count;
    fits.first().map_or(f64::NEG_INFINITY, |best| spline - best.bits)
}
