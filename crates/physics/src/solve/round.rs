//! Steps of an optimiser on fixed knots.

use super::Run;
use crate::error::PhysicsError;
use crate::problem::{Cancelled, Problem, Watched};
use kanode_engine::Real;
use kanode_network::Smoothness;
use kanode_optim::{Failure, LeastSquares, LmState, Optimizer, OptimizerState, Prior, StepOutcome};
use kanode_train::{Observer, Record};
use std::sync::Arc;

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All steps were done.
    Completed,
    /// The optimiser says that nothing more can be gained.
    Converged,
    /// It found nothing lower along the steepest descent.
    Stalled,
    /// The observer asked for it.
    Cancelled,
}

/// The optimiser of a round, from its beginning.
enum Method {
    Lm(Box<LmState>),
    Gradient { optimizer: Box<OptimizerState<f64>>, rate: f64, measures_end: bool },
}

/// What one step came to, whichever optimiser did it.
struct Outcome {
    /// The loss without the prior.
    loss: f64,
    gradient_norm: f64,
    damping: Option<f64>,
    outcome: StepOutcome,
}

impl Method {
    fn new(optimizer: &Optimizer, rate: Option<f64>, parameters: usize) -> Self {
        match rate {
            None => Self::Lm(Box::new(LmState::new(optimizer))),
            Some(rate) => Self::Gradient {
                optimizer: Box::new(OptimizerState::new(optimizer, parameters)),
                rate,
                measures_end: matches!(optimizer, Optimizer::Lbfgs { .. }),
            },
        }
    }

    /// Whether the loss of a step is that of the point where it ended, rather than began.
    fn measures_end(&self) -> bool {
        !matches!(self, Self::Gradient { measures_end: false, .. })
    }

    fn step(
        &mut self,
        theta: &mut [f64],
        prior: &Prior,
        problem: &mut Watched<'_, '_>,
    ) -> Result<Outcome, Cancelled> {
        match self {
            Self::Lm(lm) => {
                let step = lm.step(theta, prior, problem)?;
                let (gradient_norm, damping) = (step.gradient_norm, Some(step.damping));
                Ok(Outcome { loss: step.data, gradient_norm, damping, outcome: step.outcome })
            }
            Self::Gradient { optimizer, rate, measures_end } => {
                let before = prior.value(theta);
                let mut objective =
                    |theta: &[f64], gradient: &mut [f64]| problem.gradient(theta, prior, gradient);
                let step = optimizer.step(theta, *rate, &mut objective)?;
                let roughness = if *measures_end { prior.value(theta) } else { before };
                let loss = (step.loss - roughness).max(0.0);
                Ok(Outcome { loss, gradient_norm: step.gradient_norm, damping: None, outcome: step.outcome })
            }
        }
    }
}

impl<T: Real> Run<'_, T> {
    /// Does up to so many steps from the network's parameters, and gives it the best that they led to.
    pub(super) fn round(&mut self, steps: u64, observer: &mut dyn Observer<T>) -> Result<End, PhysicsError> {
        let packing = Arc::new(self.network.packing());
        let mut problem = Problem::new(self.terms, self.network.program(), &packing);
        let prior = Smoothness::from(self.options.regularization).prior(self.network.program(), &packing);
        let mut theta = packing.pack(self.network.parameters());
        let mut method = Method::new(&self.options.optimizer, self.options.rate(), theta.len());
        let mut best: Option<(f64, Vec<f64>)> = None;
        let earlier = self.evaluations;
        let mut end = End::Completed;
        for _ in 0..steps {
            let before = theta.clone();
            let cancelled = || observer.cancelled();
            let mut watched = Watched { problem: &mut problem, cancelled: &cancelled };
            let Ok(step) = method.step(&mut theta, &prior, &mut watched) else {
                end = End::Cancelled;
                break;
            };
            self.evaluations = earlier + problem.evaluations;
            match step.outcome {
                StepOutcome::Accepted => {}
                StepOutcome::Converged => end = End::Converged,
                StepOutcome::Failed { reason: Failure::LineSearch } => end = End::Stalled,
                StepOutcome::Failed { .. } => return Err(problem.locate(&theta)),
            }
            let measured = if method.measures_end() { &theta } else { &before };
            if best.as_ref().is_none_or(|(lowest, _)| step.loss < *lowest) {
                best = Some((step.loss, measured.clone()));
            }
            self.steps += 1;
            self.note(&step, observer);
            if end != End::Completed {
                break;
            }
        }
        if !method.measures_end() && end != End::Cancelled {
            // Where the last step led nobody has looked yet.
            let mut watched = Watched { problem: &mut problem, cancelled: &|| false };
            if let Ok(loss) = watched.value(&theta)
                && best.as_ref().is_none_or(|(lowest, _)| loss < *lowest)
            {
                best = Some((loss, theta));
            }
            self.evaluations = earlier + problem.evaluations;
        }
        if let Some((loss, theta)) = best {
            packing.unpack(&theta, self.network.parameters_mut());
            if self.best.as_ref().is_none_or(|(lowest, _)| loss < *lowest) {
                self.best = Some((loss, self.network.clone()));
            }
        }
        Ok(end)
    }

    /// Records a step.
    fn note(&mut self, step: &Outcome, observer: &mut dyn Observer<T>) {
        self.last_loss = Some(step.loss);
        let record = Record {
            step: self.steps,
            // Every step sees all points.
            epoch: self.steps,
            loss: step.loss,
            validation_loss: None,
            rmse: None,
            validation_rmse: None,
            grid: self.network.specification().grid,
            learning_rate: self.options.rate(),
            damping: step.damping,
            gradient_norm: step.gradient_norm,
            evaluations: self.evaluations,
            seconds: self.started.elapsed().as_secs_f64(),
        };
        self.history.push(record);
        observer.on_record(&record);
    }
}
