//! The native model: one object for each `Kan`. Methods take `&self`; the model is behind a lock.

use crate::describe::{describe, text};
use crate::device::{Device, Work, compiler};
use crate::failure::{Failure, catch, guard};
use crate::fit::{self, NativeData};
use crate::shared::{Held, Shared, State, machine, with_slot};
use crate::threads::{Done, spawn};
use kanode_engine::{Program, Real};
use kanode_format::{AnyModel, Model, decode, encode, write_atomic};
use kanode_network::{Network, Specification};
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Float64ArraySlice, Function, Object, ObjectFinalize};
use napi_derive::napi;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A network of either number type.
#[napi(custom_finalize)]
pub struct NativeModel {
    pub(crate) shared: Arc<Shared>,
}

impl ObjectFinalize for NativeModel {
    fn finalize(self, env: Env) -> napi::Result<()> {
        guard(|| {
            self.shared.withdraw(&env);
            Ok(())
        })
    }
}

#[napi]
impl NativeModel {
    /// A new network; `specification` is JSON of a specification, with `dtype`.
    #[napi(constructor)]
    pub fn new(env: &Env, specification: String) -> napi::Result<Self> {
        guard(|| {
            let mut options: Map<String, Value> =
                serde_json::from_str(&specification).map_err(|e| Failure::option(e.to_string()))?;
            let dtype = options.remove("dtype").unwrap_or_else(|| json!("f64"));
            let specification: Specification =
                serde_json::from_value(Value::Object(options)).map_err(|e| Failure::option(e.to_string()))?;
            let model = match dtype.as_str() {
                Some("f64") => AnyModel::F64(fresh(specification)?),
                Some("f32") => AnyModel::F32(fresh(specification)?),
                _ => {
                    return Err(Failure::option(format!(
                        "dtype: expected \"f64\" or \"f32\", found {dtype}"
                    )));
                }
            };
            Self::wrap(env, model)
        })
    }

    /// The model in the bytes of a model file.
    #[napi(factory)]
    pub fn decode(env: &Env, bytes: &[u8]) -> napi::Result<Self> {
        guard(|| Self::wrap(env, decode(bytes)?))
    }

    fn wrap(env: &Env, model: AnyModel) -> Result<Self, Failure> {
        let this = Self { shared: Arc::new(Shared::new(model)) };
        this.shared.report(env);
        Ok(this)
    }

    /// JSON of options, shapes, names, scaler and state.
    #[napi]
    pub fn describe(&self) -> napi::Result<String> {
        guard(|| {
            self.shared.read(|state| match state {
                State::F32(slot) => describe(slot.model(), "f32"),
                State::F64(slot) => describe(slot.model(), "f64"),
            })
        })
    }

    /// The facade's own text that travels with the model.
    #[napi]
    pub fn metadata(&self) -> napi::Result<String> {
        guard(|| self.shared.read(|state| Ok(with_slot!(state, slot => slot.model().metadata.clone()))))
    }

    /// Sets that text; refused during a fit.
    #[napi]
    pub fn set_metadata(&self, metadata: String) -> napi::Result<()> {
        guard(|| {
            self.shared.write(|state| {
                with_slot!(state, slot => slot.model_mut().metadata = metadata);
                Ok(())
            })
        })
    }

    /// Writes the slab of parameters to `out`.
    #[napi]
    #[allow(
        unsafe_code,
        reason = "napi hands out an array that JavaScript allocated only through an unsafe call"
    )]
    pub fn parameters(&self, mut out: Float64ArraySlice<'_>) -> napi::Result<()> {
        guard(|| {
            // SAFETY: JavaScript is stopped in this call, and the facade allocated `out` for it alone.
            let out = unsafe { out.as_mut() };
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let parameters = slot.model().network.parameters();
                    Program::check_length("parameters", parameters.len(), out.len())?;
                    out.iter_mut().zip(parameters).for_each(|(out, p)| *out = p.to_f64());
                });
                Ok(())
            })
        })
    }

    /// Sets the slab of parameters; drops the training state, which belongs to other ones.
    #[napi]
    pub fn set_parameters(&self, values: &[f64]) -> napi::Result<()> {
        guard(|| {
            self.shared.write(|state| with_slot!(state, slot => set_parameters(slot.model_mut(), values)))
        })
    }

    /// JSON of one edge's knots, control points and weights.
    #[napi]
    pub fn edge(&self, layer: f64, from: f64, to: f64) -> napi::Result<String> {
        guard(|| {
            let (layer, from, to) = (index("layer", layer)?, index("from", from)?, index("to", to)?);
            self.shared
                .read(|state| with_slot!(state, slot => text(&slot.model().network.edge(layer, from, to)?)))
        })
    }

    /// Values of one edge's function at `x`, both in the layer's own units.
    #[napi]
    #[allow(
        unsafe_code,
        reason = "napi hands out an array that JavaScript allocated only through an unsafe call"
    )]
    pub fn edge_curve(
        &self,
        layer: f64,
        from: f64,
        to: f64,
        x: &[f64],
        mut out: Float64ArraySlice<'_>,
    ) -> napi::Result<()> {
        guard(|| {
            let (layer, from, to) = (index("layer", layer)?, index("from", from)?, index("to", to)?);
            // SAFETY: JavaScript is stopped in this call, and the facade allocated `out` for it alone.
            let out = unsafe { out.as_mut() };
            Program::check_length("out", x.len(), out.len())?;
            self.shared.read(|state| {
                let curve = with_slot!(state, slot => slot.model().network.edge_curve(layer, from, to, x))?;
                out.copy_from_slice(&curve);
                Ok(())
            })
        })
    }

    /// JSON of parameters and memory by the formulas of the slides, and of what kanode allocates.
    #[napi]
    pub fn cost(&self, batch: f64) -> napi::Result<String> {
        guard(|| {
            let batch = index("batch", batch)?;
            self.shared.read(|state| with_slot!(state, slot => text(&slot.model().network.cost(batch))))
        })
    }

    /// Predicts on the calling thread, from and to the user's units.
    #[napi]
    #[allow(
        unsafe_code,
        reason = "napi hands out an array that JavaScript allocated only through an unsafe call"
    )]
    pub fn predict_sync(&self, x: &[f64], rows: f64, mut out: Float64ArraySlice<'_>) -> napi::Result<()> {
        guard(|| {
            // SAFETY: JavaScript is stopped in this call, and the facade allocated `out` for it alone.
            let out = unsafe { out.as_mut() };
            let rows = index("rows", rows)?;
            self.shared.read(|state| with_slot!(state, slot => slot.predict(x, rows, out)))
        })
    }

    /// Predicts in the background; the outcome has `values`.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn predict<'env>(
        &self,
        env: &'env Env,
        x: &[f64],
        rows: f64,
        threads: f64,
        device: String,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let (rows, threads) = (index("rows", rows)?, index("threads", threads)?);
            let device = Device::parse(&device)?;
            let x = copy("x", x)?;
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    let cancel = Arc::<AtomicBool>::default();
                    spawn(env, "predict", Arc::clone(&cancel), move || {
                        let cancelled = || cancel.load(SeqCst);
                        let work = Work::of(model.network.program(), rows);
                        let backend = compiler(device, threads, work)?;
                        let values = kanode_train::predict(&model.network, &x, rows, &*backend, &cancelled)?;
                        Ok(Done { values: Some(values), ..Done::default() })
                    })
                })
            })
        })
    }

    /// Metrics on rows with targets, in the background; the report is JSON.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn evaluate<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        threads: f64,
        device: String,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let (threads, device) = (index("threads", threads)?, Device::parse(&device)?);
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    let data = data.copy()?;
                    let cancel = Arc::<AtomicBool>::default();
                    spawn(env, "evaluate", Arc::clone(&cancel), move || {
                        let cancelled = || cancel.load(SeqCst);
                        let work = Work::of(model.network.program(), data.rows());
                        let backend = compiler(device, threads, work)?;
                        let metrics = kanode_train::evaluate(&model.network, &data, &*backend, &cancelled)?;
                        Ok(Done { report: Some(text(&metrics)?), ..Done::default() })
                    })
                })
            })
        })
    }

    /// Trains in the background. `on_event` receives JSON arrays of records; the report has the whole history.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn fit<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        validation: Option<NativeData>,
        options: String,
        on_event: Function<'_, String, ()>,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            self.shared.acquire()?;
            let started =
                catch(|| fit::start(env, &self.shared, &data, validation.as_ref(), &options, &on_event));
            if started.is_err() {
                self.shared.release();
            }
            started
        })
    }

    /// Asks a running fit to stop after the current evaluation.
    #[napi]
    pub fn cancel(&self) -> napi::Result<()> {
        guard(|| {
            self.shared.cancel.store(true, SeqCst);
            Ok(())
        })
    }

    /// The bytes of a model file, with or without what a fit needs to go on.
    #[napi(ts_return_type = "Uint8Array")]
    pub fn encode<'env>(&self, env: &'env Env, with_state: bool) -> napi::Result<BufferSlice<'env>> {
        guard(|| {
            let bytes =
                self.shared.read(|state| with_slot!(state, slot => to_bytes(slot.model(), with_state)))?;
            Ok(BufferSlice::copy_from(env, &bytes)?)
        })
    }

    /// Writes a model file in the background, replacing an old one only when the new one is whole.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn save<'env>(&self, env: &'env Env, path: String, with_state: bool) -> napi::Result<Object<'env>> {
        guard(|| {
            self.shared.read(|state| {
                with_slot!(state, slot => {
                    let model = slot.snapshot();
                    spawn(env, "save", Arc::default(), move || {
                        write_atomic(&PathBuf::from(path), &to_bytes(&model, with_state)?)?;
                        Ok(Done::default())
                    })
                })
            })
        })
    }

    /// Frees the model at once.
    #[napi]
    pub fn dispose(&self, env: &Env) -> napi::Result<()> {
        guard(|| {
            self.shared.dispose()?;
            self.shared.withdraw(env);
            Ok(())
        })
    }
}

/// The version of this library, which the loader compares with that of the package.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// JSON of version, backend and threads.
#[napi]
pub fn runtime() -> napi::Result<String> {
    guard(|| {
        let (backend, threads) = machine()?;
        text(&json!({ "version": env!("CARGO_PKG_VERSION"), "backend": backend, "threads": threads }))
    })
}

fn fresh<T: Real>(specification: Specification) -> Result<Model<T>, Failure> {
    Ok(Model { network: Network::new(specification)?, state: None, metadata: String::new() })
}

pub(crate) fn to_bytes<T: Held>(model: &Model<T>, with_state: bool) -> Result<Vec<u8>, Failure> {
    Ok(encode(&model.network, model.state.as_ref().filter(|_| with_state), &model.metadata)?)
}

fn set_parameters<T: Real>(model: &mut Model<T>, values: &[f64]) -> Result<(), Failure> {
    Program::check_length("parameters", model.network.parameter_count(), values.len())?;
    if let Some(position) = values.iter().position(|v| !T::from_f64(*v).is_finite()) {
        return Err(Failure::new(
            "ERR_KAN_NUMBER",
            format!("parameters[{position}] is {}", values[position]),
        )
        .with(json!({ "index": position, "found": values[position].to_string() })));
    }
    let slab: Vec<T> = values.iter().map(|value| T::from_f64(*value)).collect();
    let mut cleared = slab.clone();
    model.network.clear_absent(&mut cleared);
    if let Some(position) = slab.iter().zip(&cleared).position(|(given, cleared)| given != cleared) {
        let message = format!(
            "parameters[{position}] belongs to a pruned edge: expected 0, found {}",
            values[position]
        );
        return Err(Failure::new("ERR_KAN_NUMBER", message)
            .with(json!({ "index": position, "found": values[position].to_string() })));
    }
    model.network.parameters_mut().copy_from_slice(&slab);
    model.state = None;
    Ok(())
}

/// A number from JavaScript as a count or an index.
pub(crate) fn index(what: &str, value: f64) -> Result<usize, Failure> {
    if value >= 0.0 && value.fract() == 0.0 && value <= 9_007_199_254_740_991.0 {
        return Ok(value as usize);
    }
    Err(Failure::option(format!("{what}: expected a whole number from 0, found {value}"))
        .with(json!({ "what": what, "found": value.to_string() })))
}

/// A copy of what JavaScript holds, or an error where there is no memory for it.
pub(crate) fn copy(what: &str, values: &[f64]) -> Result<Vec<f64>, Failure> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(values.len()).map_err(|_| Failure::memory(what, values.len()))?;
    copy.extend_from_slice(values);
    Ok(copy)
}
