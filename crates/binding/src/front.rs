//! Fronts of formulas on their way to JavaScript.

use crate::failure::Failure;
use kanode_symbolic::{Candidate, Expression, Formula, Front, Sample, root_mean_square};
use serde_json::{Value, json};
use std::sync::Arc;

/// JSON of a front: for each candidate the formula, its constants, length, errors on the sample and on validation rows in
/// the units of the target, and bits.
pub(crate) fn report(front: &Front, sample: &Sample, validation: Option<&Sample>) -> Result<Value, Failure> {
    let spread = sample.deviation();
    let list: Result<Vec<Value>, Failure> = front
        .candidates()
        .iter()
        .map(|candidate| {
            let beyond = validation.and_then(|rows| root_mean_square(&candidate.model, rows));
            describe(candidate, sample.names(), spread, beyond)
        })
        .collect();
    Ok(json!({ "front": list?, "best": front.best(), "mostAccurate": front.most_accurate() }))
}

fn describe(
    candidate: &Candidate,
    columns: &[Arc<str>],
    spread: f64,
    validation: Option<f64>,
) -> Result<Value, Failure> {
    let renamed: Vec<(Arc<str>, Arc<str>)> =
        columns.iter().map(|name| (Arc::clone(name), Arc::clone(name))).collect();
    let model = candidate.model.renamed(&renamed);
    let formula = Formula::new(model.expression(), Some(columns.to_vec()))?;
    let constants: Vec<Value> = model
        .constants()
        .iter()
        .map(|constant| {
            json!({
                "name": &*constant.name,
                "value": constant.value,
                "standardError": constant.standard_error,
                "snapped": constant.snapped.as_ref().map(written),
            })
        })
        .collect();
    Ok(json!({
        "formula": formula.print("json")?,
        "skeleton": written(model.skeleton()),
        "constants": constants,
        "complexity": candidate.complexity,
        "error": candidate.error.sqrt() * spread,
        "validationError": validation,
        "r2": 1.0 - candidate.error,
        "bits": candidate.bits,
        "exact": candidate.is_exact(),
    }))
}

fn written(expression: &Expression) -> String {
    format!("{expression:?}")
}
