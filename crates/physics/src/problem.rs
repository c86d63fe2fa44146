//! The loss of all terms as optimisers see it: `F(θ) = Σ_terms weight·mean(residual²)`, with sparse Jacobian rows for
//! Levenberg–Marquardt and a gradient for the others.

use crate::error::PhysicsError;
use crate::report::TermReport;
use crate::tape::{Point, Work};
use crate::term::Prepared;
use kanode_engine::Program;
use kanode_optim::{LeastSquares, Prior, Rows};
use kanode_trace::{Packing, Trace};
use std::ops::Range;
use std::sync::Arc;

/// Points that are traced at once: few enough that what a pass keeps stays in a processor's cache.
const BLOCK: usize = 64;

/// Why an evaluation was given up: somebody asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// The terms on one network with fixed knots.
pub(crate) struct Problem<'a> {
    terms: &'a [Prepared<'a>],
    /// One for each term.
    traces: Vec<Trace>,
    /// Of all terms.
    work: Work,
    jets: Vec<f64>,
    /// Evaluations of the loss.
    pub(crate) evaluations: u64,
}

/// A problem, with who may break it off.
pub(crate) struct Watched<'p, 'a> {
    pub(crate) problem: &'p mut Problem<'a>,
    pub(crate) cancelled: &'p dyn Fn() -> bool,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(terms: &'a [Prepared<'a>], program: &Arc<Program>, packing: &Arc<Packing>) -> Self {
        let trace = |term: &Prepared<'_>| {
            Trace::new(Arc::clone(program), Arc::clone(packing), term.residual.jet().clone())
        };
        let width = terms.iter().map(|term| term.units.width()).max().unwrap_or(0);
        let traces = terms.iter().map(trace).collect();
        Self { terms, traces, work: Work::default(), jets: vec![0.0; width], evaluations: 0 }
    }

    /// Runs all points through the network, some of one term at a time, and hands them to `each`.
    fn each_block<Stop>(
        &mut self,
        theta: &[f64],
        mut each: impl FnMut(Block<'_, 'a>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for (index, (term, trace)) in self.terms.iter().zip(&mut self.traces).enumerate() {
            let inputs = term.scaled.len() / term.term.count;
            for from in (0..term.term.count).step_by(BLOCK) {
                let points = from..(from + BLOCK).min(term.term.count);
                trace.forward(theta, &term.scaled[points.start * inputs..points.end * inputs]);
                let (work, jets) = (&mut self.work, &mut self.jets[..term.units.width()]);
                each(Block { index, term, trace, points, work, jets })?;
            }
        }
        Ok(())
    }

    /// How well each term holds at θ, and the loss.
    pub(crate) fn report(&mut self, theta: &[f64]) -> (Vec<TermReport>, f64) {
        let mut loss = 0.0;
        let mut reports: Vec<TermReport> = self
            .terms
            .iter()
            .map(|term| TermReport { points: term.term.count, rms: 0.0, maximum: 0.0 })
            .collect();
        let done: Result<(), Cancelled> = self.each_block(theta, |mut block| {
            for point in block.counted() {
                let residual = block.value(point);
                let part = block.term.shares[point] * residual * residual;
                let report = &mut reports[block.index];
                loss += part;
                report.rms += part;
                report.maximum = report.maximum.max(residual.abs());
            }
            Ok(())
        });
        debug_assert_eq!(done, Ok(()));
        for (report, term) in reports.iter_mut().zip(self.terms) {
            // What counts nothing has no points of positive share.
            let weight = if term.term.weight > 0.0 { term.term.weight } else { 1.0 };
            report.rms = (report.rms / weight).sqrt();
        }
        (reports, loss)
    }

    /// Where θ is no point to begin a step from, as the error that it is: the first point whose residual or slope is
    /// infinite or NaN, or else that of the largest residual, whose square must then be so.
    pub(crate) fn locate(&mut self, theta: &[f64]) -> PhysicsError {
        let mut seed = vec![0.0; self.jets.len()];
        let mut largest = (0, 0, 0.0f64);
        let found = self.each_block(theta, |mut block| {
            let seed = &mut seed[..block.term.units.width()];
            for point in block.counted() {
                let found = block.differentiate(point, seed);
                if !(found.is_finite() && seed.iter().all(|slope| slope.is_finite())) {
                    return Err((block.index, point, found));
                }
                if found.abs() > largest.2.abs() {
                    largest = (block.index, point, found);
                }
            }
            Ok(())
        });
        let (term, point, found) = found.err().unwrap_or(largest);
        PhysicsError::NotFinite { term, point, found }
    }
}

/// Some points of a term after a forward pass.
struct Block<'b, 'a> {
    index: usize,
    term: &'b Prepared<'a>,
    trace: &'b mut Trace,
    points: Range<usize>,
    work: &'b mut Work,
    jets: &'b mut [f64],
}

impl Block<'_, '_> {
    /// The points of the block that count.
    fn counted(&self) -> impl Iterator<Item = usize> + use<> {
        let counts: Vec<usize> = self.points.clone().filter(|point| self.term.shares[*point] > 0.0).collect();
        counts.into_iter()
    }

    /// Brings the jets of a point to the user's units, and the rest of it beside them.
    fn point(&mut self, point: usize) -> (Point<'_>, &mut Work) {
        let Prepared { term, columns, units, scaled, .. } = self.term;
        let width = units.width();
        let row = point - self.points.start;
        units.to_user(&self.trace.outputs()[row * width..(row + 1) * width], self.jets);
        let inputs = scaled.len() / term.count;
        let x = &term.points[point * inputs..(point + 1) * inputs];
        let data = &term.data[point * columns..(point + 1) * columns];
        (Point { jets: self.jets, x, data }, self.work)
    }

    fn value(&mut self, point: usize) -> f64 {
        let residual = &self.term.residual;
        let (point, work) = self.point(point);
        residual.value(&point, work)
    }

    /// The residual; its derivatives by the trace's outputs are written to `seed`.
    fn differentiate(&mut self, point: usize, seed: &mut [f64]) -> f64 {
        let Prepared { residual, units, .. } = self.term;
        let (point, work) = self.point(point);
        let value = residual.differentiate(&point, work, seed);
        units.seed(seed);
        value
    }
}

impl LeastSquares for Watched<'_, '_> {
    type Stop = Cancelled;

    fn value(&mut self, theta: &[f64]) -> Result<f64, Cancelled> {
        let cancelled = self.cancelled;
        self.problem.evaluations += 1;
        let mut sum = 0.0;
        self.problem.each_block(theta, |mut block| {
            if cancelled() {
                return Err(Cancelled);
            }
            for point in block.counted() {
                let residual = block.value(point);
                sum += block.term.shares[point] * residual * residual;
            }
            Ok(())
        })?;
        Ok(sum)
    }

    fn linearise(
        &mut self,
        theta: &[f64],
        rows: &mut Rows,
        residuals: &mut Vec<f64>,
    ) -> Result<(), Cancelled> {
        let cancelled = self.cancelled;
        rows.clear();
        residuals.clear();
        let mut seed = vec![0.0; self.problem.jets.len()];
        self.problem.each_block(theta, |mut block| {
            if cancelled() {
                return Err(Cancelled);
            }
            let seed = &mut seed[..block.term.units.width()];
            for point in block.counted() {
                let root = block.term.shares[point].sqrt();
                residuals.push(root * block.differentiate(point, seed));
                seed.iter_mut().for_each(|slope| *slope *= root);
                block.trace.row(point - block.points.start, seed, rows);
            }
            Ok(())
        })
    }
}

impl Watched<'_, '_> {
    /// The loss with a prior; the gradient of both is written to `gradient`.
    pub(crate) fn gradient(
        &mut self,
        theta: &[f64],
        prior: &Prior,
        gradient: &mut [f64],
    ) -> Result<f64, Cancelled> {
        let cancelled = self.cancelled;
        self.problem.evaluations += 1;
        gradient.fill(0.0);
        prior.multiply_add(theta, gradient);
        gradient.iter_mut().for_each(|slope| *slope *= 2.0);
        let mut seeds = Vec::new();
        let mut sum = 0.0;
        self.problem.each_block(theta, |mut block| {
            if cancelled() {
                return Err(Cancelled);
            }
            let width = block.term.units.width();
            seeds.clear();
            seeds.resize(block.points.len() * width, 0.0);
            for point in block.counted() {
                let share = block.term.shares[point];
                let row = point - block.points.start;
                let seed = &mut seeds[row * width..(row + 1) * width];
                let residual = block.differentiate(point, seed);
                sum += share * residual * residual;
                seed.iter_mut().for_each(|slope| *slope *= 2.0 * share * residual);
            }
            block.trace.gradient(&seeds, gradient);
            Ok(())
        })?;
        Ok(sum + prior.value(theta))
    }
}

#[cfg(test)]
mod tests;
