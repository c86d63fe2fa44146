//! Formulas: reading, writing, algebra and evaluation, for the facade's `Formula`.

use crate::describe::text;
use crate::failure::{Failure, guard};
use crate::model::index;
use kanode_engine::Program;
use kanode_symbolic::{Formula, Interval};
use napi::bindgen_prelude::Float64ArraySlice;
use napi_derive::napi;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// A formula; it never changes.
#[napi]
pub struct NativeFormula {
    pub(crate) formula: Formula,
}

#[napi]
impl NativeFormula {
    /// Reads the notation of formulas; of the given variables, if any are given.
    #[napi(factory)]
    pub fn parse(text: String, variables: Option<Vec<String>>) -> napi::Result<Self> {
        guard(|| {
            let variables: Option<Vec<Arc<str>>> =
                variables.map(|names| names.iter().map(|name| Arc::from(name.as_str())).collect());
            Ok(Self { formula: Formula::parse(&text, variables.as_deref())? })
        })
    }

    /// Reads the format `json`.
    #[napi(factory)]
    pub fn read(json: String) -> napi::Result<Self> {
        guard(|| Ok(Self { formula: Formula::from_json(&json)? }))
    }

    /// Names of the variables in their order.
    #[napi]
    pub fn variables(&self) -> napi::Result<Vec<String>> {
        guard(|| Ok(self.formula.variables().iter().map(ToString::to_string).collect()))
    }

    /// The formula in a format.
    #[napi]
    pub fn print(&self, format: String) -> napi::Result<String> {
        guard(|| Ok(self.formula.print(&format)?))
    }

    /// The formula in a format, inexact numbers rounded to `digits` significant digits.
    #[napi]
    pub fn print_rounded(&self, format: String, digits: f64) -> napi::Result<String> {
        guard(|| {
            let rounded = self.formula.expression().rounded(index("digits", digits)?);
            Ok(self.formula.with(rounded)?.print(&format)?)
        })
    }

    /// The derivative by a variable.
    #[napi]
    pub fn derivative(&self, variable: String) -> napi::Result<Self> {
        guard(|| Ok(Self { formula: self.formula.derivative(&variable)? }))
    }

    /// A form that is no longer and has the same values.
    #[napi]
    pub fn simplified(&self) -> napi::Result<Self> {
        guard(|| Ok(Self { formula: self.formula.simplified()? }))
    }

    /// Its length.
    #[napi]
    pub fn complexity(&self) -> napi::Result<f64> {
        guard(|| Ok(self.formula.expression().complexity()))
    }

    /// Conditions under which it has a value.
    #[napi]
    pub fn conditions(&self) -> napi::Result<Vec<String>> {
        guard(|| Ok(self.formula.conditions().iter().map(ToString::to_string).collect()))
    }

    /// JSON of the bounds of its values in a box, and of whether it has one everywhere there; `bounds` is JSON of
    /// intervals by name. What is infinite is null.
    #[napi]
    pub fn bounds(&self, bounds: String) -> napi::Result<String> {
        guard(|| {
            let given: HashMap<String, [f64; 2]> =
                serde_json::from_str(&bounds).map_err(|error| Failure::option(error.to_string()))?;
            let intervals =
                given.iter().map(|(name, [low, high])| (name.as_str(), Interval::new(*low, *high)));
            let found = self.formula.enclosure(&intervals.collect())?;
            text(&json!({ "low": found.values.low, "high": found.values.high, "defined": found.defined }))
        })
    }

    /// Whether another is the same expression of the same variables.
    #[napi]
    pub fn equals(&self, other: &NativeFormula) -> napi::Result<bool> {
        guard(|| Ok(self.formula == other.formula))
    }

    /// Values for rows `x: [rows, variables]`, written to `out: [rows]`.
    #[napi]
    #[allow(
        unsafe_code,
        reason = "napi hands out an array that JavaScript allocated only through an unsafe call"
    )]
    pub fn evaluate(&self, x: &[f64], mut out: Float64ArraySlice<'_>) -> napi::Result<()> {
        guard(|| {
            // SAFETY: JavaScript is stopped in this call, and the facade allocated `out` for it alone.
            let out = unsafe { out.as_mut() };
            Program::check_length("x", out.len() * self.formula.variables().len(), x.len())?;
            self.formula.evaluate(x, out);
            Ok(())
        })
    }
}
