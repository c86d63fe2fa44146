//! JSON texts about a model, for the facade to show.

use crate::failure::Failure;
use kanode_engine::Real;
use kanode_format::Model;
use serde::Serialize;
use serde_json::{Value, json};

/// What the facade shows and checks against: options, shapes, names, scaler, and whether it was fitted.
pub(crate) fn describe<T: Real>(model: &Model<T>, dtype: &str) -> Result<String, Failure> {
    let network = &model.network;
    let layers = network.knots().iter().zip(network.program().layers()).map(|(knots, layer)| {
        let domains: Vec<[f64; 2]> = knots.iter().map(|k| [k.domain().0, k.domain().1]).collect();
        json!({ "inputs": layer.inputs, "outputs": layer.outputs, "domains": domains })
    });
    let mut description = json!({
        "dtype": dtype,
        "parameterCount": network.parameter_count(),
        "inputNames": network.names().inputs,
        "outputNames": network.names().outputs,
        "scaler": network.scaler(),
        "fitted": network.is_fitted(),
        "loss": network.loss(),
        "resumable": model.state.is_some(),
        "steps": model.state.as_ref().map_or(0, |state| state.position.steps),
        "layersDetail": layers.collect::<Value>(),
        "pruned": network.pruned_edges(),
        "formulas": network.functions().iter().map(Vec::len).sum::<usize>(),
        "inputIds": network.input_ids(),
    });
    let specification = serde_json::to_value(network.specification()).map_err(unreadable)?;
    if let (Value::Object(description), Value::Object(specification)) = (&mut description, specification) {
        description.extend(specification);
    }
    text(&description)
}

/// Any report as JSON text.
pub(crate) fn text(report: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(report).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::new("ERR_KAN_INTERNAL", error.to_string())
}
