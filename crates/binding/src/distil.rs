//! Formulas on edges and of whole models: put there by hand, or searched for in the background.

use crate::describe::text;
use crate::discover::{end, sample_of};
use crate::failure::{Failure, guard};
use crate::fit::NativeData;
use crate::front::report;
use crate::model::{NativeModel, copy, index, to_bytes};
use crate::shared::{Held, with_slot};
use crate::structure::wide;
use crate::suggest::{Choice, chosen};
use crate::teller::Teller;
use crate::threads::{Done, spawn};
use kanode_format::Model;
use kanode_network::{EdgeId, Network};
use kanode_symbolic::{
    DistilError, DistilOptions, DistilProgress, Distilled, EdgeFormula, Expression, Formula, Sample, Watch,
    distil, fix, fix_family, lock, network_of,
};
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Function, Object};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// What an edge is to be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Change {
    /// The nearest function of a family.
    Family(Choice),
    /// A formula of x, in JSON.
    Formula(String),
    /// A spline.
    Free,
    /// The formula that it is, its constants no longer parameters.
    Lock,
}

/// What a search is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    names: Vec<String>,
    output: usize,
    beam: usize,
    evaluations: usize,
    seconds: Option<f64>,
    noise: Option<f64>,
    families: Vec<Choice>,
    /// One for each core if 0.
    threads: usize,
}

#[napi]
impl NativeModel {
    /// The bytes of a model that has something else on one edge; `change` is JSON, and `x` holds `rows` rows in the user's
    /// units that families are fitted on, or none.
    #[napi(ts_return_type = "Uint8Array")]
    #[allow(clippy::too_many_arguments, reason = "arguments of JavaScript stand side by side")]
    pub fn change_edge<'env>(
        &self,
        env: &'env Env,
        layer: f64,
        from: f64,
        to: f64,
        change: String,
        x: &[f64],
        rows: f64,
    ) -> napi::Result<BufferSlice<'env>> {
        guard(|| {
            let edge =
                EdgeId { layer: index("layer", layer)?, from: index("from", from)?, to: index("to", to)? };
            let (rows, x) = (index("rows", rows)?, copy("x", x)?);
            let change: Change =
                serde_json::from_str(&change).map_err(|error| Failure::option(error.to_string()))?;
            let bytes = self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.model();
                    let rows = (rows > 0).then(|| wide(&model.network, &x, rows));
                    let network = changed(&model.network, edge, change, rows.as_deref())?;
                    to_bytes(&Model { network, state: None, metadata: model.metadata.clone() }, false)
                })
            })?;
            Ok(BufferSlice::copy_from(env, &bytes)?)
        })
    }

    /// JSON of the formula on an edge, of x, with `locked`; `null` for a spline.
    #[napi]
    pub fn edge_formula(&self, layer: f64, from: f64, to: f64) -> napi::Result<String> {
        guard(|| {
            let edge =
                EdgeId { layer: index("layer", layer)?, from: index("from", from)?, to: index("to", to)? };
            self.shared.read(|state| with_slot!(state, slot => written(&slot.model().network, edge)))
        })
    }

    /// Searches formulas of one output on a thread of its own; the report is a front with `effort`, agreements, and the
    /// edges that stay splines where that is better, and then the model of the outcome has all others as formulas.
    /// `on_event` receives JSON of progress.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn symbolic<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        validation: Option<NativeData>,
        options: String,
        on_event: Function<'_, String, ()>,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let request: Request =
                serde_json::from_str(&options).map_err(|error| Failure::option(error.to_string()))?;
            let names: Vec<Arc<str>> = request.names.iter().map(|name| Arc::from(name.as_str())).collect();
            let sample = sample_of(&names, &data)?;
            let validation = validation.as_ref().map(|data| sample_of(&names, data)).transpose()?;
            let teller = Teller::new(&on_event)?;
            self.occupied(|shared| {
                shared.read(|state| {
                    with_slot!(state, slot => {
                        let (model, shared) = (slot.snapshot(), Arc::clone(shared));
                        spawn(env, "symbolic", Arc::clone(&shared.cancel), move || {
                            shared.look(&model, |model| {
                                let cancelled = || shared.cancel.load(SeqCst);
                                let network = model.network.widened()?;
                                let search = Search { network, sample, validation, request, teller };
                                let (report, hybrid) = search.run(&cancelled)?;
                                let hybrid = hybrid.map(|network| {
                                    to_bytes(&Model { network, state: None, metadata: model.metadata.clone() }, false)
                                });
                                Ok(Done { report: Some(text(&report)?), model: hybrid.transpose()?, ..Done::default() })
                            })
                        })
                    })
                })
            })
        })
    }
}

fn changed<T: Held>(
    network: &Network<T>,
    edge: EdgeId,
    change: Change,
    rows: Option<&[f64]>,
) -> Result<Network<T>, Failure> {
    Ok(match change {
        Change::Free => network.with_spline(edge)?,
        Change::Lock => lock(network, edge)?,
        Change::Formula(json) => {
            let formula = Formula::from_json(&json)?;
            // Whatever its one variable is called, it is what the edge receives.
            let names = formula.variables().iter().map(|name| (&**name, Expression::variable("x")));
            fix(network, edge, &formula.expression().substitute(&names.collect()))?
        }
        Change::Family(choice) => {
            let family = chosen(&[choice])?;
            fix_family(network, edge, family[0].as_ref(), rows)?
        }
    })
}

fn written<T: Held>(network: &Network<T>, edge: EdgeId) -> Result<String, Failure> {
    network.domain_of(edge)?;
    let Some(formula) = EdgeFormula::of(network, edge) else { return Ok("null".to_owned()) };
    let expression = formula.expression(&network.constants_of(edge));
    let written = Formula::new(expression, Some(vec![Arc::from("x")]))?.print("json")?;
    text(&json!({ "formula": written, "locked": formula.is_locked() }))
}

struct Search {
    network: Network<f64>,
    sample: Sample,
    validation: Option<Sample>,
    request: Request,
    teller: Teller,
}

impl Search {
    /// The report, and the network where edges stay splines.
    fn run(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<(Value, Option<Network<f64>>), Failure> {
        let begun = Instant::now();
        let Request { output, beam, evaluations, seconds, noise, families, threads, .. } = &self.request;
        let options = DistilOptions {
            families: chosen(families)?.into(),
            output: *output,
            beam: *beam,
            budget: *evaluations,
            time: seconds.map(Duration::from_secs_f64),
            noise: *noise,
        };
        let deviation = self.sample.deviation();
        let mut progress = |progress: DistilProgress| {
            self.teller.tell(|| {
                let DistilProgress { evaluations, fixed, edges, error } = progress;
                let error = error.sqrt() * deviation;
                let elapsed = begun.elapsed().as_secs_f64() * 1e3;
                let value = json!({
                    "evaluations": evaluations, "elapsedMs": elapsed, "fixed": fixed, "edges": edges, "error": error,
                });
                serde_json::to_string(&value).ok()
            });
        };
        let mut watch = Watch { cancelled, progress: &mut progress };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(*threads).build();
        let pool = pool.map_err(|error| Failure::new("ERR_KAN_MACHINE", error.to_string()))?;
        let found = pool.install(|| {
            distil(&self.network, &self.sample, self.validation.as_ref(), &options, &mut watch)
        })?;
        let mut report = report(&found.front, &self.sample, self.validation.as_ref())?;
        describe(&mut report, &found, deviation);
        report["effort"] = json!({
            "evaluations": found.evaluations,
            "elapsedMs": begun.elapsed().as_secs_f64() * 1e3,
            "ended": end(found.ended),
        });
        Ok((report, found.hybrid.map(|hybrid| hybrid.network)))
    }
}

/// Adds to the report of a front what there is beside it.
fn describe(report: &mut Value, found: &Distilled, deviation: f64) {
    for (place, agreement) in found.agreements.iter().enumerate() {
        report["front"][place]["agreement"] = json!({ "largest": agreement.largest, "rms": agreement.rms });
    }
    if let Some(hybrid) = &found.hybrid {
        report["hybrid"] = json!({ "splines": hybrid.splines, "error": hybrid.error.sqrt() * deviation });
    }
}

/// The bytes of a model that computes a formula, JSON, for inputs within bounds.
#[napi(ts_return_type = "Uint8Array")]
pub fn model_of_formula<'env>(
    env: &'env Env,
    formula: String,
    low: &[f64],
    high: &[f64],
) -> napi::Result<BufferSlice<'env>> {
    guard(|| {
        let formula = Formula::from_json(&formula)?;
        let bounds: Vec<(f64, f64)> = low.iter().copied().zip(high.iter().copied()).collect();
        let network = network_of(&formula, &bounds)?;
        let bytes = to_bytes(&Model { network, state: None, metadata: String::new() }, false)?;
        Ok(BufferSlice::copy_from(env, &bytes)?)
    })
}

impl From<DistilError> for Failure {
    fn from(error: DistilError) -> Self {
        let message = error.to_string();
        match error {
            DistilError::Sample(error) => error.into(),
            DistilError::Network(error) => error.into(),
            DistilError::Constant => Self::new("ERR_KAN_NUMBER", message).with(json!({ "what": "targets" })),
            DistilError::Nothing { .. } => Self::new("ERR_KAN_FORMULA", message),
        }
    }
}
