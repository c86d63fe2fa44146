//! Fits to equations, and derivatives by the inputs: terms and residuals come in, records and numbers go out.

use crate::describe::text;
use crate::failure::{Failure, guard};
use crate::fit::Events;
use crate::model::{NativeModel, copy, index};
use crate::shared::{Held, with_slot};
use crate::threads::{After, Done, spawn};
use kanode_format::Model;
use kanode_network::Names;
use kanode_physics::{Order, PhysicsError, SolveOptions, TapeError, Term, TermError, derivatives, solve};
use kanode_train::{Observer, Record};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Function, Object};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A term of a loss made of equations, as the facade holds it; copied before a call returns.
#[napi(object, object_to_js = false)]
pub struct NativeTerm {
    /// Coordinates, `[rows, inputs]`.
    pub x: Float64Array,
    /// Numbers given for each point, `[rows, columns]`.
    pub data: Float64Array,
    /// `[rows]`.
    #[napi(ts_type = "Float64Array | null")]
    pub weights: Option<Float64Array>,
    /// Number of points.
    pub rows: f64,
    /// How much the term counts.
    pub weight: f64,
    /// JSON of the operations of its residual.
    pub residual: String,
}

impl NativeTerm {
    fn copy(&self) -> Result<Term, Failure> {
        let residual = serde_json::from_str(&self.residual);
        Ok(Term {
            points: copy("points", &self.x)?,
            count: index("rows", self.rows)?,
            data: copy("data", &self.data)?,
            weight: self.weight,
            weights: self.weights.as_ref().map(|weights| copy("weights", weights)).transpose()?,
            residual: residual.map_err(|error| Failure::option(format!("residual: {error}")))?,
        })
    }
}

#[napi]
impl NativeModel {
    /// Fits the model to equations in the background. `options` is JSON of the options with `names` and `metadata` of
    /// the model afterwards; `on_event` is called as by `fit`.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn fit_equations<'env>(
        &self,
        env: &'env Env,
        terms: Vec<NativeTerm>,
        options: String,
        on_event: Function<'_, String, ()>,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let (request, events) = (Request::parse(&options)?, Events::new(&on_event)?);
            let terms = terms.iter().map(NativeTerm::copy).collect::<Result<Vec<_>, _>>()?;
            self.occupied(|shared| {
                shared.read(|state| {
                    with_slot!(state, slot => {
                        let (model, shared) = (slot.snapshot(), Arc::clone(shared));
                        spawn(env, "equations", Arc::clone(&shared.cancel), move || {
                            let observer = Reporter { events, cancel: Arc::clone(&shared.cancel) };
                            let done = shared.finish(|| run(&model, &terms, request, observer))?;
                            let after: After = Box::new(move |env| shared.report(env));
                            Ok(Done { after: Some(after), ..done })
                        })
                    })
                })
            })
        })
    }

    /// Outputs with their derivatives by the inputs up to an order, in the background; `values` of the outcome are
    /// `[rows, outputs]`, then `[rows, outputs, inputs]`, then for order 2 `[rows, outputs, inputs, inputs]`.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn derivatives<'env>(
        &self,
        env: &'env Env,
        x: &[f64],
        rows: f64,
        order: f64,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let (rows, x) = (index("rows", rows)?, copy("x", x)?);
            let order = if order == 2.0 { Order::Second } else { Order::First };
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    let cancel = Arc::<AtomicBool>::default();
                    spawn(env, "derivatives", Arc::clone(&cancel), move || {
                        let cancelled = || cancel.load(SeqCst);
                        let found = derivatives(&model.network, &x, rows, order, &cancelled)?;
                        let values = [found.value, found.first, found.second].concat();
                        Ok(Done { values: Some(values), ..Done::default() })
                    })
                })
            })
        })
    }
}

/// The options of a fit to equations, read from JSON in which all of them stand side by side.
struct Request {
    options: SolveOptions,
    learnt: Learnt,
}

/// What the model knows about its columns afterwards.
#[derive(Deserialize)]
struct Learnt {
    names: Names,
    metadata: String,
}

impl Request {
    fn parse(json: &str) -> Result<Self, Failure> {
        let unreadable = |error: serde_json::Error| Failure::option(format!("equation options: {error}"));
        let mut all: Map<String, Value> = serde_json::from_str(json).map_err(unreadable)?;
        let learnt =
            ["names", "metadata"].map(|name| (name.to_owned(), all.remove(name).unwrap_or_default()));
        Ok(Self {
            options: serde_json::from_value(Value::Object(all)).map_err(unreadable)?,
            learnt: serde_json::from_value(Value::Object(learnt.into_iter().collect()))
                .map_err(unreadable)?,
        })
    }
}

/// Fits a copy of the model. Returns it, if anything changed, with what there is to tell.
fn run<T: Held>(
    model: &Model<T>,
    terms: &[Term],
    request: Request,
    mut observer: Reporter,
) -> Result<(Option<Model<T>>, Done), Failure> {
    let Request { options, learnt } = request;
    let mut network = model.network.clone();
    network.set_names(learnt.names)?;
    let report = solve(&mut network, terms, &options, &mut observer)?;
    let fitted = report.changed.then_some(Model { network, state: None, metadata: learnt.metadata });
    Ok((fitted, Done { report: Some(text(&report)?), ..Done::default() }))
}

/// Watches a fit to equations for JavaScript.
struct Reporter {
    events: Events,
    cancel: Arc<AtomicBool>,
}

impl<T: Held> Observer<T> for Reporter {
    fn cancelled(&self) -> bool {
        self.cancel.load(SeqCst)
    }

    fn on_record(&mut self, record: &Record) {
        self.events.record(record);
    }
}

impl From<PhysicsError> for Failure {
    fn from(error: PhysicsError) -> Self {
        let message = error.to_string();
        match error {
            PhysicsError::Option(error) => error.into(),
            PhysicsError::Network(error) => error.into(),
            PhysicsError::Engine(error) => error.into(),
            PhysicsError::NoTerms { terms } => {
                Self::new("ERR_KAN_EMPTY", message).with(json!({ "terms": terms }))
            }
            PhysicsError::Term { term, source } => {
                Self::new(code_of(&source), message).with(json!({ "term": term }))
            }
            PhysicsError::NotFinite { term, point, found } => Self::new("ERR_KAN_NUMBER", message)
                .with(json!({ "term": term, "point": point, "found": found.to_string() })),
            PhysicsError::Rows(source) => Self::new(code_of(&source), message),
            PhysicsError::Degree { degree } => Self::option(message).with(json!({ "degree": degree })),
            PhysicsError::Overflow { row, output } => {
                Self::new("ERR_KAN_NUMBER", message).with(json!({ "row": row, "output": output }))
            }
            PhysicsError::Cancelled => Self::new("ERR_KAN_DISPOSED", message),
        }
    }
}

fn code_of(error: &TermError) -> &'static str {
    match error {
        TermError::Tape(TapeError::Number { .. })
        | TermError::NotFinite { .. }
        | TermError::Weight { .. } => "ERR_KAN_NUMBER",
        TermError::Tape(_) => "ERR_KAN_OPTION",
        TermError::NoPoints => "ERR_KAN_EMPTY",
        TermError::Length { .. } => "ERR_KAN_SHAPE",
        TermError::NoWeight => "ERR_KAN_DATA",
    }
}
