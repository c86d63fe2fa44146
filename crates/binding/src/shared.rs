//! What one model's native object shares with the threads that work on it: the model behind a lock, and the flags
//! busy, cancel and unusable. Reads take a snapshot, so that they never wait for a fit.

use crate::failure::Failure;
use crate::threads::lock;
use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::{Backend, Compile, Executor, Program};
use kanode_format::{AnyModel, Model, Number};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// The model of either number type.
pub(crate) enum State {
    F32(Slot<f32>),
    F64(Slot<f64>),
}

/// `f32` or `f64`, as the number type of a model held here.
pub(crate) trait Held: Number {
    /// A state that holds this model.
    fn state(model: Model<Self>) -> State;
}

impl Held for f32 {
    fn state(model: Model<Self>) -> State {
        State::F32(Slot::new(model))
    }
}

impl Held for f64 {
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

/// The CPU backend; 0 threads is the default number.
pub(crate) fn backend(threads: usize) -> Result<CpuBackend, Failure> {
    Ok(CpuBackend::new(CpuOptions { threads: (threads > 0).then_some(threads), isa: None })?)
}

/// Name and thread count of the default backend.
pub(crate) fn machine() -> Result<(String, usize), Failure> {
    let backend = backend(0)?;
    Ok((backend.name(), backend.threads()))
}

/// A model with its flags.
pub(crate) struct Shared {
    pub(crate) cancel: Arc<AtomicBool>,
    busy: AtomicBool,
    unusable: AtomicBool,
    state: Mutex<Option<State>>,
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
        }
    }

    /// Reads the model; works during a fit too, on the model as it was before.
    pub(crate) fn read<R>(&self, f: impl FnOnce(&mut State) -> Result<R, Failure>) -> Result<R, Failure> {
        if self.unusable.load(SeqCst) {
            return Err(Failure::unusable());
        }
        f(lock(&self.state).as_mut().ok_or_else(Failure::disposed)?)
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

    /// Puts another model in the place of this one, at the end of a fit.
    pub(crate) fn replace<T: Held>(&self, model: Model<T>) {
        *lock(&self.state) = Some(T::state(model));
    }

    /// After a panic inside a fit.
    pub(crate) fn mark_unusable(&self) {
        self.unusable.store(true, SeqCst);
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
