//! A fit from its beginning to its end: checks, preparation, the loop, and what the network is left with. The network
//! is only touched at the end, all at once.

use crate::dataset::Dataset;
use crate::error::{FitFailure, OptionError, TrainError};
use crate::memory::{probe, probe_fit};
use crate::observer::Observer;
use crate::options::FitOptions;
use crate::prepare::prepare;
use crate::report::{FitReport, Outside, StopReason};
use crate::resolve::LmCost;
use crate::run::Run;
use crate::starts::choose_start;
use crate::state::TrainState;
use kanode_engine::{Compile, Real};
use kanode_network::Network;
use std::borrow::Borrow;
use std::time::Instant;

/// Trains `network` on `data`, judged by `validation` if given. Data that it is given for good, not lent, are freed as soon
/// as they are scaled.
///
/// The first fit of a network settles its scaler (if its specification standardises) and the domain of its inputs
/// (unless it specifies one), both from the training rows; later fits keep them. With `resume` the fit goes on where
/// the state was left, with the same bits as if it had never paused, provided that data and options are the same; the
/// state's parameters are then the start, not the network's. Otherwise the network's parameters are.
///
/// A learning rate that changes with the number of steps planned is the one thing that pausing may change: a cosine
/// without `total`, or a step without `every`, spans the steps done and those asked for now. A fit of 100 steps that is
/// cancelled at 50 and resumed for the 50 left is that of 100 steps; a fit of 50 steps that is resumed for 50 more is
/// not, unless both name `total` or `every`.
///
/// L-BFGS ends a fit where it finds no better point: at once if all rows are one batch, else when as many batches in a
/// row as a pass has have nothing more to give. A batch with nothing to give counts as a step, which leads nowhere.
///
/// At the end the network has the best parameters (`restoreBest`) by the loss watched: that of the validation rows, at
/// each record; or without such rows that of the training rows, of every step where a batch holds all rows, else the
/// mean over a pass. Without validation rows, the parameters of the last step are measured once more and kept if none
/// are better. A fit that ends before its first step leaves the network untouched: its parameters, scaler, domains and
/// loss. All work is done on a copy, so that nobody has to copy a network for fear of an error; whether it was
/// replaced says [`FitReport::changed`].
///
/// # Errors
/// With `report: None`, before anything happened: options, data, state or backend that won't do, or no memory for all
/// that a fit needs ([`TrainError::Engine`]). With a report: [`TrainError::Diverged`], where the network has the best
/// parameters so far, or is untouched if there were none; [`TrainError::Checkpoint`] and [`TrainError::Engine`], where
/// it is left as by a cancellation.
pub fn fit<T: Real>(
    network: &mut Network<T>,
    data: impl Borrow<Dataset>,
    validation: Option<&Dataset>,
    options: &FitOptions,
    resume: Option<TrainState<T>>,
    backend: &dyn Compile<T>,
    observer: &mut dyn Observer<T>,
) -> Result<FitReport<T>, FitFailure<T>> {
    let started = Instant::now();
    options.validate()?;
    let mut working = network.clone();
    // Who has not done a step has not begun: only the parameters count, and the rest may depend on data and options.
    let resume = match resume {
        Some(state) if state.position.steps == 0 => {
            state.check(network.parameter_count())?;
            working.parameters_mut().copy_from_slice(&state.parameters);
            None
        }
        resume => resume,
    };
    let start = working.parameters().to_vec();
    enter_first_grid(&mut working, &options.grid)?;
    let rows = data.borrow().rows();
    let options = &options.resolved(&working, rows)?;
    probe_fit::<T>(&options.optimizer(), network.parameter_count())?;
    if options.is_lm() {
        let cost = LmCost::of(&working, rows, options.grid.last().copied());
        probe::<f64>("the system of lm", cost.numbers())?;
    }
    let prepared = prepare(&mut working, data.borrow(), validation, options)?;
    drop(data);
    let is_first = resume.is_none() && !network.is_fitted() && !options.continual;
    if options.is_lm() && (is_first || options.starts > Some(1)) {
        let smoothing = choose_start(&mut working, &prepared.training, options, backend.threads(), observer)?;
        working.set_regularization(smoothing.adaptive.then(|| smoothing.record()));
    }
    let mut run = Run::new(working, backend, &prepared, options, resume, !network.is_fitted(), started)?;
    let outcome = run.train(observer);
    match outcome.and_then(|stop| run.conclude(stop, observer)) {
        Ok((stop, outside)) => Ok(finish(run, network, start, stop, outside, true)),
        Err(error) => Err(fail(run, network, start, error)),
    }
}

/// Brings a new network to the first grid of a schedule, and checks that a trained one need not go back.
fn enter_first_grid<T: Real>(network: &mut Network<T>, grids: &[usize]) -> Result<(), TrainError> {
    let (Some(first), present) = (grids.first().copied(), network.specification().grid) else {
        return Ok(());
    };
    if network.is_fitted() {
        if grids.last().is_some_and(|last| *last < present) {
            let expected = format!("grids up to the model's {present} or beyond");
            return Err(OptionError::new("grid", expected, format!("{grids:?}")).into());
        }
    } else if first != present {
        network.refine(first)?;
    }
    Ok(())
}

/// Leaves the network with what the error grants it: the best parameters if the fit diverged, else as a cancellation.
fn fail<T: Real>(
    mut run: Run<'_, T>,
    network: &mut Network<T>,
    start: Vec<T>,
    error: TrainError,
) -> FitFailure<T> {
    let usable = if matches!(error, TrainError::Diverged { .. }) {
        run.choose_best()
    } else {
        run.choose_unmeasured();
        true
    };
    let report = finish(run, network, start, StopReason::Failed, Vec::new(), usable);
    FitFailure { error, report: Some(Box::new(report)) }
}

/// Ends a run. If its result is usable, and it has done a step, the network becomes it, unless it is the same. A fit that
/// never did a step leaves a state at its `start`, as the network is.
fn finish<T: Real>(
    run: Run<'_, T>,
    network: &mut Network<T>,
    start: Vec<T>,
    stop: StopReason,
    outside: Vec<Outside>,
    usable: bool,
) -> FitReport<T> {
    let usable = usable && run.has_stepped();
    let (trained, mut report) = run.finish(stop, outside);
    if report.steps == 0 {
        report.state.parameters = start;
    }
    let same = network.parameters() == trained.parameters()
        && network.scaler() == trained.scaler()
        && network.knots() == trained.knots()
        && network.loss() == trained.loss()
        && network.regularization() == trained.regularization();
    if usable && !same {
        *network = trained;
        report.changed = true;
    }
    report
}

#[cfg(test)]
mod tests;
