//! The choice of an optimiser and its parameters: plain configuration with names, defaults and ranges.

use crate::error::ParameterError;
use serde::{Deserialize, Serialize};

/// Which optimiser, with its parameters. In JSON `{"name": "adam", "beta1": 0.9}`; every parameter has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam (Kingma & Ba 2015, algorithm 1).
    Adam {
        /// Decay of the first moment, in [0, 1). Default 0.9.
        #[serde(default = "default::beta1")]
        beta1: f64,
        /// Decay of the second moment, in [0, 1). Default 0.999.
        #[serde(default = "default::beta2")]
        beta2: f64,
        /// Added to the root of the second moment, above 0. Default 1e-8.
        #[serde(default = "default::epsilon")]
        epsilon: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2, decay scaled by the learning rate).
    /// The decay leaves alone what never had a gradient: control points of a region without data.
    AdamW {
        /// Decay of the first moment, in [0, 1). Default 0.9.
        #[serde(default = "default::beta1")]
        beta1: f64,
        /// Decay of the second moment, in [0, 1). Default 0.999.
        #[serde(default = "default::beta2")]
        beta2: f64,
        /// Added to the root of the second moment, above 0. Default 1e-8.
        #[serde(default = "default::epsilon")]
        epsilon: f64,
        /// Weights shrink by `learningRate·weightDecay` of themselves each step, at least 0. Default 0.01.
        #[serde(default = "default::weight_decay")]
        weight_decay: f64,
    },
    /// Gradient descent with momentum: `v ← μ·v + g`, `x ← x − rate·v`; with Nesterov's look-ahead
    /// `x ← x − rate·(g + μ·v)` (Sutskever et al. 2013, in the form of PyTorch).
    Sgd {
        /// `μ`, in [0, 1). Default 0.9.
        #[serde(default = "default::momentum")]
        momentum: f64,
        /// Look ahead; needs a momentum above 0. Default false.
        #[serde(default)]
        nesterov: bool,
    },
    /// Limited-memory BFGS with a strong-Wolfe line search (Nocedal & Wright 2006, algorithms 7.4, 3.5 and 3.6).
    /// One step is one iteration, usually with one evaluation. It finds its own step lengths: the learning rate
    /// only scales the very first step, and the first after the history was dropped
    /// (`rate·min(1, 1/‖g‖)` along the steepest descent; a rate of 0 counts as 1).
    /// Steps whose effect is lost in the noise of the loss are judged by their slopes, so that `f32` fits do not end
    /// early; the loss may then rise by up to 1e4 units of its precision (1e-3 of itself in `f32`).
    Lbfgs {
        /// Pairs of steps and gradient changes kept, 1 to 1000. Default 10.
        #[serde(default = "default::history")]
        history: usize,
        /// Evaluations of one line search, 1 to 1000. Default 25. A step that has to fall back to the steepest
        /// descent may use twice as many.
        #[serde(default = "default::max_evaluations")]
        max_evaluations: usize,
        /// Converged when the Euclidean norm of the gradient is at most this; at least 0. Default 1e-12.
        #[serde(default = "default::tolerance")]
        tolerance: f64,
        /// Converged when ten steps in a row lower the loss by at most this fraction of it (of the number type's
        /// precision, if that is more); in [0, 1). Default 1e-12.
        #[serde(default = "default::change_tolerance")]
        change_tolerance: f64,
    },
    /// Levenberg–Marquardt, for losses with curvature on all rows ([`crate::LmState`]). It has no learning rate.
    Lm {
        /// Converged when three steps in a row lower the objective by at most this fraction of it; in [0, 1).
        /// Default 1e-3.
        #[serde(default = "default::lm_tolerance")]
        tolerance: f64,
        /// First damping, in units of the largest diagonal entry of `JᵀJ`; above 0. Default 1e-3.
        #[serde(default = "default::initial_damping")]
        initial_damping: f64,
        /// Least damping, at least 0. Default 1e-15.
        #[serde(default = "default::least_damping")]
        least_damping: f64,
    },
}

/// The defaults, as functions because serde asks for those.
mod default {
    pub(super) fn beta1() -> f64 {
        0.9
    }
    pub(super) fn beta2() -> f64 {
        0.999
    }
    pub(super) fn epsilon() -> f64 {
        1e-8
    }
    pub(super) fn weight_decay() -> f64 {
        0.01
    }
    pub(super) fn momentum() -> f64 {
        0.9
    }
    pub(super) fn history() -> usize {
        10
    }
    pub(super) fn max_evaluations() -> usize {
        25
    }
    pub(super) fn tolerance() -> f64 {
        1e-12
    }
    pub(super) fn change_tolerance() -> f64 {
        1e-12
    }
    pub(super) fn lm_tolerance() -> f64 {
        1e-3
    }
    pub(super) fn initial_damping() -> f64 {
        1e-3
    }
    pub(super) fn least_damping() -> f64 {
        1e-15
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::lbfgs()
    }
}

impl Optimizer {
    /// Adam with its defaults.
    pub fn adam() -> Self {
        Self::Adam { beta1: default::beta1(), beta2: default::beta2(), epsilon: default::epsilon() }
    }

    /// AdamW with its defaults.
    pub fn adamw() -> Self {
        Self::AdamW {
            beta1: default::beta1(),
            beta2: default::beta2(),
            epsilon: default::epsilon(),
            weight_decay: default::weight_decay(),
        }
    }

    /// SGD with its defaults.
    pub fn sgd() -> Self {
        Self::Sgd { momentum: default::momentum(), nesterov: false }
    }

    /// L-BFGS with its defaults.
    pub fn lbfgs() -> Self {
        Self::Lbfgs {
            history: default::history(),
            max_evaluations: default::max_evaluations(),
            tolerance: default::tolerance(),
            change_tolerance: default::change_tolerance(),
        }
    }

    /// Levenberg–Marquardt with its defaults.
    pub fn lm() -> Self {
        Self::Lm {
            tolerance: default::lm_tolerance(),
            initial_damping: default::initial_damping(),
            least_damping: default::least_damping(),
        }
    }

    /// Tolerance, first and least damping of Levenberg–Marquardt; the defaults of another optimiser.
    pub(crate) fn lm_options(&self) -> (f64, f64, f64) {
        match *self {
            Self::Lm { tolerance, initial_damping, least_damping } => {
                (tolerance, initial_damping, least_damping)
            }
            _ => (default::lm_tolerance(), default::initial_damping(), default::least_damping()),
        }
    }

    /// The name in JSON and in saved states.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::Sgd { .. } => "sgd",
            Self::Lbfgs { .. } => "lbfgs",
            Self::Lm { .. } => "lm",
        }
    }

    /// The learning rate for users who name none. 0.01 rather than the usual 0.001 for Adam: the parameters of a KAN
    /// on standardised data are of order 0.1 to 1 and its fits are short. 1 for L-BFGS, the full quasi-Newton step.
    pub fn default_learning_rate(&self) -> f64 {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } | Self::Sgd { .. } => 0.01,
            Self::Lbfgs { .. } | Self::Lm { .. } => 1.0,
        }
    }

    /// Checks the ranges of all parameters.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn validate(&self) -> Result<(), ParameterError> {
        let name = self.name();
        match *self {
            Self::Adam { beta1, beta2, epsilon } => check_moments(name, beta1, beta2, epsilon),
            Self::AdamW { beta1, beta2, epsilon, weight_decay: d } => {
                check_moments(name, beta1, beta2, epsilon)?;
                check(name, "weightDecay", "finite and at least 0", d, d.is_finite() && d >= 0.0)
            }
            Self::Sgd { momentum: m, nesterov } => {
                check(name, "momentum", "at least 0 and below 1", m, (0.0..1.0).contains(&m))?;
                check(name, "momentum", "above 0 when nesterov is true", m, !nesterov || m > 0.0)
            }
            Self::Lbfgs { history, max_evaluations, tolerance: t, change_tolerance: c } => {
                let counts = 1..=1000;
                check(name, "history", "1 to 1000", history as f64, counts.contains(&history))?;
                let evaluations = max_evaluations as f64;
                check(name, "maxEvaluations", "1 to 1000", evaluations, counts.contains(&max_evaluations))?;
                check(name, "tolerance", "finite and at least 0", t, t.is_finite() && t >= 0.0)?;
                check(name, "changeTolerance", "at least 0 and below 1", c, (0.0..1.0).contains(&c))
            }
            Self::Lm { tolerance: t, initial_damping: i, least_damping: l } => {
                check(name, "tolerance", "at least 0 and below 1", t, (0.0..1.0).contains(&t))?;
                check(name, "initialDamping", "finite and above 0", i, i.is_finite() && i > 0.0)?;
                check(name, "leastDamping", "finite and at least 0", l, l.is_finite() && l >= 0.0)
            }
        }
    }
}

/// The checks that Adam and AdamW share.
fn check_moments(name: &'static str, beta1: f64, beta2: f64, epsilon: f64) -> Result<(), ParameterError> {
    check(name, "beta1", "at least 0 and below 1", beta1, (0.0..1.0).contains(&beta1))?;
    check(name, "beta2", "at least 0 and below 1", beta2, (0.0..1.0).contains(&beta2))?;
    check(name, "epsilon", "finite and above 0", epsilon, epsilon.is_finite() && epsilon > 0.0)
}

/// `Ok` if `valid`, else the error that says so.
pub(crate) fn check(
    owner: &'static str,
    parameter: &'static str,
    expected: &'static str,
    found: f64,
    valid: bool,
) -> Result<(), ParameterError> {
    if valid { Ok(()) } else { Err(ParameterError { owner, parameter, expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Optimizer, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn all() -> [Optimizer; 5] {
        [Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd(), Optimizer::lbfgs(), Optimizer::lm()]
    }

    #[test]
    fn a_name_alone_gives_the_defaults_and_the_defaults_are_valid() {
        for optimizer in all() {
            assert_eq!(parse(&format!(r#"{{"name":"{}"}}"#, optimizer.name())).unwrap(), optimizer);
            assert_eq!(optimizer.validate(), Ok(()));
            assert!(optimizer.default_learning_rate() > 0.0);
        }
    }

    #[test]
    fn json_survives_a_round_trip() {
        for optimizer in all() {
            assert_eq!(parse(&serde_json::to_string(&optimizer).unwrap()).unwrap(), optimizer);
        }
        let json = r#"{"name":"adamw","beta1":0.8,"beta2":0.9,"epsilon":1e-6,"weightDecay":1}"#;
        assert_eq!(
            parse(json).unwrap(),
            Optimizer::AdamW { beta1: 0.8, beta2: 0.9, epsilon: 1e-6, weight_decay: 1.0 }
        );
    }

    #[test]
    fn json_refuses_unknown_names_and_fields() {
        assert!(
            parse(r#"{"name":"adam","weightDecay":0.1}"#).unwrap_err().to_string().contains("weightDecay")
        );
        assert!(parse(r#"{"name":"lbfgs","max_evaluations":3}"#).is_err());
        assert!(parse(r#"{"name":"adagrad"}"#).is_err());
        assert!(parse(r#"{"beta1":0.9}"#).is_err());
    }

    #[test]
    fn validation_names_parameter_range_and_value() {
        for (json, parameter) in [
            (r#"{"name":"adam","beta1":1}"#, "beta1"),
            (r#"{"name":"adam","beta2":-0.1}"#, "beta2"),
            (r#"{"name":"adamw","epsilon":0}"#, "epsilon"),
            (r#"{"name":"adamw","weightDecay":-1}"#, "weightDecay"),
            (r#"{"name":"sgd","momentum":1}"#, "momentum"),
            (r#"{"name":"sgd","momentum":0,"nesterov":true}"#, "momentum"),
            (r#"{"name":"lbfgs","history":0}"#, "history"),
            (r#"{"name":"lbfgs","maxEvaluations":0}"#, "maxEvaluations"),
            (r#"{"name":"lbfgs","tolerance":-1}"#, "tolerance"),
            (r#"{"name":"lbfgs","changeTolerance":1}"#, "changeTolerance"),
            (r#"{"name":"lm","tolerance":1}"#, "tolerance"),
            (r#"{"name":"lm","initialDamping":0}"#, "initialDamping"),
            (r#"{"name":"lm","leastDamping":-1}"#, "leastDamping"),
        ] {
            assert_eq!(parse(json).unwrap().validate().unwrap_err().parameter, parameter, "{json}");
        }
        let error = parse(r#"{"name":"adam","beta1":1.5}"#).unwrap().validate().unwrap_err();
        assert_eq!(error.to_string(), "adam: beta1 must be at least 0 and below 1, found 1.5");
    }

    #[test]
    fn values_that_are_not_finite_are_refused() {
        let nan = Optimizer::Adam { beta1: f64::NAN, beta2: 0.9, epsilon: 1e-8 };
        assert!(nan.validate().is_err());
        let infinite = Optimizer::Adam { beta1: 0.9, beta2: 0.9, epsilon: f64::INFINITY };
        assert!(infinite.validate().is_err());
    }
}
