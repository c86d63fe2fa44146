//! A fit from its beginning to its end: checks, preparation, the loop, and what the network is left with. The network
//! is only touched at the end, all at once.

use crate::dataset::Dataset;
use crate::error::{FitFailure, TrainError};
use crate::observer::Observer;
use crate::options::FitOptions;
use crate::prepare::prepare;
use crate::report::{FitReport, StopReason};
use crate::run::Run;
use crate::state::TrainState;
use kanode_engine::{Compile, Real};
use kanode_network::Network;

/// Trains `network` on `data`, judged by `validation` if given.
///
/// The first fit of a network settles its scaler (if its specification standardises) and the domain of its inputs
/// (unless it specifies one), both from the training rows; later fits keep them. With `resume` the fit goes on where
/// the state was left, with the same bits as if it had never paused, provided that data and options are the same; the
/// state's parameters are then the start, not the network's. Otherwise the network's parameters are.
///
/// At the end the network has the best parameters (`restoreBest`) by the loss watched: that of the validation rows, at
/// each record; or without such rows that of the training rows, of every step where a batch holds all rows, else the
/// mean over a pass. Without validation rows, the parameters of the last step are measured once more and kept if none
/// are better. A fit cancelled before its first step leaves the network untouched.
///
/// # Errors
/// With `report: None`, before anything happened: options, data, state or backend that won't do. With a report:
/// [`TrainError::Diverged`], where the network has the best parameters so far, or is untouched if there were none;
/// [`TrainError::Checkpoint`] and [`TrainError::Engine`], where it is left as by a cancellation.
pub fn fit<T: Real>(
    network: &mut Network<T>,
    data: &Dataset,
    validation: Option<&Dataset>,
    options: &FitOptions,
    resume: Option<TrainState<T>>,
    backend: &dyn Compile<T>,
    observer: &mut dyn Observer<T>,
) -> Result<FitReport<T>, FitFailure<T>> {
    options.validate()?;
    let mut working = network.clone();
    let prepared = prepare(&mut working, data, validation, options)?;
    let executor = backend.compile(working.program())?;
    let mut run = Run::new(working, executor, &prepared, options, resume)?;
    let outcome = run.train(observer);
    let outcome = outcome.and_then(|stop| Ok((stop, run.conclude(stop)?)));
    match outcome {
        Ok((stop, outside)) => {
            let (trained, report) = run.finish(stop, outside);
            if report.steps > 0 {
                *network = trained;
            }
            Ok(report)
        }
        Err(error) => Err(fail(run, network, error)),
    }
}

/// Leaves the network with what the error grants it: the best parameters if the fit diverged, else as a cancellation.
fn fail<T: Real>(mut run: Run<'_, T>, network: &mut Network<T>, error: TrainError) -> FitFailure<T> {
    let usable = if matches!(error, TrainError::Diverged { .. }) {
        run.choose_best()
    } else {
        run.choose_unmeasured();
        true
    };
    let (trained, report) = run.finish(StopReason::Failed, Vec::new());
    if usable && report.steps > 0 {
        *network = trained;
    }
    FitFailure { error, report: Some(Box::new(report)) }
}

#[cfg(test)]
mod tests;
