//! What somebody asks of a solution: options with defaults and ranges, as data that crosses into the core as JSON.

use kanode_network::Smoothness;
use kanode_optim::Optimizer;
use kanode_train::OptionError;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Steps on each grid for those who name no number.
const STEPS: u64 = 60;
/// Relative decrease below which Levenberg–Marquardt has converged: residuals of equations fall for longer than those
/// of data, because there is no noise to stop at.
const TOLERANCE: f64 = 1e-4;
/// Steps between two updates of grids for those who name no number: with Levenberg–Marquardt, and with the others.
const ROUND: [u64; 2] = [30, 200];
/// Ridge of a prior for those who name none. It settles directions that no residual determines.
const RIDGE: f64 = 1e-12;

/// The options of a solution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SolveOptions {
    /// How to minimise. Default Levenberg–Marquardt with a tolerance of 1e-4.
    pub optimizer: Optimizer,
    /// Base learning rate, above 0. Default: the optimiser's; Levenberg–Marquardt has none.
    pub learning_rate: Option<f64>,
    /// Steps on each grid, at least 1. Default 60.
    pub steps: u64,
    /// Grids to solve on one after the other, ascending: the network is refined to each. Default: the grid that the
    /// network has.
    pub grid: Vec<usize>,
    /// When and how the grids of hidden nodes follow what these receive.
    pub grid_update: GridUpdates,
    /// A prior on the control points, in the network's units. Default: a ridge of 1e-12 alone.
    pub regularization: Prior,
}

/// When and how the grids of hidden nodes follow what these receive at the points of all terms. They do so in any case
/// where a finer grid begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GridUpdates {
    /// Whether they do at all. Default true.
    pub enabled: bool,
    /// Steps on one grid between two updates, at least 1. Default 30 for Levenberg–Marquardt, else 200: other optimisers
    /// learn the curvature anew after each.
    pub every: Option<u64>,
    /// 1 for uniform knots, 0 for knots at the quantiles of what is received, or between. Default 1.
    pub uniform: f64,
    /// How far a grid reaches beyond what is received, on each side, as a part of its range; 0 to 1. Default 0.05.
    pub margin: f64,
}

impl Default for GridUpdates {
    fn default() -> Self {
        Self { enabled: true, every: None, uniform: 1.0, margin: 0.05 }
    }
}

/// `lambda·Σ ∫ (φ^(order))² + ridge·|θ|²`, as [`Smoothness`] has it. It is not part of the loss that records tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Prior {
    /// Order of the derivative that is kept small, 1 to 6. Default 3.
    pub order: usize,
    /// Its strength, at least 0. Default 0.
    pub lambda: f64,
    /// Strength of the ridge, at least 0. Default 1e-12.
    pub ridge: f64,
}

impl Default for Prior {
    fn default() -> Self {
        Self { order: 3, lambda: 0.0, ridge: RIDGE }
    }
}

impl From<Prior> for Smoothness {
    fn from(Prior { order, lambda, ridge }: Prior) -> Self {
        Self { order, lambda, ridge }
    }
}

impl Default for SolveOptions {
    fn default() -> Self {
        Self {
            optimizer: lm(),
            learning_rate: None,
            steps: STEPS,
            grid: Vec::new(),
            grid_update: GridUpdates::default(),
            regularization: Prior::default(),
        }
    }
}

fn lm() -> Optimizer {
    match Optimizer::lm() {
        Optimizer::Lm { initial_damping, least_damping, .. } => {
            Optimizer::Lm { tolerance: TOLERANCE, initial_damping, least_damping }
        }
        other => other,
    }
}

impl SolveOptions {
    /// Checks all options.
    ///
    /// # Errors
    /// The first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        self.optimizer.validate().map_err(|error| OptionError {
            option: format!("optimizer.{}", error.parameter),
            expected: error.expected.to_string(),
            found: error.found.to_string(),
        })?;
        if let Some(rate) = self.learning_rate {
            check("learningRate", "a finite number above 0", rate, rate.is_finite() && rate > 0.0)?;
        }
        check("steps", "at least 1", self.steps, self.steps > 0)?;
        if let Some(pair) = self.grid.windows(2).find(|pair| pair[0] >= pair[1]) {
            check("grid", "ascending grids", format!("{} after {}", pair[1], pair[0]), false)?;
        }
        let GridUpdates { every, uniform, margin, .. } = self.grid_update;
        check("gridUpdate.every", "at least 1", every.unwrap_or(1), every != Some(0))?;
        check("gridUpdate.uniform", "a number from 0 to 1", uniform, (0.0..=1.0).contains(&uniform))?;
        check("gridUpdate.margin", "a number from 0 to 1", margin, (0.0..=1.0).contains(&margin))?;
        let Prior { order, lambda, ridge } = self.regularization;
        check("regularization.order", "1 to 6", order, (1..=6).contains(&order))?;
        for (option, strength) in [("regularization.lambda", lambda), ("regularization.ridge", ridge)] {
            check(option, "a finite number, at least 0", strength, strength.is_finite() && strength >= 0.0)?;
        }
        Ok(())
    }

    /// Whether Levenberg–Marquardt solves.
    pub(crate) fn is_lm(&self) -> bool {
        matches!(self.optimizer, Optimizer::Lm { .. })
    }

    /// The base learning rate; None for Levenberg–Marquardt.
    pub(crate) fn rate(&self) -> Option<f64> {
        let rate = || self.learning_rate.unwrap_or_else(|| self.optimizer.default_learning_rate());
        (!self.is_lm()).then(rate)
    }

    /// Steps of a round, after which grids follow: all of a level where they do not.
    pub(crate) fn round(&self) -> u64 {
        let [lm, other] = ROUND;
        let usual = if self.is_lm() { lm } else { other };
        if self.grid_update.enabled { self.grid_update.every.unwrap_or(usual) } else { self.steps }
    }
}

pub(crate) fn check(
    option: &str,
    expected: &str,
    found: impl Display,
    fits: bool,
) -> Result<(), OptionError> {
    if fits {
        return Ok(());
    }
    let (option, expected, found) = (option.to_owned(), expected.to_owned(), found.to_string());
    Err(OptionError { option, expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> SolveOptions {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn nothing_asked_gives_the_defaults() {
        assert_eq!(parse("{}"), SolveOptions::default());
        assert_eq!(SolveOptions::default().validate(), Ok(()));
        let part = parse(r#"{"gridUpdate":{"margin":0.1},"regularization":{"lambda":1e-9}}"#);
        assert_eq!((part.round(), part.grid_update.margin), (30, 0.1));
        assert_eq!((part.regularization.order, part.regularization.ridge), (3, 1e-12));
    }

    #[test]
    fn every_bad_option_is_named() {
        for (json, option) in [
            (r#"{"optimizer":{"name":"lm","tolerance":-1}}"#, "optimizer.tolerance"),
            (r#"{"learningRate":0}"#, "learningRate"),
            (r#"{"steps":0}"#, "steps"),
            (r#"{"grid":[5,5]}"#, "grid"),
            (r#"{"gridUpdate":{"every":0}}"#, "gridUpdate.every"),
            (r#"{"gridUpdate":{"uniform":2}}"#, "gridUpdate.uniform"),
            (r#"{"gridUpdate":{"margin":-0.1}}"#, "gridUpdate.margin"),
            (r#"{"regularization":{"order":7}}"#, "regularization.order"),
            (r#"{"regularization":{"lambda":-1}}"#, "regularization.lambda"),
            (r#"{"regularization":{"ridge":-1}}"#, "regularization.ridge"),
        ] {
            assert_eq!(parse(json).validate().unwrap_err().option, option, "{json}");
        }
        assert!(serde_json::from_str::<SolveOptions>(r#"{"epochs":3}"#).is_err());
    }
}
