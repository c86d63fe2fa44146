//! A solution from its beginning to its end: checks, preparation, grid after grid, and what the network is left with.
//! The network is only touched at the end, all at once.

mod round;

use crate::error::PhysicsError;
use crate::options::{GridUpdates, SolveOptions, check};
use crate::problem::Problem;
use crate::report::SolveReport;
use crate::term::{Prepared, Term};
use kanode_engine::{EngineError, Loss, Real};
use kanode_network::{GridUpdate, Network, Refit, Scaler};
use kanode_train::{History, Level, Observer, StopReason};
use round::End;
use std::sync::Arc;
use std::time::Instant;

/// Fits `network` so that the residuals of all terms vanish: minimises the sum of weight times mean square over the
/// terms, on the present grid or those of a schedule, in rounds between which the grids of hidden nodes follow what
/// these receive.
///
/// A network that was never fitted gets the domain of its inputs from the points, unless it specifies one, and where it
/// standardises a scaler of its inputs; outputs keep their units, because nothing tells their size beforehand. A fitted
/// one keeps both. Points, data and derivatives are in the user's units in any case.
///
/// At the end the network has the parameters of the lowest loss, and counts as fitted with `mse`. A solution that is
/// cancelled leaves the lowest so far; one that did no step leaves the network untouched.
///
/// # Errors
/// Options, terms or a network that won't do, no memory, and [`PhysicsError::NotFinite`] where a step cannot begin. The
/// network is then untouched.
pub fn solve<T: Real>(
    network: &mut Network<T>,
    terms: &[Term],
    options: &SolveOptions,
    observer: &mut dyn Observer<T>,
) -> Result<SolveReport, PhysicsError> {
    options.validate()?;
    check_terms(network, terms)?;
    let mut working = network.clone();
    enter_first_grid(&mut working, &options.grid)?;
    settle_inputs(&mut working, terms)?;
    working.set_loss(Some(Loss::Mse));
    let located = |(term, source)| PhysicsError::Term { term, source };
    let prepare = |(index, term)| Prepared::new(term, &working).map_err(|source| located((index, source)));
    let prepared: Vec<Prepared<'_>> = terms.iter().enumerate().map(prepare).collect::<Result<_, _>>()?;
    probe(&working, terms, options)?;
    let mut run = Run::new(working, &prepared, options);
    let stop = run.levels(observer)?;
    Ok(run.finish(network, stop))
}

fn check_terms<T: Real>(network: &Network<T>, terms: &[Term]) -> Result<(), PhysicsError> {
    for (term, given) in terms.iter().enumerate() {
        Prepared::check(given, network).map_err(|source| PhysicsError::Term { term, source })?;
    }
    if terms.iter().all(|term| term.weight == 0.0) {
        return Err(PhysicsError::NoTerms { terms: terms.len() });
    }
    Ok(())
}

/// Brings a new network to the first grid of a schedule, and checks that a trained one need not go back.
fn enter_first_grid<T: Real>(network: &mut Network<T>, grids: &[usize]) -> Result<(), PhysicsError> {
    let (Some(first), Some(last), present) = (grids.first(), grids.last(), network.specification().grid)
    else {
        return Ok(());
    };
    if network.is_fitted() {
        let expected = format!("grids up to the model's {present} or beyond");
        check("grid", &expected, format!("{grids:?}"), *last >= present)?;
    } else if *first != present {
        network.refine(*first)?;
    }
    Ok(())
}

/// Gives a new network the scaler and the domain of its inputs that the points ask for.
fn settle_inputs<T: Real>(network: &mut Network<T>, terms: &[Term]) -> Result<(), PhysicsError> {
    if network.is_fitted() {
        return Ok(());
    }
    let (inputs, outputs) = (network.inputs(), network.outputs());
    if network.specification().standardize {
        let points: Vec<f64> = terms.iter().flat_map(|term| term.points.iter().copied()).collect();
        network.set_scaler(Some(Scaler::fit_inputs(&points, inputs, outputs, None)?))?;
    }
    if network.specification().domain.is_none() {
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); inputs];
        for term in terms {
            // In the network's numbers, which may be narrower.
            for row in network.scale_inputs(&term.points, term.count).chunks_exact(inputs) {
                for (range, x) in ranges.iter_mut().zip(row) {
                    *range = (range.0.min(x.to_f64()), range.1.max(x.to_f64()));
                }
            }
        }
        network.set_input_domain(&ranges)?;
    }
    Ok(())
}

/// Asks for the memory of what grows with the points: the rows of a Jacobian on the finest grid, and its square.
fn probe<T: Real>(network: &Network<T>, terms: &[Term], options: &SolveOptions) -> Result<(), PhysicsError> {
    if !options.is_lm() {
        return Ok(());
    }
    let specification = network.specification();
    let grid = options.grid.last().copied().unwrap_or(0).max(specification.grid);
    let edges: usize = network.program().layers().iter().map(|layer| layer.edges()).sum();
    let points: usize = terms.iter().map(|term| term.count).sum();
    // The segment of an edge takes as much room as 3 numbers.
    let rows = points.saturating_mul(edges).saturating_mul(specification.degree + 2 + 3);
    let parameters = edges.saturating_mul(grid + specification.degree + 1).min(points);
    let numbers = rows.saturating_add(parameters.saturating_mul(parameters).saturating_mul(2));
    let mut block = Vec::<f64>::new();
    let memory = |_| EngineError::Memory { what: "the Jacobian of the residuals", numbers };
    block.try_reserve_exact(numbers).map_err(memory)?;
    Ok(())
}

/// A solution on its way.
struct Run<'a, T: Real> {
    network: Network<T>,
    terms: &'a [Prepared<'a>],
    options: &'a SolveOptions,
    /// The points of all terms, in the network's units.
    points: Vec<f64>,
    /// The network of the lowest loss at the end of a round, with that loss.
    best: Option<(f64, Network<T>)>,
    history: History,
    levels: Vec<Level>,
    last_loss: Option<f64>,
    steps: u64,
    evaluations: u64,
    started: Instant,
}

impl<'a, T: Real> Run<'a, T> {
    fn new(network: Network<T>, terms: &'a [Prepared<'a>], options: &'a SolveOptions) -> Self {
        Self {
            network,
            terms,
            options,
            points: terms.iter().flat_map(|term| term.scaled.iter().copied()).collect(),
            best: None,
            history: History::new(),
            levels: Vec::new(),
            last_loss: None,
            steps: 0,
            evaluations: 0,
            started: Instant::now(),
        }
    }

    /// All steps on all grids.
    fn levels(&mut self, observer: &mut dyn Observer<T>) -> Result<StopReason, PhysicsError> {
        let present = self.network.specification().grid;
        let finer = self.options.grid.iter().copied().filter(|grid| *grid > present);
        let grids: Vec<usize> = std::iter::once(present).chain(finer).collect();
        let mut end = End::Completed;
        for (level, grid) in grids.into_iter().enumerate() {
            let (started, before) = (Instant::now(), self.steps);
            let refit = if level > 0 { Some(self.network.refine(grid)?) } else { None };
            end = self.level(level > 0, observer)?;
            self.levels.push(Level {
                grid,
                steps: self.steps - before,
                loss: self.last_loss,
                rmse: None,
                refit_rms: refit.map(|refit| refit.rms),
                refit_maximum: refit.map(|refit| refit.maximum),
                seconds: started.elapsed().as_secs_f64(),
            });
            if end == End::Cancelled {
                break;
            }
        }
        Ok(match end {
            End::Completed => StopReason::Completed,
            End::Converged => StopReason::Converged,
            End::Stalled => StopReason::Stalled,
            End::Cancelled => StopReason::Cancelled,
        })
    }

    /// The rounds of one grid. Grids follow before each of them, but for the first of all if `follows` is not set.
    fn level(&mut self, mut follows: bool, observer: &mut dyn Observer<T>) -> Result<End, PhysicsError> {
        let mut left = self.options.steps;
        let mut end = End::Completed;
        while left > 0 {
            if follows {
                self.follow()?;
            }
            follows = true;
            let steps = left.min(self.options.round());
            left -= steps;
            end = self.round(steps, observer)?;
            if end == End::Cancelled {
                break;
            }
        }
        Ok(end)
    }

    /// Brings the grids of hidden nodes to what these receive at the points.
    fn follow(&mut self) -> Result<Refit, PhysicsError> {
        let GridUpdates { enabled, uniform, margin, .. } = self.options.grid_update;
        if !enabled || self.network.program().layers().len() < 2 {
            return Ok(Refit::default());
        }
        let update = GridUpdate { uniform, margin, inputs: false };
        Ok(self.network.update_grid(&self.points, &update)?)
    }

    /// Gives the network the best parameters, if any were found, and tells how it went.
    fn finish(self, network: &mut Network<T>, stop: StopReason) -> SolveReport {
        let (history, records) = self.history.finish();
        let changed = self.steps > 0 && self.best.is_some();
        let (mut terms, mut loss) = (Vec::new(), None);
        if let Some((lowest, best)) = self.best.filter(|_| changed) {
            loss = Some(lowest);
            if stop != StopReason::Cancelled {
                let packing = Arc::new(best.packing());
                let mut problem = Problem::new(self.terms, best.program(), &packing);
                let (found, measured) = problem.report(&packing.pack(best.parameters()));
                (terms, loss) = (found, Some(measured));
            }
            *network = best;
        }
        SolveReport {
            history,
            records,
            stop,
            optimizer: self.options.optimizer.name(),
            levels: self.levels,
            terms,
            loss,
            steps: self.steps,
            evaluations: self.evaluations,
            points: self.terms.iter().map(|term| term.term.count).sum(),
            seconds: self.started.elapsed().as_secs_f64(),
            changed,
        }
    }
}

#[cfg(test)]
mod tests;
