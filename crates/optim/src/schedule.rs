//! Learning-rate schedules: a factor on the base rate for each step, with an optional linear warm-up before it.
//! Schedules are functions of the step and of the steps planned, so a resumed run needs nothing but its step counter.

use crate::{error::ParameterError, optimizer::check, vector::power};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How the learning rate changes over the steps of a fit.
///
/// With `w` warm-up steps, step `s` (from 0) has the rate `base·(s+1)/(w+1)` while `s < w` (Goyal et al., "Accurate,
/// large minibatch SGD", 2017, §2.2), and afterwards the schedule's rate at `t = s − w`.
///
/// A run that is continued counts its steps on. Constant and exponential rates, and those that name their `total` or
/// `every`, depend on the step alone: 50 steps and 50 more are 100 steps. Where the number is left out it follows from
/// the steps planned, and only a run that was broken off and is then continued to the end first planned (100 steps
/// asked for, cancelled at 50, 50 more asked for) has the rates of one that was not; 50 steps and then 50 more have
/// another curve, since nobody knew at first of those that came later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Schedule {
    /// `base`.
    Constant {
        /// Steps of linear warm-up. Default 0.
        #[serde(default)]
        warmup: u64,
    },
    /// `base·(m + (1 − m)·(1 + cos(π·t/T))/2)` with `T = total − warmup`, and `base·m` from `t = T` on
    /// (Loshchilov & Hutter, "SGDR", 2017, eq. 5, without restarts).
    /// `cos` is the platform's: between platforms the last bit may differ.
    Cosine {
        /// Steps of linear warm-up. Default 0.
        #[serde(default)]
        warmup: u64,
        /// Steps of the whole curve, warm-up included. Default: the steps of the fit, those done before it was
        /// continued included. Name it where a run is planned in parts: `total: 100` for 50 and 50 steps.
        #[serde(default)]
        total: Option<u64>,
        /// `m`, the final rate as a fraction of the base rate. Default 0.
        #[serde(default)]
        minimum_fraction: f64,
    },
    /// `base·gamma^t` (PyTorch's ExponentialLR, counted in steps).
    Exponential {
        /// Steps of linear warm-up. Default 0.
        #[serde(default)]
        warmup: u64,
        /// Factor for each step. Default 0.999.
        #[serde(default = "exponential_gamma")]
        gamma: f64,
    },
    /// `base·gamma^⌊t/every⌋` (PyTorch's StepLR, counted in steps).
    Step {
        /// Steps of linear warm-up. Default 0.
        #[serde(default)]
        warmup: u64,
        /// Steps between two drops. Default: a third of the fit's steps, those done before it was continued included,
        /// rounded up. Name it where a run is planned in parts.
        #[serde(default)]
        every: Option<u64>,
        /// Factor for each drop. Default 0.1.
        #[serde(default = "step_gamma")]
        gamma: f64,
    },
}

fn exponential_gamma() -> f64 {
    0.999
}

fn step_gamma() -> f64 {
    0.1
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant { warmup: 0 }
    }
}

impl Schedule {
    /// The rate of step `step`, counted from 0, in a fit of `total` steps whose base rate is `base`.
    pub fn rate(&self, base: f64, step: u64, total: u64) -> f64 {
        let warmup = self.warmup();
        if step < warmup {
            return base * ((step as f64 + 1.0) / (warmup as f64 + 1.0));
        }
        let t = step - warmup;
        match *self {
            Self::Constant { .. } => base,
            Self::Cosine { total: own, minimum_fraction: m, .. } => {
                let length = own.unwrap_or(total).saturating_sub(warmup);
                if t >= length {
                    return base * m;
                }
                base * (m + (1.0 - m) * 0.5 * (1.0 + (PI * (t as f64 / length as f64)).cos()))
            }
            Self::Exponential { gamma, .. } => base * power(gamma, t),
            Self::Step { every, gamma, .. } => {
                base * power(gamma, t / every.unwrap_or(total.div_ceil(3)).max(1))
            }
        }
    }

    /// Steps of linear warm-up.
    pub fn warmup(&self) -> u64 {
        match *self {
            Self::Constant { warmup }
            | Self::Cosine { warmup, .. }
            | Self::Exponential { warmup, .. }
            | Self::Step { warmup, .. } => warmup,
        }
    }

    /// Checks the ranges of all parameters.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn validate(&self) -> Result<(), ParameterError> {
        match *self {
            Self::Constant { .. } => Ok(()),
            Self::Cosine { total, minimum_fraction: m, .. } => {
                let total = total.unwrap_or(1);
                check("cosine", "total", "at least 1", total as f64, total >= 1)?;
                check("cosine", "minimumFraction", "from 0 to 1", m, (0.0..=1.0).contains(&m))
            }
            Self::Exponential { gamma, .. } => {
                check("exponential", "gamma", "above 0 and at most 1", gamma, gamma > 0.0 && gamma <= 1.0)
            }
            Self::Step { every, gamma, .. } => {
                let every = every.unwrap_or(1);
                check("step", "every", "at least 1", every as f64, every >= 1)?;
                check("step", "gamma", "above 0 and at most 1", gamma, gamma > 0.0 && gamma <= 1.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Schedule, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn constant_keeps_the_base_rate() {
        let schedule = Schedule::default();
        assert!((0..10).all(|s| schedule.rate(0.3, s, 10) == 0.3));
    }

    #[test]
    fn warmup_rises_evenly_and_hands_over_at_the_base_rate() {
        let schedule = Schedule::Constant { warmup: 3 };
        let rates: Vec<f64> = (0..5).map(|s| schedule.rate(1.0, s, 5)).collect();
        assert_eq!(rates, [0.25, 0.5, 0.75, 1.0, 1.0]);
    }

    #[test]
    fn cosine_falls_from_base_to_its_minimum() {
        let schedule = Schedule::Cosine { warmup: 2, total: None, minimum_fraction: 0.1 };
        assert_eq!(schedule.rate(2.0, 2, 12), 2.0);
        assert!((schedule.rate(2.0, 7, 12) - 1.1).abs() < 1e-12);
        assert!((schedule.rate(2.0, 12, 12) - 0.2).abs() < 1e-15);
        assert!((schedule.rate(2.0, 1000, 12) - 0.2).abs() < 1e-15);
        assert!((2..12).all(|s| schedule.rate(2.0, s + 1, 12) < schedule.rate(2.0, s, 12)));
    }

    #[test]
    fn cosine_prefers_its_own_total() {
        let schedule = Schedule::Cosine { warmup: 0, total: Some(100), minimum_fraction: 0.0 };
        assert_eq!(schedule.rate(1.0, 30, 50), schedule.rate(1.0, 30, 100));
        assert!((schedule.rate(1.0, 50, 50) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn exponential_multiplies_each_step() {
        let schedule = Schedule::Exponential { warmup: 0, gamma: 0.5 };
        assert_eq!(schedule.rate(8.0, 3, 10), 1.0);
    }

    #[test]
    fn step_drops_in_stairs_and_by_default_in_thirds() {
        let schedule = Schedule::Step { warmup: 0, every: Some(10), gamma: 0.5 };
        assert_eq!([0, 9, 10, 19, 20].map(|s| schedule.rate(1.0, s, 100)), [1.0, 1.0, 0.5, 0.5, 0.25]);
        let thirds = Schedule::Step { warmup: 0, every: None, gamma: 0.5 };
        assert_eq!([0, 3, 4, 8].map(|s| thirds.rate(1.0, s, 10)), [1.0, 1.0, 0.5, 0.25]);
    }

    #[test]
    fn a_total_of_zero_or_a_huge_step_stays_finite() {
        for name in ["constant", "cosine", "exponential", "step"] {
            let schedule = parse(&format!(r#"{{"name":"{name}"}}"#)).unwrap();
            for (step, total) in [(0, 0), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
                let rate = schedule.rate(1.0, step, total);
                assert!((0.0..=1.0).contains(&rate), "{name}: {rate}");
            }
        }
    }

    #[test]
    fn json_fills_defaults_and_refuses_unknown_fields() {
        assert_eq!(parse(r#"{"name":"constant"}"#).unwrap(), Schedule::default());
        assert_eq!(
            parse(r#"{"name":"cosine","warmup":5,"minimumFraction":0.1}"#).unwrap(),
            Schedule::Cosine { warmup: 5, total: None, minimum_fraction: 0.1 }
        );
        assert_eq!(
            parse(r#"{"name":"step"}"#).unwrap(),
            Schedule::Step { warmup: 0, every: None, gamma: 0.1 }
        );
        assert!(parse(r#"{"name":"constant","gamma":1}"#).unwrap_err().to_string().contains("gamma"));
        assert!(parse(r#"{"name":"linear"}"#).is_err());
    }

    #[test]
    fn json_survives_a_round_trip() {
        for schedule in [
            Schedule::Constant { warmup: 7 },
            Schedule::Cosine { warmup: 1, total: Some(9), minimum_fraction: 0.25 },
            Schedule::Exponential { warmup: 0, gamma: 0.123_456_789_012_345_67 },
            Schedule::Step { warmup: 2, every: Some(4), gamma: 0.3 },
        ] {
            assert_eq!(parse(&serde_json::to_string(&schedule).unwrap()).unwrap(), schedule);
        }
    }

    #[test]
    fn validation_names_parameter_range_and_value() {
        let error = Schedule::Exponential { warmup: 0, gamma: 1.5 }.validate().unwrap_err();
        assert_eq!((error.owner, error.parameter, error.found), ("exponential", "gamma", 1.5));
        assert_eq!(error.to_string(), "exponential: gamma must be above 0 and at most 1, found 1.5");
        assert!(Schedule::Cosine { warmup: 0, total: Some(0), minimum_fraction: 0.0 }.validate().is_err());
        assert!(Schedule::Cosine { warmup: 0, total: None, minimum_fraction: f64::NAN }.validate().is_err());
        assert!(Schedule::Step { warmup: 0, every: Some(0), gamma: 0.1 }.validate().is_err());
        assert!(Schedule::default().validate().is_ok());
    }
}
