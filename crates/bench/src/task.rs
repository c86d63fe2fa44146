//! A network of default options with random data, and what is timed on it.

use crate::arguments::BenchError;
use kanode_cpu::CpuBackend;
use kanode_engine::{
    AdamRule, AdamSlabs, Batch, Compile, Descent, EngineError, Executor, Loss, Real, Survey,
};
use kanode_network::{Network, Specification};
use kanode_optim::{Optimizer, OptimizerState};
use std::str::FromStr;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Outputs of a batch.
    Predict,
    /// Loss and its derivatives by all parameters.
    Gradient,
    /// A gradient and a step of Adam.
    Adam,
    /// Derivatives by all parameters and by the inputs too.
    Backward,
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "predict" => Ok(Self::Predict),
            "gradient" => Ok(Self::Gradient),
            "adam" => Ok(Self::Adam),
            "backward" => Ok(Self::Backward),
            _ => Err(()),
        }
    }
}

/// A network with a batch of data, ready to run.
pub struct Task<T: Real> {
    executor: Box<dyn Executor<T>>,
    optimizer: OptimizerState<T>,
    parameters: Vec<T>,
    gradient: Vec<T>,
    /// `[rows, inputs]`.
    x: Vec<T>,
    /// `[rows, outputs]`.
    targets: Vec<T>,
    outputs: Vec<T>,
    dx: Vec<T>,
    rows: usize,
}

impl<T: Real> Task<T> {
    /// Inputs are spread over the whole domain `[-1, 1]`, most of them near its middle, as in the trials of the
    /// kernels' design.
    ///
    /// # Errors
    /// [`BenchError::Library`] for a network that can't be.
    pub fn new(specification: Specification, rows: usize, backend: &CpuBackend) -> Result<Self, BenchError>
    where
        CpuBackend: Compile<T>,
    {
        let refused = |error: &dyn std::fmt::Display| BenchError::Library(error.to_string());
        let network = Network::<T>::new(specification).map_err(|e| refused(&e))?;
        let mut numbers = Numbers(88_172_645_463_325_252);
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let mut draw = |count: usize, shift: f64| -> Vec<T> {
            (0..count).map(|_| T::from_f64(numbers.next() + numbers.next() - shift)).collect()
        };
        Ok(Self {
            executor: backend.compile(network.program()).map_err(|e| refused(&e))?,
            optimizer: OptimizerState::new(&Optimizer::adam(), network.parameter_count()),
            parameters: network.parameters().to_vec(),
            gradient: vec![T::ZERO; network.parameter_count()],
            x: draw(rows * inputs, 1.0),
            targets: draw(rows * outputs, 1.0),
            outputs: vec![T::ZERO; rows * outputs],
            dx: vec![T::ZERO; rows * inputs],
            rows,
        })
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// Does once what is timed.
    ///
    /// # Panics
    /// If the library refuses, which it has no reason for.
    pub fn run(&mut self, mode: Mode) {
        let Self { executor, optimizer, parameters, gradient, x, targets, outputs, dx, rows } = self;
        let batch = Batch { x, targets, weights: None, rows: *rows };
        let done = match mode {
            Mode::Predict => executor.predict(parameters, x, outputs),
            Mode::Gradient => executor.loss_and_gradient(Loss::Mse, parameters, &batch, gradient).map(|_| ()),
            Mode::Backward => executor.backward(parameters, x, targets, gradient, dx),
            Mode::Adam => {
                let mut objective = Objective { executor: &mut **executor, batch };
                optimizer.step(parameters, 1e-4, &mut objective).map(|_| ())
            }
        };
        done.expect("shapes fit");
    }
}

/// The loss of a batch, as training has it.
struct Objective<'a, T: Real> {
    executor: &'a mut dyn Executor<T>,
    batch: Batch<'a, T>,
}

impl<T: Real> kanode_optim::Objective<T> for Objective<'_, T> {
    type Stop = EngineError;

    fn evaluate(&mut self, x: &[T], gradient: &mut [T]) -> Result<f64, EngineError> {
        self.executor.loss_and_gradient(Loss::Mse, x, &self.batch, gradient)
    }

    fn descend(&mut self, descent: Descent<'_, T>) -> Result<(f64, Option<f64>), EngineError> {
        self.executor.descend(Loss::Mse, &self.batch, descent)
    }

    fn survey(&mut self, x: &[T], gradient: &[T]) -> Survey {
        self.executor.survey(x, gradient)
    }

    fn adam(&mut self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>) {
        self.executor.adam(rule, slabs);
    }
}

/// Numbers in [0, 1) by Marsaglia's xorshift64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }
}
