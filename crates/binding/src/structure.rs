//! What changes the structure of a model: grids that are refined or follow data, and smaller models made from it; and
//! what is to be known for that, scores and uncertainty.

use crate::describe::text;
use crate::failure::{Failure, catch, guard};
use crate::fit::{Events, NativeData};
use crate::model::{NativeModel, copy, index, to_bytes};
use crate::shared::{Held, Shared, backend, with_slot};
use crate::threads::{Done, spawn};
use kanode_cpu::CpuBackend;
use kanode_engine::{Compile, Real};
use kanode_format::Model;
use kanode_network::{GridUpdate, Network, Refit, Removal};
use kanode_train::{Observer, PruneOptions, Record, SimplifyOptions};
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[napi]
impl NativeModel {
    /// Gives all edges `grid` intervals; drops the training state. JSON of the grid and of how far functions moved.
    #[napi]
    pub fn refine(&self, env: &Env, grid: f64) -> napi::Result<String> {
        guard(|| {
            let grid = index("grid", grid)?;
            let moved = self.shared.write(|state| {
                with_slot!(state, slot => {
                    let model = slot.model_mut();
                    let refit = model.network.refine(grid)?;
                    model.state = None;
                    moved(&model.network, refit)
                })
            })?;
            self.shared.report(env);
            Ok(moved)
        })
    }

    /// Brings grids to where the rows `x` are, in the background; drops the training state. `options` is JSON of
    /// `uniform`, `margin` and `inputs`; the report is that of `refine`.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn update_grid<'env>(
        &self,
        env: &'env Env,
        x: &[f64],
        rows: f64,
        options: String,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let Adaptation { uniform, margin, inputs } = options_of(&options)?;
            let (rows, x) = (index("rows", rows)?, copy("x", x)?);
            self.occupied(|shared| {
                shared.read(|state| with_slot!(state, slot => {
                    let (model, shared) = (slot.snapshot(), Arc::clone(shared));
                    spawn(env, "grid", Arc::clone(&shared.cancel), move || {
                        let report = shared.finish(|| {
                            let mut model = Model { state: None, ..Model::clone(&model) };
                            let x = wide(&model.network, &x, rows);
                            let refit = model.network.update_grid(&x, &GridUpdate { uniform, margin, inputs })?;
                            let report = moved(&model.network, refit)?;
                            Ok((Some(model), report))
                        })?;
                        let after: crate::threads::After = Box::new(move |env| shared.report(env));
                        Ok(Done { report: Some(report), after: Some(after), ..Done::default() })
                    })
                }))
            })
        })
    }

    /// JSON `{nodes, edges}` of scores on the rows `x`, in the background.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn scores<'env>(&self, env: &'env Env, x: &[f64], rows: f64) -> napi::Result<Object<'env>> {
        guard(|| {
            let (rows, x) = (index("rows", rows)?, copy("x", x)?);
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    spawn(env, "scores", Arc::default(), move || {
                        let scores = model.network.scores(&wide(&model.network, &x, rows))?;
                        Ok(Done { report: Some(text(&scores)?), ..Done::default() })
                    })
                })
            })
        })
    }

    /// A smaller model as `model` of the outcome, in the background; nothing is trained. `options` is JSON. This model
    /// stays as it is, and is busy.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn prune<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        options: String,
        threads: f64,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let options: PruneOptions = options_of(&options)?;
            let (threads, data) = (index("threads", threads)?, data.copy()?);
            self.occupied(|shared| {
                shared.read(|state| with_slot!(state, slot => {
                    let (model, shared) = (slot.snapshot(), Arc::clone(shared));
                    spawn(env, "prune", Arc::clone(&shared.cancel), move || {
                        shared.look(&model, |model| {
                            let cancelled = || shared.cancel.load(SeqCst);
                            let backend = backend(threads)?;
                            made(model, kanode_train::prune(&model.network, &data, &options, &backend, &cancelled)?)
                        })
                    })
                }))
            })
        })
    }

    /// The model without the edges, nodes and inputs that `removal`, JSON, names, as `model` of the outcome, in the
    /// background; their means over the rows `x` take their places. The report is JSON.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn remove<'env>(
        &self,
        env: &'env Env,
        x: &[f64],
        rows: f64,
        removal: String,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let removal: Removal = options_of(&removal)?;
            let (rows, x) = (index("rows", rows)?, copy("x", x)?);
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    spawn(env, "remove", Arc::default(), move || {
                        let network = model.network.prune(&wide(&model.network, &x, rows), &removal)?;
                        let edges = |network: &Network<_>| network.edge_count();
                        let report = json!({
                            "edgesBefore": edges(&model.network),
                            "edgesAfter": edges(&network),
                            "layers": network.specification().layers,
                            "inputs": network.input_ids(),
                        });
                        made(&model, (network, report))
                    })
                })
            })
        })
    }

    /// As `prune`, but trained between the steps and refined at the end. `on_event` receives JSON as that of `fit`.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn simplify<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        validation: Option<NativeData>,
        options: String,
        threads: f64,
        on_event: Function<'_, String, ()>,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let options: SimplifyOptions = options_of(&options)?;
            let (threads, data) = (index("threads", threads)?, data.copy()?);
            let validation = validation.as_ref().map(NativeData::copy).transpose()?;
            let events = Events::new(&on_event)?;
            self.occupied(|shared| {
                shared.read(|state| {
                    with_slot!(state, slot => {
                        let (model, shared) = (slot.snapshot(), Arc::clone(shared));
                        spawn(env, "simplify", Arc::clone(&shared.cancel), move || {
                            shared.look(&model, |model| {
                                let mut watch = Watch { events, cancel: Arc::clone(&shared.cancel) };
                                let (network, validation) = (&model.network, validation.as_ref());
                                let backend = backend(threads)?;
                                let simple = kanode_train::simplify(
                                    network, &data, validation, &options, &backend, &mut watch,
                                );
                                made(model, simple?)
                            })
                        })
                    })
                })
            })
        })
    }

    /// Standard deviations of the predictions for the rows `x`, as `values` of the outcome, in the background; `data` is
    /// what the model was trained on. The report is JSON of the noise of each output.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn uncertainty<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        x: &[f64],
        rows: f64,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let (rows, x, data) = (index("rows", rows)?, copy("x", x)?, data.copy()?);
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    let cancel = Arc::<AtomicBool>::default();
                    spawn(env, "uncertainty", Arc::clone(&cancel), move || {
                        let cancelled = || cancel.load(SeqCst);
                        let found = kanode_train::uncertainty(&model.network, &data, &x, rows, &cancelled)?;
                        let report = text(&json!({ "noise": found.noise }))?;
                        Ok(Done { report: Some(report), values: Some(found.deviation), ..Done::default() })
                    })
                })
            })
        })
    }

    /// Starts work that keeps the model busy. The work must end with [`Shared::finish`] or [`Shared::look`].
    pub(crate) fn occupied<R>(
        &self,
        start: impl FnOnce(&Arc<Shared>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.shared.acquire()?;
        let started = catch(|| start(&self.shared));
        if started.is_err() {
            self.shared.release();
        }
        started
    }
}

/// How grids follow data.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Adaptation {
    uniform: f64,
    margin: f64,
    inputs: bool,
}

/// What a change of grids did.
#[derive(Serialize)]
struct Moved {
    grid: usize,
    #[serde(flatten)]
    refit: Refit,
}

fn moved<T: Real>(network: &Network<T>, refit: Refit) -> Result<String, Failure> {
    text(&Moved { grid: network.specification().grid, refit })
}

fn options_of<O: DeserializeOwned>(json: &str) -> Result<O, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::option(error.to_string()))
}

/// Rows in the network's units.
pub(crate) fn wide<T: Real>(network: &Network<T>, x: &[f64], rows: usize) -> Vec<f64> {
    network.scale_inputs(x, rows).iter().map(|x| x.to_f64()).collect()
}

/// The outcome that has another network in a model file, which keeps the facade's text, and a report.
fn made<T: Held>(model: &Model<T>, (network, report): (Network<T>, impl Serialize)) -> Result<Done, Failure> {
    let made = Model { network, state: None, metadata: model.metadata.clone() };
    Ok(Done { report: Some(text(&report)?), model: Some(to_bytes(&made, false)?), ..Done::default() })
}

impl Shared {
    /// Runs work that only reads a model that [`Shared::acquire`] made busy.
    pub(crate) fn look<T: Held>(
        &self,
        model: &Model<T>,
        work: impl FnOnce(&Model<T>) -> Result<Done, Failure>,
    ) -> Result<Done, Failure> {
        self.finish(|| Ok((None::<Model<T>>, work(model)?)))
    }
}

/// Tells JavaScript of the steps of many small fits.
struct Watch {
    events: Events,
    cancel: Arc<AtomicBool>,
}

impl<T: Held> Observer<T> for Watch
where
    CpuBackend: Compile<T>,
{
    fn cancelled(&self) -> bool {
        self.cancel.load(SeqCst)
    }

    fn on_record(&mut self, record: &Record) {
        self.events.record(record);
    }
}
