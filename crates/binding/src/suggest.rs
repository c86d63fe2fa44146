//! Families of functions that an edge of a model may be.

use crate::describe::text;
use crate::failure::{Failure, guard};
use crate::model::{NativeModel, index};
use crate::shared::with_slot;
use crate::structure::wide;
use kanode_network::EdgeId;
use kanode_symbolic::{Custom, Expression, Family, Formula, default_families, edge_curve, family, suggest};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// What `suggest` is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    /// Standard deviation of what is noise in the curve, as a part of the curve's own.
    noise: f64,
    families: Vec<Choice>,
    /// What the variable is called.
    variable: String,
}

/// Families: all that are tried by default, one by its name, or a formula in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Choice {
    Default,
    Named(String),
    Formula(String),
}

#[napi]
impl NativeModel {
    /// JSON of a list of families with their formula (JSON as well), error, bits and complexity, the best first. `x` holds
    /// `rows` rows in the user's units; 0 rows: nodes are even over the grid. The model stays as it is.
    #[napi]
    pub fn suggest(
        &self,
        layer: f64,
        from: f64,
        to: f64,
        x: &[f64],
        rows: f64,
        options: String,
    ) -> napi::Result<String> {
        guard(|| {
            let edge =
                EdgeId { layer: index("layer", layer)?, from: index("from", from)?, to: index("to", to)? };
            let rows = index("rows", rows)?;
            let Options { noise, families, variable } =
                serde_json::from_str(&options).map_err(|error| Failure::option(error.to_string()))?;
            let families = chosen(&families)?;
            // Fitting goes on without the lock: a fit in the background need not wait for it.
            let (curve, noise) = self.shared.read(|state| {
                with_slot!(state, slot => {
                    let network = &slot.model().network;
                    let scaled = (rows > 0).then(|| wide(network, x, rows));
                    Ok(edge_curve(network, edge, scaled.as_deref(), noise)?)
                })
            })?;
            let name: Arc<str> = Arc::from(variable);
            let renamed = HashMap::from([("x", Expression::variable(&name))]);
            let mut list = Vec::new();
            for fit in suggest(&curve, &families, noise) {
                let formula =
                    Formula::new(fit.expression.substitute(&renamed), Some(vec![Arc::clone(&name)]))?;
                list.push(json!({
                    "family": fit.family,
                    "formula": formula.print("json")?,
                    "error": fit.error,
                    "bits": fit.bits,
                }));
            }
            text(&list)
        })
    }
}

pub(crate) fn chosen(choices: &[Choice]) -> Result<Vec<Box<dyn Family>>, Failure> {
    let mut families: Vec<Box<dyn Family>> = Vec::new();
    for choice in choices {
        match choice {
            Choice::Default => families.extend(default_families()),
            Choice::Named(name) => families
                .push(family(name).ok_or_else(|| Failure::option(format!("there is no family '{name}'")))?),
            Choice::Formula(json) => {
                families.push(Box::new(Custom::new(Formula::from_json(json)?.expression())?));
            }
        }
    }
    Ok(families)
}

/// Names of the families that `suggest` knows.
#[napi]
pub fn family_names() -> napi::Result<Vec<String>> {
    guard(|| Ok(kanode_symbolic::family_names()))
}
