//! Training in the background: what a fit is asked, how its records reach JavaScript, and how the trained model takes
//! the place of the old one.

mod events;
mod request;

use crate::describe::text;
use crate::failure::Failure;
use crate::model::{copy, index};
use crate::shared::{Held, Shared, with_slot};
use crate::threads::{Done, spawn};
pub(crate) use events::{Callback, Events, callback};
use kanode_cpu::CpuBackend;
use kanode_engine::Compile;
use kanode_format::{Model, encode, write_atomic};
use kanode_network::Network;
use kanode_train::{Dataset, FitFailure, Observer, Progress, Record, TrainError, TrainState};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Function, Object};
use napi_derive::napi;
use request::Request;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Rows with targets, as the facade holds them; copied before a call returns.
#[napi(object, object_to_js = false)]
pub struct NativeData {
    /// `[rows, features]`.
    pub x: Float64Array,
    /// `[rows, targets]`.
    pub y: Float64Array,
    /// `[rows]`.
    #[napi(ts_type = "Float64Array | null")]
    pub weights: Option<Float64Array>,
    /// Number of rows.
    pub rows: f64,
}

impl NativeData {
    /// A data set of its own.
    pub(crate) fn copy(&self) -> Result<Dataset, Failure> {
        let rows = index("rows", self.rows)?;
        let columns = |block: &Float64Array| block.len().checked_div(rows).unwrap_or(0);
        let weights = self.weights.as_ref().map(|weights| copy("weights", weights)).transpose()?;
        let (x, y) = (copy("x", &self.x)?, copy("y", &self.y)?);
        Ok(Dataset::new(rows, columns(&self.x), columns(&self.y), x, y, weights)?)
    }
}

/// Starts a fit on a thread of its own. The caller has acquired the model; the thread releases it.
pub(crate) fn start<'env>(
    env: &'env Env,
    shared: &Arc<Shared>,
    data: &NativeData,
    validation: Option<&NativeData>,
    options: &str,
    on_event: &Function<'_, String, ()>,
) -> Result<Object<'env>, Failure> {
    let request = Request::parse(options)?;
    let events = Events::new(on_event)?;
    let data = data.copy()?;
    let validation = validation.map(NativeData::copy).transpose()?;
    shared.read(|state| with_slot!(state, slot => {
        let job = Job { model: slot.snapshot(), data, validation, request, cancel: Arc::clone(&shared.cancel) };
        let shared = Arc::clone(shared);
        spawn(env, "fit", Arc::clone(&shared.cancel), move || {
            let done = shared.finish(|| train(job, events))?;
            Ok(Done { after: Some(Box::new(move |env| shared.report(env))), ..done })
        })
    }))
}

/// All that a fit needs.
struct Job<T> {
    model: Arc<Model<T>>,
    data: Dataset,
    validation: Option<Dataset>,
    request: Request,
    cancel: Arc<AtomicBool>,
}

/// Trains a copy of the model. Returns it, if the fit changed anything, with what there is to tell.
fn train<T: Held>(job: Job<T>, events: Events) -> Result<(Option<Model<T>>, Done), Failure>
where
    CpuBackend: Compile<T>,
{
    let Job { model, data, validation, request, cancel } = job;
    let backend = request.backend(&model.network, data.rows())?;
    let resume = request.resume(&model.state)?;
    let mut network = model.network.clone();
    if let Some(names) = request.names {
        network.set_names(names)?;
    }
    let metadata = request.metadata.unwrap_or_else(|| model.metadata.clone());
    let mut observer =
        Reporter { events, cancel, checkpoint: request.checkpoint, metadata: metadata.clone() };
    let fitted = kanode_train::fit(
        &mut network,
        data,
        validation.as_ref(),
        &request.options,
        resume,
        &*backend,
        &mut observer,
    );
    let (error, report) = match fitted {
        Ok(report) => (None, Some(Box::new(report))),
        Err(FitFailure { error, report }) => (Some(error), report),
    };
    let Some(report) = report else {
        return Ok((None, Done { error: error.map(Failure::from), ..Done::default() }));
    };
    let text = text(&*report)?;
    // The state of a fit that diverged would diverge again.
    let diverged = matches!(error, Some(TrainError::Diverged { .. }));
    let model =
        report.changed.then(|| Model { network, state: (!diverged).then_some(report.state), metadata });
    Ok((model, Done { error: error.map(Failure::from), report: Some(text), ..Done::default() }))
}

/// Watches a fit for JavaScript.
struct Reporter {
    events: Events,
    cancel: Arc<AtomicBool>,
    checkpoint: Option<PathBuf>,
    metadata: String,
}

impl<T: Held> Observer<T> for Reporter {
    fn cancelled(&self) -> bool {
        self.cancel.load(SeqCst)
    }

    fn on_record(&mut self, record: &Record) {
        self.events.record(record);
    }

    fn on_progress(&mut self, progress: &Progress) {
        self.events.progress(progress);
    }

    fn on_checkpoint(&mut self, network: &Network<T>, state: &TrainState<T>) -> Result<(), String> {
        let Some(path) = &self.checkpoint else { return Ok(()) };
        let bytes = encode(network, Some(state), &self.metadata).map_err(|error| error.to_string())?;
        write_atomic(path, &bytes).map_err(|error| error.to_string())
    }
}
