//! One run of an optimiser: its memory, the dispatch to the method, and the plain data that it can be saved as.

use crate::adam::{Adam, AdamMemory};
use crate::error::StateError;
use crate::lbfgs::Lbfgs;
use crate::objective::{Failure, Objective, Step};
use crate::optimizer::Optimizer;
use crate::sgd::Sgd;
use crate::vector;
use kanode_engine::{AdamRule, Real};
use std::collections::BTreeMap;

/// Vectors of Levenberg–Marquardt; its matrices are as large as the choice of it allows.
const LM_SLABS: usize = 12;

/// What each optimiser implements, in a file of its own.
pub(crate) trait Method<T: Real> {
    /// One step from `x`. The caller has checked the length of `x` and the learning rate.
    fn step<O: Objective<T> + ?Sized>(
        &mut self,
        x: &mut [T],
        learning_rate: f64,
        objective: &mut O,
    ) -> Result<Step, O::Stop>;

    /// Forgets what was measured on the objective and is only true of it.
    fn invalidate(&mut self) {}

    /// Writes everything that the next step depends on.
    fn export(&self, state: &mut State<T>);

    /// Takes out of `state` what `export` wrote, and leaves the rest.
    fn import(&mut self, state: &mut State<T>) -> Result<(), StateError>;
}

#[derive(Clone, Debug)]
enum Kind<T> {
    Adam(Adam<T>),
    Sgd(Sgd<T>),
    Lbfgs(Lbfgs<T>),
}

macro_rules! dispatch {
    ($kind:expr, $method:ident => $call:expr) => {
        match $kind {
            Kind::Adam($method) => $call,
            Kind::Sgd($method) => $call,
            Kind::Lbfgs($method) => $call,
        }
    };
}

impl<T: Real> Kind<T> {
    fn new(optimizer: &Optimizer, n: usize) -> Self {
        match *optimizer {
            Optimizer::Adam { beta1, beta2, epsilon } => Self::Adam(Adam::new(n, beta1, beta2, epsilon, 0.0)),
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => {
                Self::Adam(Adam::new(n, beta1, beta2, epsilon, weight_decay))
            }
            Optimizer::Sgd { momentum, nesterov } => Self::Sgd(Sgd::new(n, momentum, nesterov)),
            // No gradient method: whoever asks for one all the same gets the method for all rows.
            Optimizer::Lm { .. } => Self::new(&Optimizer::lbfgs(), n),
            Optimizer::Lbfgs { history, max_evaluations, tolerance, change_tolerance } => {
                Self::Lbfgs(Lbfgs::new(n, history, max_evaluations, tolerance, change_tolerance))
            }
        }
    }
}

/// One run of an optimiser over `n` parameters.
#[derive(Clone, Debug)]
pub struct OptimizerState<T> {
    name: &'static str,
    n: usize,
    kind: Kind<T>,
}

impl<T: Real> OptimizerState<T> {
    /// A run of a gradient method from its beginning; Levenberg–Marquardt has [`crate::LmState`]. [`Optimizer::validate`] the parameters first: this does not, and parameters out of
    /// range give useless steps.
    pub fn new(optimizer: &Optimizer, n: usize) -> Self {
        Self { name: optimizer.name(), n, kind: Kind::new(optimizer, n) }
    }

    /// Numbers of type `T` that a run holds for each parameter, at most: for those who ask for memory beforehand.
    /// A `f64` counts as two where `T` is `f32`.
    pub fn slabs(optimizer: &Optimizer) -> usize {
        match *optimizer {
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => Adam::<T>::SLABS,
            Optimizer::Sgd { momentum, .. } => Sgd::<T>::slabs(momentum),
            Optimizer::Lbfgs { history, .. } => Lbfgs::<T>::slabs(history),
            Optimizer::Lm { .. } => LM_SLABS,
        }
    }

    /// The optimiser's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One step from `x: [n]`, which is moved to the new point, or left alone where the step is rejected.
    /// `learning_rate` is what [`crate::Schedule::rate`] gives for this step; L-BFGS uses it for first steps only.
    ///
    /// # Errors
    /// The objective's `Stop`, at once; `x` is then where the step began.
    pub fn step<O: Objective<T> + ?Sized>(
        &mut self,
        x: &mut [T],
        learning_rate: f64,
        objective: &mut O,
    ) -> Result<Step, O::Stop> {
        if x.len() != self.n {
            let reason = Failure::Length { expected: self.n, found: x.len() };
            return Ok(Step::failed(f64::NAN, f64::NAN, 0, reason));
        }
        if !learning_rate.is_finite() || learning_rate < 0.0 {
            let reason = Failure::LearningRate { found: learning_rate };
            return Ok(Step::failed(f64::NAN, f64::NAN, 0, reason));
        }
        dispatch!(&mut self.kind, method => method.step(x, learning_rate, objective))
    }

    /// Says that the objective has changed, as it does from one mini-batch to the next, or that it is another
    /// function from now on. L-BFGS then evaluates loss and gradient anew at the start of the next step. Its pairs
    /// are kept: each was measured within one objective, and no pair will span the change.
    /// Other optimisers have nothing to forget.
    pub fn invalidate(&mut self) {
        dispatch!(&mut self.kind, method => Method::<T>::invalidate(method));
    }

    /// The scalars of step number `step`, from 1, of Adam or AdamW; None for others.
    pub fn adam_rule(&self, learning_rate: f64, step: u64) -> Option<AdamRule<T>> {
        let Kind::Adam(adam) = &self.kind else { return None };
        Some(adam.rule(learning_rate, step))
    }

    /// Steps that Adam or AdamW has done; None for others.
    pub fn adam_steps(&self) -> Option<u64> {
        let Kind::Adam(adam) = &self.kind else { return None };
        Some(adam.steps())
    }

    /// What Adam or AdamW remembers; None for others.
    pub fn adam_memory(&mut self) -> Option<AdamMemory<'_, T>> {
        let Kind::Adam(adam) = &mut self.kind else { return None };
        Some(adam.memory())
    }

    /// Everything that the next steps depend on, but for `x`, the objective and the parameters of the optimiser.
    pub fn export(&self) -> State<T> {
        let mut state = State::named(self.name);
        dispatch!(&self.kind, method => method.export(&mut state));
        state
    }

    /// The run that `state` was exported from: with the same `x` and objective the next steps have the same bits.
    /// L-BFGS takes `x` to be the point where the state was exported; call [`Self::invalidate`] if it is not.
    ///
    /// # Errors
    /// A state of another optimiser or of another number of parameters, with missing or unknown values, or values
    /// that are not finite or can never have been exported. (A state of SGD fits any momentum: without velocity it
    /// starts with one of 0.)
    pub fn import(optimizer: &Optimizer, n: usize, mut state: State<T>) -> Result<Self, StateError> {
        let mut result = Self::new(optimizer, n);
        if state.optimizer != result.name {
            return Err(StateError::Optimizer { expected: result.name.to_owned(), found: state.optimizer });
        }
        dispatch!(&mut result.kind, method => method.import(&mut state))?;
        let rest = state.counters.keys().chain(state.scalars.keys()).chain(state.vectors.keys()).next();
        match rest {
            Some(name) => Err(StateError::Unknown { name: name.clone() }),
            None => Ok(result),
        }
    }
}

/// A run of an optimiser as plain data. All values are finite.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T> {
    /// Name of the optimiser.
    pub optimizer: String,
    /// Whole numbers, by name.
    pub counters: BTreeMap<String, u64>,
    /// Numbers, by name.
    pub scalars: BTreeMap<String, f64>,
    /// Vectors of one value for each parameter, by name.
    pub vectors: BTreeMap<String, Vec<T>>,
}

impl<T: Real> State<T> {
    /// An empty state of the optimiser with this name.
    pub(crate) fn named(optimizer: &str) -> Self {
        Self {
            optimizer: optimizer.to_owned(),
            counters: BTreeMap::new(),
            scalars: BTreeMap::new(),
            vectors: BTreeMap::new(),
        }
    }

    pub(crate) fn put_counter(&mut self, name: &str, value: u64) {
        self.counters.insert(name.to_owned(), value);
    }

    pub(crate) fn put_scalar(&mut self, name: &str, value: f64) {
        self.scalars.insert(name.to_owned(), value);
    }

    pub(crate) fn put_vector(&mut self, name: &str, value: &[T]) {
        self.vectors.insert(name.to_owned(), value.to_vec());
    }

    pub(crate) fn take_counter(&mut self, name: &str) -> Result<u64, StateError> {
        self.counters.remove(name).ok_or_else(|| StateError::Missing { name: name.to_owned() })
    }

    /// A counter that is 0 or 1.
    pub(crate) fn take_flag(&mut self, name: &str) -> Result<bool, StateError> {
        match self.take_counter(name)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StateError::Range { name: name.to_owned(), expected: "0 or 1" }),
        }
    }

    pub(crate) fn take_scalar(&mut self, name: &str) -> Result<f64, StateError> {
        let value = self.scalars.remove(name).ok_or_else(|| StateError::Missing { name: name.to_owned() })?;
        if !value.is_finite() {
            return Err(StateError::NotFinite { name: name.to_owned(), index: 0 });
        }
        Ok(value)
    }

    /// A vector of `n` finite values.
    pub(crate) fn take_vector(&mut self, name: &str, n: usize) -> Result<Vec<T>, StateError> {
        let name = name.to_owned();
        let Some(value) = self.vectors.remove(&name) else {
            return Err(StateError::Missing { name });
        };
        if value.len() != n {
            return Err(StateError::Length { name, expected: n, found: value.len() });
        }
        match vector::first_not_finite(&value) {
            Some(index) => Err(StateError::NotFinite { name, index }),
            None => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests;
