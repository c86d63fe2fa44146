//! What somebody asks of a fit: options with defaults and ranges, as data that crosses into the core as JSON.

use crate::error::OptionError;
use crate::regularization::Regularization;
use kanode_engine::Loss;
use kanode_network::{GridUpdate, Penalties};
use kanode_optim::{Optimizer, ParameterError, Schedule};
use kanode_spline::GRIDS;
use serde::{Deserialize, Serialize};

/// Rows of a mini-batch for those who ask for epochs and name no batch size.
const DEFAULT_BATCH_SIZE: usize = 64;
/// Length of a fit for those who name none: steps for L-BFGS, epochs for the others.
const DEFAULT_LENGTH: u64 = 100;

/// The options of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FitOptions {
    /// What to minimise, on standardised targets. Default `mse`.
    pub loss: Loss,
    /// How. Default: Levenberg–Marquardt where its steps are cheap enough, the loss has curvature and nothing is asked for
    /// that it can't do; else Adam for much data and with `sam`, else L-BFGS.
    pub optimizer: Option<Optimizer>,
    /// Grids to train on one after the other, ascending: the network is refined to each (grid extension). All of
    /// `steps` or `epochs` are for each of them. Default: the grid that the network has.
    pub grid: Vec<usize>,
    /// First parameters to try with `lm`, on the first grid; the best goes on. 1 to 1000. Default: 4 for a new network
    /// with hidden nodes, else 1.
    pub starts: Option<usize>,
    /// The prior that keeps edges smooth. Default: found from the data where `lm` trains.
    pub regularization: Regularization,
    /// When grids follow what their nodes receive. Default: with `lm` between its rounds, else never.
    pub grid_update: Option<GridUpdates>,
    /// Further terms of the objective, for gradient methods; `lm` has `regularization`.
    pub penalties: Penalties,
    /// Radius of sharpness-aware minimisation, above 0; with `adam`, `adamw` and `sgd`. Default: none.
    pub sam: Option<f64>,
    /// Whether nothing may change outside the grid intervals that the data spans: no scaler, domain or grid follows
    /// the data, and there is no prior. For `lm` and a network without base functions.
    pub continual: bool,
    /// Base learning rate, above 0. Default: the optimiser's.
    pub learning_rate: Option<f64>,
    /// How the learning rate changes over the steps. Default: not at all. Where a schedule needs the number of steps,
    /// it is that of the steps done in earlier, resumed fits plus those asked for now, unless the schedule names one.
    pub schedule: Schedule,
    /// Iterations of the optimiser to do now, one record each. Not together with `epochs`; if both are missing, 100
    /// steps for `lbfgs`, else 100 epochs.
    pub steps: Option<u64>,
    /// Passes over the training rows to do now, one record each. A pass that an earlier, resumed fit left unfinished
    /// is finished as the first.
    pub epochs: Option<u64>,
    /// Rows of a mini-batch; the last of a pass may be smaller. Default: all rows with `steps` or `lbfgs`, else 64.
    pub batch_size: Option<usize>,
    /// Whether every pass visits the rows in another order. Without effect where one batch holds all. Default true.
    pub shuffle: bool,
    /// Seed of those orders, and of the choice of validation rows. Default 0.
    pub shuffle_seed: u64,
    /// Part of the rows that is held out for validation, above 0 and below 1. Not together with validation data.
    pub validation_fraction: Option<f64>,
    /// When to stop early. Default: never.
    pub early_stopping: Option<EarlyStopping>,
    /// Whether a fit ends with the best parameters seen instead of the last. Default true.
    pub restore_best: bool,
    /// How often the observer is given a checkpoint. Default: never.
    pub checkpoint_every: Option<CheckpointEvery>,
}

/// When and how grids follow what their nodes receive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GridUpdates {
    /// Whether they do at all.
    pub enabled: bool,
    /// Steps between two updates, at least 1, for gradient methods; `lm` updates between its rounds.
    pub every: u64,
    /// The step after which there are no more. Default: never an end.
    pub until: Option<u64>,
    /// 1 for uniform knots, 0 for knots at the quantiles of the activations, or between.
    pub uniform: f64,
    /// How far a grid reaches beyond the activations, on each side, as part of their range; 0 to 1.
    pub margin: f64,
}

impl GridUpdates {
    /// What is done to the grids of hidden nodes each time; those of the inputs stay.
    pub(crate) fn of_hidden(&self) -> GridUpdate {
        GridUpdate { uniform: self.uniform, margin: self.margin, inputs: false }
    }
}

impl Default for GridUpdates {
    fn default() -> Self {
        Self { enabled: true, every: 10, until: None, uniform: 1.0, margin: 0.1 }
    }
}

/// Stopping when nothing improves any more.
///
/// What is watched is the validation loss, or without validation data the training loss: of every record where a
/// batch holds all rows, else the mean over a whole pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EarlyStopping {
    /// How often in a row the loss watched may fail to improve, at least 1.
    pub patience: u64,
    /// By how much it must fall to count as improved, at least 0. Default 0.
    #[serde(default)]
    pub min_delta: f64,
}

/// How often to keep a checkpoint. In JSON `{"steps": 100}` or `{"seconds": 30}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CheckpointEvery {
    /// After each step whose number is divisible by this, at least 1.
    Steps(u64),
    /// After the first step that ends this long after the last checkpoint; above 0.
    Seconds(f64),
}

/// How long a fit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Iterations of the optimiser.
    Steps(u64),
    /// Passes over the rows.
    Epochs(u64),
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            loss: Loss::default(),
            optimizer: None,
            grid: Vec::new(),
            starts: None,
            regularization: Regularization::default(),
            grid_update: None,
            penalties: Penalties::default(),
            sam: None,
            continual: false,
            learning_rate: None,
            schedule: Schedule::default(),
            steps: None,
            epochs: None,
            batch_size: None,
            shuffle: true,
            shuffle_seed: 0,
            validation_fraction: None,
            early_stopping: None,
            restore_best: true,
            checkpoint_every: None,
        }
    }
}

impl FitOptions {
    /// Checks all options.
    ///
    /// # Errors
    /// The first option out of its range, or two that exclude each other.
    pub fn validate(&self) -> Result<(), OptionError> {
        if let Loss::Huber { delta } = self.loss {
            check("loss.delta", "a finite number above 0", delta, delta.is_finite() && delta > 0.0)?;
        }
        self.optimizer().validate().map_err(|error| parameter("optimizer", &error))?;
        self.validate_structure()?;
        self.schedule.validate().map_err(|error| parameter("schedule", &error))?;
        if let Some(rate) = self.learning_rate {
            check("learningRate", "a finite number above 0", rate, rate.is_finite() && rate > 0.0)?;
        }
        if let (Some(steps), Some(epochs)) = (self.steps, self.epochs) {
            let found = format!("steps: {steps} and epochs: {epochs}");
            return Err(OptionError::new("steps", "either steps or epochs", found));
        }
        let counts = [
            ("steps", self.steps),
            ("epochs", self.epochs),
            ("batchSize", self.batch_size.map(|size| size as u64)),
            ("earlyStopping.patience", self.early_stopping.map(|early| early.patience)),
        ];
        for (option, count) in counts {
            check(option, "at least 1", count.unwrap_or(1), count != Some(0))?;
        }
        if let Some(fraction) = self.validation_fraction {
            let fits = fraction > 0.0 && fraction < 1.0;
            check("validationFraction", "a number above 0 and below 1", fraction, fits)?;
        }
        if let Some(EarlyStopping { min_delta: delta, .. }) = self.early_stopping {
            let fits = delta.is_finite() && delta >= 0.0;
            check("earlyStopping.minDelta", "a finite number, at least 0", delta, fits)?;
        }
        match self.checkpoint_every {
            Some(CheckpointEvery::Steps(steps)) => {
                check("checkpointEvery.steps", "at least 1", steps, steps > 0)
            }
            Some(CheckpointEvery::Seconds(seconds)) => {
                let fits = seconds.is_finite() && seconds > 0.0;
                check("checkpointEvery.seconds", "a finite number above 0", seconds, fits)
            }
            None => Ok(()),
        }
    }

    /// Checks what shapes the fit rather than its steps.
    fn validate_structure(&self) -> Result<(), OptionError> {
        self.regularization.validate()?;
        if let Some(pair) = self.grid.windows(2).find(|pair| pair[0] >= pair[1]) {
            let found = format!("{} after {}", pair[1], pair[0]);
            return Err(OptionError::new("grid", "ascending grids", found));
        }
        if let Some(grid) = self.grid.iter().find(|grid| !GRIDS.contains(grid)) {
            let (least, most) = GRIDS.into_inner();
            return Err(OptionError::new("grid", format!("grids from {least} to {most}"), grid));
        }
        check(
            "starts",
            "1 to 1000",
            self.starts.unwrap_or(1),
            (1..=1000).contains(&self.starts.unwrap_or(1)),
        )?;
        if let Some(GridUpdates { every, uniform, margin, .. }) = self.grid_update {
            check("gridUpdate.every", "at least 1", every, every > 0)?;
            check("gridUpdate.uniform", "a number from 0 to 1", uniform, (0.0..=1.0).contains(&uniform))?;
            check("gridUpdate.margin", "a number from 0 to 1", margin, (0.0..=1.0).contains(&margin))?;
        }
        self.penalties.validate().map_err(|(name, found)| {
            OptionError::new(format!("penalties.{name}"), "a finite number, at least 0", found)
        })?;
        if let Some(rho) = self.sam {
            check("sam", "a finite number above 0", rho, rho.is_finite() && rho > 0.0)?;
        }
        Ok(())
    }

    /// How long the fit lasts.
    pub fn length(&self) -> Length {
        match (self.steps, self.epochs) {
            (Some(steps), _) => Length::Steps(steps),
            (None, Some(epochs)) => Length::Epochs(epochs),
            (None, None) if self.takes_all_rows() => Length::Steps(DEFAULT_LENGTH),
            (None, None) => Length::Epochs(DEFAULT_LENGTH),
        }
    }

    /// Rows of a batch for this many training rows.
    pub fn batch_rows(&self, rows: usize) -> usize {
        let in_batches = matches!(self.length(), Length::Epochs(_)) && !self.takes_all_rows();
        let default = if in_batches { DEFAULT_BATCH_SIZE } else { rows };
        self.batch_size.unwrap_or(default).min(rows)
    }

    /// The base learning rate.
    pub fn base_rate(&self) -> f64 {
        self.learning_rate.unwrap_or_else(|| self.optimizer().default_learning_rate())
    }

    /// Whether a step's loss belongs to the point where the step ended, as L-BFGS reports it, rather than began.
    pub(crate) fn is_lbfgs(&self) -> bool {
        matches!(self.optimizer(), Optimizer::Lbfgs { .. })
    }

    /// Whether Levenberg–Marquardt trains.
    pub(crate) fn is_lm(&self) -> bool {
        matches!(self.optimizer(), Optimizer::Lm { .. })
    }

    /// Whether the optimiser wants all rows in every step.
    fn takes_all_rows(&self) -> bool {
        self.is_lbfgs() || self.is_lm()
    }

    /// The optimiser, once it is resolved.
    pub(crate) fn optimizer(&self) -> Optimizer {
        self.optimizer.clone().unwrap_or_default()
    }
}

fn check(option: &str, expected: &str, found: impl std::fmt::Display, fits: bool) -> Result<(), OptionError> {
    if fits { Ok(()) } else { Err(OptionError::new(option, expected, found)) }
}

fn parameter(of: &str, error: &ParameterError) -> OptionError {
    OptionError::new(format!("{of}.{}", error.parameter), error.expected, error.found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_network::Smoothness;

    fn parse(json: &str) -> Result<FitOptions, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn nothing_asked_gives_the_defaults() {
        let options = parse("{}").unwrap();
        assert_eq!(options, FitOptions::default());
        assert_eq!(options.validate(), Ok(()));
        assert_eq!((options.length(), options.batch_rows(1000)), (Length::Steps(100), 1000));
        assert_eq!(options.base_rate(), 1.0);
    }

    #[test]
    fn json_has_camel_case_names() {
        let options = parse(
            r#"{"loss":{"name":"huber","delta":2},"optimizer":{"name":"adam"},"learningRate":0.1,
                "schedule":{"name":"cosine"},"epochs":3,"batchSize":10,"shuffle":false,"shuffleSeed":4,
                "validationFraction":0.25,"earlyStopping":{"patience":5},"restoreBest":false,
                "checkpointEvery":{"seconds":0.5},"grid":[3,5],"starts":2,"sam":0.05,"continual":true,
                "regularization":{"order":3,"lambda":0.5,"ridge":0.25},"penalties":{"l1":0.1,"entropy":0.2},
                "gridUpdate":{"every":7,"until":50,"uniform":0.5,"margin":0.2}}"#,
        )
        .unwrap();
        let expected = FitOptions {
            loss: Loss::Huber { delta: 2.0 },
            optimizer: Some(Optimizer::adam()),
            grid: vec![3, 5],
            starts: Some(2),
            regularization: Regularization::Fixed(Smoothness { order: 3, lambda: 0.5, ridge: 0.25 }),
            grid_update: Some(GridUpdates {
                enabled: true,
                every: 7,
                until: Some(50),
                uniform: 0.5,
                margin: 0.2,
            }),
            penalties: Penalties { l1: 0.1, entropy: 0.2, ..Penalties::default() },
            sam: Some(0.05),
            continual: true,
            learning_rate: Some(0.1),
            schedule: Schedule::Cosine { warmup: 0, total: None, minimum_fraction: 0.0 },
            steps: None,
            epochs: Some(3),
            batch_size: Some(10),
            shuffle: false,
            shuffle_seed: 4,
            validation_fraction: Some(0.25),
            early_stopping: Some(EarlyStopping { patience: 5, min_delta: 0.0 }),
            restore_best: false,
            checkpoint_every: Some(CheckpointEvery::Seconds(0.5)),
        };
        assert_eq!(options, expected);
        assert_eq!(options.validate(), Ok(()));
        assert_eq!(parse(&serde_json::to_string(&options).unwrap()).unwrap(), options);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert!(parse(r#"{"epoch":3}"#).unwrap_err().to_string().contains("epoch"));
        assert!(parse(r#"{"earlyStopping":{"patience":3,"delta":1}}"#).is_err());
        assert!(parse(r#"{"checkpointEvery":{"minutes":3}}"#).is_err());
    }

    #[test]
    fn batches_follow_from_length_optimiser_and_rows() {
        let adam = FitOptions { optimizer: Some(Optimizer::adam()), ..FitOptions::default() };
        assert_eq!((adam.length(), adam.batch_rows(1000), adam.batch_rows(9)), (Length::Epochs(100), 64, 9));
        let steps = FitOptions { steps: Some(7), ..adam.clone() };
        assert_eq!((steps.length(), steps.batch_rows(1000)), (Length::Steps(7), 1000));
        let batches = FitOptions { batch_size: Some(32), ..steps };
        assert_eq!(batches.batch_rows(1000), 32);
        let lbfgs =
            FitOptions { optimizer: Some(Optimizer::lbfgs()), epochs: Some(3), ..FitOptions::default() };
        assert_eq!((lbfgs.length(), lbfgs.batch_rows(1000)), (Length::Epochs(3), 1000));
    }

    #[test]
    fn every_bad_option_is_named_with_what_was_found() {
        let early = |patience, min_delta| Some(EarlyStopping { patience, min_delta });
        let base = FitOptions::default;
        let bad = [
            ("loss.delta", "-1", FitOptions { loss: Loss::Huber { delta: -1.0 }, ..base() }),
            ("loss.delta", "NaN", FitOptions { loss: Loss::Huber { delta: f64::NAN }, ..base() }),
            (
                "optimizer.momentum",
                "1",
                FitOptions { optimizer: Some(Optimizer::Sgd { momentum: 1.0, nesterov: false }), ..base() },
            ),
            (
                "schedule.gamma",
                "2",
                FitOptions { schedule: Schedule::Exponential { warmup: 0, gamma: 2.0 }, ..base() },
            ),
            ("learningRate", "0", FitOptions { learning_rate: Some(0.0), ..base() }),
            ("learningRate", "inf", FitOptions { learning_rate: Some(f64::INFINITY), ..base() }),
            ("steps", "steps: 1 and epochs: 2", FitOptions { steps: Some(1), epochs: Some(2), ..base() }),
            ("steps", "0", FitOptions { steps: Some(0), ..base() }),
            ("epochs", "0", FitOptions { epochs: Some(0), ..base() }),
            ("batchSize", "0", FitOptions { batch_size: Some(0), ..base() }),
            ("validationFraction", "1", FitOptions { validation_fraction: Some(1.0), ..base() }),
            ("validationFraction", "NaN", FitOptions { validation_fraction: Some(f64::NAN), ..base() }),
            ("earlyStopping.patience", "0", FitOptions { early_stopping: early(0, 0.0), ..base() }),
            ("earlyStopping.minDelta", "-1", FitOptions { early_stopping: early(1, -1.0), ..base() }),
            (
                "checkpointEvery.steps",
                "0",
                FitOptions { checkpoint_every: Some(CheckpointEvery::Steps(0)), ..base() },
            ),
            (
                "checkpointEvery.seconds",
                "0",
                FitOptions { checkpoint_every: Some(CheckpointEvery::Seconds(0.0)), ..base() },
            ),
        ];
        for (option, found, options) in bad {
            let error = options.validate().unwrap_err();
            assert_eq!((error.option.as_str(), error.found.as_str()), (option, found));
        }
    }
}
