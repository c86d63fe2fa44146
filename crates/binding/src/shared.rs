//! What one model's native object shares with the threads that work on it: the model behind a lock, and the flags
//! busy, cancel and unusable. Reads take a snapshot, so that they never wait for a fit.

use crate::device::GpuBackend;
use crate::failure::Failure;
use crate::threads::lock;
use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::{Backend, Compile, Executor, Program};
use kanode_format::{AnyModel, Model, Number};
use kanode_trace::WithFunctions;
use napi::Env;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// The model of either number type.
pub(crate) enum State {
    F32(Slot<f32>),
    F64(Slot<f64>),
}

/// `f32` or `f64`, as the number type of a model held here.
pub(crate) trait Held: Number {
    /// Whether graphics processors have such numbers.
    const ON_GPU: bool;

    /// A backend for such numbers; it refuses where there are none.
    fn on_gpu(gpu: GpuBackend) -> Box<dyn Compile<Self>>;

    /// A state that holds this model.
    fn state(model: Model<Self>) -> State;
}

impl Held for f32 {
    const ON_GPU: bool = true;

    fn on_gpu(gpu: GpuBackend) -> Box<dyn Compile<Self>> {
        Box::new(gpu)
    }

    fn state(model: Model<Self>) -> State {
        State::F32(Slot::new(model))
    }
}

impl Held for f64 {
    const ON_GPU: bool = false;

    fn on_gpu(gpu: GpuBackend) -> Box<dyn Compile<Self>> {
        Box::new(gpu)
    }

    fn state(model: Model<Self>) -> State {
        State::F64(Slot::new(model))
    }
}

/// Runs the same expression on the slot of whichever number type it is.
macro_rules! with_slot {
    ($state:expr, $slot:ident => $body:expr) => {
        match $state {
            $crate::shared::State::F32($slot) => $body,
            $crate::shared::State::F64($slot) => $body,
        }
    };
}
pub(crate) use with_slot;

/// A model, and what predictions on the caller's thread keep between calls.
pub(crate) struct Slot<T: Held> {
    model: Arc<Model<T>>,
    executor: Option<Box<dyn Executor<T>>>,
}

impl<T: Held> Slot<T>
where
    CpuBackend: Compile<T>,
{
    pub(crate) fn new(model: Model<T>) -> Self {
        Self { model: Arc::new(model), executor: None }
    }

    /// The model as it is now; it does not change under the reader.
    pub(crate) fn snapshot(&self) -> Arc<Model<T>> {
        Arc::clone(&self.model)
    }

    pub(crate) fn model(&self) -> &Model<T> {
        &self.model
    }

    /// Native memory that hangs on the model, roughly.
    fn bytes(&self) -> i64 {
        let state = self.model.state.as_ref().map_or(0, |state| {
            let best = state.best_parameters.as_ref().map_or(0, Vec::len);
            let optimizer: usize = state.optimizer.vectors.values().map(Vec::len).sum();
            (state.parameters.len() + best + optimizer) * size_of::<T>()
        });
        let bytes = self.model.network.cost(1).total.bytes.saturating_add(state as u64);
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }

    /// For changes; copies the model first when somebody still reads it.
    pub(crate) fn model_mut(&mut self) -> &mut Model<T> {
        self.executor = None;
        Arc::make_mut(&mut self.model)
    }

    /// Predicts on the calling thread: `x: [rows, inputs]` to `out: [rows, outputs]`, both in the user's units.
    pub(crate) fn predict(&mut self, x: &[f64], rows: usize, out: &mut [f64]) -> Result<(), Failure> {
        let network = &self.model.network;
        let executor = match &mut self.executor {
            Some(executor) => executor,
            None => self.executor.insert(backend(1)?.compile(network.program())?),
        };
        let values = kanode_train::predict_with(network, &mut **executor, x, rows)?;
        Program::check_length("outputs", values.len(), out.len())?;
        out.copy_from_slice(&values);
        Ok(())
    }
}

/// The CPU backend, and traces where edges are formulas; 0 threads is the default number.
pub(crate) fn backend(threads: usize) -> Result<WithFunctions<CpuBackend>, Failure> {
    let options = CpuOptions { threads: (threads > 0).then_some(threads), isa: None };
    Ok(WithFunctions(CpuBackend::new(options)?))
}

/// Name and thread count of the default backend.
pub(crate) fn machine() -> Result<(String, usize), Failure> {
    let backend = backend(0)?;
    Ok((backend.name(), backend.0.threads()))
}

/// A model with its flags.
pub(crate) struct Shared {
    pub(crate) cancel: Arc<AtomicBool>,
    busy: AtomicBool,
    unusable: AtomicBool,
    state: Mutex<Option<State>>,
    /// Bytes that V8 was told of; none once nobody in JavaScript holds the model.
    reported: Mutex<Option<i64>>,
}

impl Shared {
    pub(crate) fn new(model: AnyModel) -> Self {
        let state = match model {
            AnyModel::F32(model) => Held::state(model),
            AnyModel::F64(model) => Held::state(model),
        };
        Self {
            cancel: Arc::default(),
            busy: AtomicBool::new(false),
            unusable: AtomicBool::new(false),
            state: Mutex::new(Some(state)),
            reported: Mutex::new(Some(0)),
        }
    }

    /// Reads the model; works during a fit too, on the model as it was before. A panic makes the model unusable.
    pub(crate) fn read<R>(&self, f: impl FnOnce(&mut State) -> Result<R, Failure>) -> Result<R, Failure> {
        if self.unusable.load(SeqCst) {
            return Err(Failure::unusable());
        }
        let mut state = lock(&self.state);
        let state = state.as_mut().ok_or_else(Failure::disposed)?;
        catch_unwind(AssertUnwindSafe(|| f(state))).unwrap_or_else(|panic| self.broken(&*panic))
    }

    /// Changes the model; refused during a fit.
    pub(crate) fn write<R>(&self, f: impl FnOnce(&mut State) -> Result<R, Failure>) -> Result<R, Failure> {
        if self.busy.load(SeqCst) {
            return Err(Failure::busy());
        }
        self.read(f)
    }

    /// Marks the model as busy until [`Shared::release`].
    pub(crate) fn acquire(&self) -> Result<(), Failure> {
        self.read(|_| Ok(()))?;
        if self.busy.swap(true, SeqCst) {
            return Err(Failure::busy());
        }
        self.cancel.store(false, SeqCst);
        Ok(())
    }

    pub(crate) fn release(&self) {
        self.busy.store(false, SeqCst);
    }

    /// Runs the work of a fit and puts the model it returns, if any, in the place of this one. After a panic the
    /// model is unusable. In any case it is no longer busy.
    pub(crate) fn finish<T: Held, R>(
        &self,
        work: impl FnOnce() -> Result<(Option<Model<T>>, R), Failure>,
    ) -> Result<R, Failure> {
        let result = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok((model, result))) => {
                if let Some(model) = model {
                    *lock(&self.state) = Some(T::state(model));
                }
                Ok(result)
            }
            Ok(Err(failure)) => Err(failure),
            Err(panic) => self.broken(&*panic),
        };
        self.release();
        result
    }

    /// After a panic nobody can say what state the model is in.
    fn broken<R>(&self, panic: &(dyn Any + Send)) -> Result<R, Failure> {
        self.unusable.store(true, SeqCst);
        Err(Failure::internal(panic))
    }

    /// Tells V8 how much native memory hangs on the model, so that it knows what a collection would free.
    pub(crate) fn report(&self, env: &Env) {
        let held = lock(&self.state).as_ref().map_or(0, |state| with_slot!(state, slot => slot.bytes()));
        if let Some(reported) = &mut *lock(&self.reported) {
            // Only a hint: a failure changes nothing but when V8 collects.
            let _ = env.adjust_external_memory(held - *reported);
            *reported = held;
        }
    }

    /// As [`Shared::report`], when JavaScript lets go of the model for good.
    pub(crate) fn withdraw(&self, env: &Env) {
        if let Some(reported) = lock(&self.reported).take() {
            let _ = env.adjust_external_memory(-reported);
        }
    }

    /// Frees the model at once; fine to repeat, refused during a fit.
    pub(crate) fn dispose(&self) -> Result<(), Failure> {
        if self.busy.load(SeqCst) {
            return Err(Failure::busy());
        }
        *lock(&self.state) = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_network::{Network, Specification};

    fn model() -> Model<f64> {
        let network = Network::new(Specification::of(&[2, 1])).unwrap();
        Model { network, state: None, metadata: String::new() }
    }

    fn code<R>(result: Result<R, Failure>) -> Option<&'static str> {
        result.err().map(|failure| failure.code)
    }

    #[test]
    fn a_busy_model_can_be_read_but_not_changed() {
        let shared = Shared::new(AnyModel::F64(model()));
        shared.acquire().unwrap();
        assert_eq!(code(shared.acquire()), Some("ERR_KAN_BUSY"));
        assert_eq!(code(shared.write(|_| Ok(()))), Some("ERR_KAN_BUSY"));
        assert_eq!(code(shared.dispose()), Some("ERR_KAN_BUSY"));
        assert_eq!(code(shared.read(|_| Ok(()))), None);
        shared.release();
        assert_eq!(code(shared.write(|_| Ok(()))), None);
    }

    #[test]
    fn after_a_panic_in_a_fit_the_model_is_unusable_but_can_be_disposed_of() {
        let shared = Shared::new(AnyModel::F64(model()));
        shared.acquire().unwrap();
        let work = || -> Result<(Option<Model<f64>>, ()), Failure> { panic!("in a kernel") };
        assert_eq!(code(shared.finish(work)), Some("ERR_KAN_INTERNAL"));
        assert_eq!(code(shared.read(|_| Ok(()))), Some("ERR_KAN_UNUSABLE"));
        assert_eq!(code(shared.acquire()), Some("ERR_KAN_UNUSABLE"));
        assert_eq!(code(shared.dispose()), None);
    }

    #[test]
    fn after_a_panic_in_a_call_the_model_is_unusable() {
        let shared = Shared::new(AnyModel::F64(model()));
        assert_eq!(code(shared.read::<()>(|_| panic!("in a getter"))), Some("ERR_KAN_INTERNAL"));
        assert_eq!(code(shared.read(|_| Ok(()))), Some("ERR_KAN_UNUSABLE"));
    }

    #[test]
    fn a_model_that_was_disposed_of_says_so() {
        let shared = Shared::new(AnyModel::F64(model()));
        shared.dispose().unwrap();
        shared.dispose().unwrap();
        assert_eq!(code(shared.read(|_| Ok(()))), Some("ERR_KAN_DISPOSED"));
    }

    #[test]
    fn readers_keep_the_model_they_began_with() {
        let mut slot = Slot::new(model());
        let before = slot.snapshot();
        slot.model_mut().network.parameters_mut()[0] = 42.0;
        assert_ne!(before.network.parameters()[0], 42.0);
        assert_eq!(slot.model().network.parameters()[0], 42.0);
    }
}
