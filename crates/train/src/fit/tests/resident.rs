//! Training on a device gives what training here gives: a device of plain loops, whose numbers have the same bits.

use super::*;
use crate::regularization::Regularization;
use kanode_engine::reference::penalty;
use kanode_engine::{
    AdamRule, AdamSlabs, Batch, EngineError, Executor, Hold, Keep, LayerStatistics, Loss, Penalty, Program,
    Resident, ResidentStart, ResidentStep,
};
use kanode_network::{Penalties, Smoothness};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The reference backend, as a device; it is lost after so many steps, and counts them and what is read from it.
struct Device {
    lost_after: usize,
    steps: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

impl Device {
    fn new() -> Self {
        Self { lost_after: usize::MAX, steps: Arc::default(), reads: Arc::default() }
    }
}

struct DeviceExecutor {
    inner: Box<dyn Executor<f64>>,
    program: Arc<Program>,
    lost_after: usize,
    steps: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

struct DeviceTrainer {
    program: Arc<Program>,
    penalty: Option<Penalty>,
    inner: Box<dyn Executor<f64>>,
    slabs: [Vec<f64>; 3],
    kept: Vec<f64>,
    held: Vec<f64>,
    still: Vec<usize>,
    lowest: f64,
    outcomes: Vec<ResidentStep>,
    frozen: bool,
    lost_after: usize,
    steps: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

impl Compile<f64> for Device {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<f64>>, EngineError> {
        let inner = Compile::<f64>::compile(&Reference, program)?;
        let program = Arc::clone(program);
        let (steps, reads) = (Arc::clone(&self.steps), Arc::clone(&self.reads));
        Ok(Box::new(DeviceExecutor { inner, program, lost_after: self.lost_after, steps, reads }))
    }
}

impl Executor<f64> for DeviceExecutor {
    fn predict(&mut self, parameters: &[f64], x: &[f64], y: &mut [f64]) -> Result<(), EngineError> {
        self.inner.predict(parameters, x, y)
    }

    fn loss(&mut self, loss: Loss, parameters: &[f64], batch: &Batch<'_, f64>) -> Result<f64, EngineError> {
        self.inner.loss(loss, parameters, batch)
    }

    fn loss_and_gradient(
        &mut self,
        loss: Loss,
        parameters: &[f64],
        batch: &Batch<'_, f64>,
        gradient: &mut [f64],
    ) -> Result<f64, EngineError> {
        self.inner.loss_and_gradient(loss, parameters, batch, gradient)
    }

    fn backward(
        &mut self,
        p: &[f64],
        x: &[f64],
        dy: &[f64],
        g: &mut [f64],
        dx: &mut [f64],
    ) -> Result<(), EngineError> {
        self.inner.backward(p, x, dy, g, dx)
    }

    fn statistics(&mut self, parameters: &[f64], x: &[f64]) -> Result<Vec<LayerStatistics>, EngineError> {
        self.inner.statistics(parameters, x)
    }

    fn resident(
        &mut self,
        start: &ResidentStart<'_, f64>,
    ) -> Result<Option<Box<dyn Resident<f64>>>, EngineError> {
        Ok(Some(Box::new(DeviceTrainer {
            program: Arc::clone(&self.program),
            penalty: start.penalty.cloned(),
            inner: Compile::<f64>::compile(&Reference, &self.program)?,
            slabs: [start.parameters, start.first, start.second].map(<[f64]>::to_vec),
            kept: start.parameters.to_vec(),
            held: Vec::new(),
            still: start.still.to_vec(),
            lowest: start.lowest.unwrap_or(f64::INFINITY),
            outcomes: Vec::new(),
            frozen: false,
            lost_after: self.lost_after,
            steps: Arc::clone(&self.steps),
            reads: Arc::clone(&self.reads),
        })))
    }
}

impl Resident<f64> for DeviceTrainer {
    fn capacity(&self) -> usize {
        7
    }

    fn step(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, f64>,
        rule: &AdamRule<f64>,
        keep: Keep,
    ) -> Result<(), EngineError> {
        if self.steps.fetch_add(1, SeqCst) >= self.lost_after {
            return Err(EngineError::Device { backend: "device", reason: "lost".to_owned() });
        }
        let [parameters, first, second] = &mut self.slabs;
        let mut gradient = vec![0.0; parameters.len()];
        let mut loss = self.inner.loss_and_gradient(loss, parameters, batch, &mut gradient)?;
        if let Some(terms) = &self.penalty {
            let (value, slopes) = penalty(&self.program, terms, parameters, batch.x, batch.weights);
            loss += value;
            gradient.iter_mut().zip(&slopes).for_each(|(sum, slope)| *sum += slope);
        }
        self.still.iter().for_each(|index| gradient[*index] = 0.0);
        let gradient_norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        self.frozen |= !(loss.is_finite() && gradient_norm.is_finite());
        if !self.frozen {
            if keep == Keep::Always || keep == Keep::IfLowest && loss < self.lowest {
                (self.kept, self.lowest) = (parameters.clone(), loss);
            }
            rule.apply(AdamSlabs { parameters, gradient: &gradient, first, second });
        }
        self.outcomes.push(ResidentStep { loss, gradient_norm, done: !self.frozen });
        assert!(self.outcomes.len() <= self.capacity());
        Ok(())
    }

    fn outcomes(&mut self) -> Result<Vec<ResidentStep>, EngineError> {
        Ok(std::mem::take(&mut self.outcomes))
    }

    fn read(
        &mut self,
        parameters: &mut [f64],
        first: &mut [f64],
        second: &mut [f64],
    ) -> Result<(), EngineError> {
        for (to, from) in [parameters, first, second].into_iter().zip(&self.slabs) {
            to.copy_from_slice(from);
        }
        self.reads.fetch_add(1, SeqCst);
        Ok(())
    }

    fn hold(&mut self, what: Hold) -> Result<(), EngineError> {
        let from = match what {
            Hold::Kept => &self.kept,
            Hold::Present => &self.slabs[0],
        };
        self.held.clone_from(from);
        Ok(())
    }

    fn held(&mut self, parameters: &mut [f64]) -> Result<(), EngineError> {
        parameters.copy_from_slice(&self.held);
        self.reads.fetch_add(1, SeqCst);
        Ok(())
    }

    fn loss(&mut self, loss: Loss, batch: &Batch<'_, f64>) -> Result<f64, EngineError> {
        self.inner.loss(loss, &self.slabs[0], batch)
    }
}

fn options(steps: Option<u64>, epochs: Option<u64>, batch_size: Option<usize>) -> FitOptions {
    FitOptions { optimizer: Some(Optimizer::adam()), steps, epochs, batch_size, ..FitOptions::default() }
}

/// Step, loss and validation loss of each record.
fn records(report: &FitReport<f64>) -> Vec<(u64, f64, Option<f64>)> {
    report.history.iter().map(|record| (record.step, record.loss, record.validation_loss)).collect()
}

#[test]
fn a_fit_on_a_device_is_the_fit_that_it_would_be_here() {
    let (data, held) = (crate::testing::surface(50, 1), crate::testing::surface(20, 2));
    let early = EarlyStopping { patience: 2, min_delta: 1e-3 };
    let cases = [
        options(Some(40), None, None),
        options(Some(33), None, Some(20)),
        options(None, Some(9), Some(16)),
        options(None, Some(20), None),
        FitOptions { early_stopping: Some(early), ..options(Some(300), None, None) },
        FitOptions { early_stopping: Some(early), ..options(None, Some(200), Some(16)) },
        FitOptions { learning_rate: Some(2.0), ..options(Some(25), None, None) },
        FitOptions { optimizer: Some(Optimizer::adamw()), grid: vec![5, 9], ..options(Some(12), None, None) },
        FitOptions { restore_best: false, ..options(Some(40), None, None) },
    ];
    for (index, case) in cases.iter().enumerate() {
        for validation in [None, Some(&held)] {
            let run = |backend: &dyn Compile<f64>| {
                let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
                let report =
                    fit(&mut network, &data, validation, case, None, backend, &mut Unobserved).unwrap();
                (network.parameters().to_vec(), report)
            };
            let (here, there) = (run(&Reference), run(&Device::new()));
            assert_eq!(records(&there.1), records(&here.1), "{index}");
            assert_eq!(there.1.stop, here.1.stop, "{index}");
            assert_eq!(there.1.best, here.1.best, "{index}");
            assert!(there.0 == here.0, "{index}");
            assert_eq!(there.1.state.position, here.1.state.position, "{index}");
            assert!(there.1.state == here.1.state, "{index}");
        }
    }
}

#[test]
fn pauses_and_checkpoints_on_a_device_lose_nothing() {
    let data = crate::testing::surface(50, 1);
    let every = CheckpointEvery::Steps(5);
    let case = FitOptions { checkpoint_every: Some(every), ..options(Some(20), None, Some(16)) };
    let run = |backend: &dyn Compile<f64>| {
        let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
        let mut recorder = Recorder::default();
        let report = fit(&mut network, &data, None, &case, None, backend, &mut recorder).unwrap();
        let mut resumed = network.clone();
        let state = Some(report.state);
        fit(&mut resumed, &data, None, &options(Some(13), None, Some(16)), state, backend, &mut Unobserved)
            .unwrap();
        (
            recorder.checkpoints.into_iter().map(|(_, state)| state).collect::<Vec<_>>(),
            resumed.parameters().to_vec(),
        )
    };
    let here = run(&Reference);
    assert_eq!(here.0.len(), 4);
    assert!(run(&Device::new()) == here);
}

#[test]
fn divergence_on_a_device_is_told_as_it_is_here() {
    let data = crate::testing::surface(50, 1);
    let case = FitOptions { learning_rate: Some(1e200), ..options(Some(20), None, None) };
    let run = |backend: &dyn Compile<f64>| {
        let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
        let failure = fit(&mut network, &data, None, &case, None, backend, &mut Unobserved).unwrap_err();
        (format!("{:?}", failure.error), network.parameters().to_vec())
    };
    assert_eq!(run(&Device::new()), run(&Reference));
}

#[test]
fn a_lost_device_leaves_a_fit_that_can_go_on_here() {
    let data = crate::testing::surface(50, 1);
    let checkpoint_every = Some(CheckpointEvery::Steps(10));
    let case = FitOptions { checkpoint_every, ..options(Some(40), None, None) };
    let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
    let device = Device { lost_after: 25, ..Device::new() };
    let failure = fit(&mut network, &data, None, &case, None, &device, &mut Recorder::default()).unwrap_err();
    assert!(matches!(failure.error, TrainError::Engine(EngineError::Device { .. })));
    // The parameters were last home at the checkpoint.
    let state = failure.report.unwrap().state;
    assert_eq!(state.position.steps, 20);
    let rest = options(Some(20), None, None);
    fit(&mut network, &data, None, &rest, Some(state), &Reference, &mut Unobserved).unwrap();
    let mut expected = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
    fit(&mut expected, &data, None, &case, None, &Reference, &mut Unobserved).unwrap();
    assert!(network.parameters() == expected.parameters());
}

#[test]
fn a_lost_device_leaves_what_it_learned_even_without_checkpoints() {
    let data = crate::testing::surface(50, 1);
    let case = options(Some(40), None, None);
    let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
    let device = Device { lost_after: 25, ..Device::new() };
    let failure = fit(&mut network, &data, None, &case, None, &device, &mut Unobserved).unwrap_err();
    let report = *failure.report.unwrap();
    let (steps, best) = (report.state.position.steps, report.state.position.best);
    // Home after the first window, and again when enough time has passed.
    assert!((1..=25).contains(&steps) && best.is_some_and(|best| best.step <= steps), "{steps} {best:?}");
    assert!(network.is_fitted() && network.parameters() == report.state.best_parameters.as_ref().unwrap());
    let rest = options(Some(40 - steps), None, None);
    fit(&mut network, &data, None, &rest, Some(report.state), &Reference, &mut Unobserved).unwrap();
    let mut expected = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
    fit(&mut expected, &data, None, &case, None, &Reference, &mut Unobserved).unwrap();
    assert!(network.parameters() == expected.parameters());
}

/// Every step finds better parameters here, and every record a better validation.
#[test]
fn better_parameters_stay_on_the_device() {
    let (data, held) = (crate::testing::surface(50, 1), crate::testing::surface(20, 2));
    for (case, validation) in [
        (options(Some(100), None, None), None),
        (options(None, Some(30), Some(16)), None),
        (options(Some(60), None, None), Some(&held)),
    ] {
        let case = FitOptions { learning_rate: Some(1e-4), ..case };
        let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
        let device = Device::new();
        let started = std::time::Instant::now();
        let report = fit(&mut network, &data, validation, &case, None, &device, &mut Unobserved).unwrap();
        assert!(report.history.windows(2).all(|pair| pair[1].loss < pair[0].loss));
        // Parameters and best ones come home at the start, at the end, and every quarter of a second at most.
        let most = 2 * (2 + (started.elapsed().as_secs_f64() / 0.25) as usize);
        assert!(device.reads.load(SeqCst) <= most, "{} of {most}", device.reads.load(SeqCst));
    }
}

/// The device adds penalties up in another order.
#[test]
fn penalties_and_priors_stay_on_the_device_and_come_to_what_they_do_here() {
    let (data, held) = (crate::testing::surface(50, 1), crate::testing::surface(20, 2));
    let penalties =
        Penalties { l1: 1e-3, entropy: 1e-3, coefficient: 1e-4, smoothness: 1e-4, curvature: 1e-6 };
    let prior = Regularization::Fixed(Smoothness { order: 2, lambda: 1e-5, ridge: 1e-4 });
    let cases = [
        FitOptions { penalties, ..options(Some(20), None, None) },
        FitOptions { regularization: prior, ..options(None, Some(5), Some(16)) },
        FitOptions { penalties, regularization: prior, grid: vec![5, 9], ..options(Some(12), None, None) },
        FitOptions { penalties, grid_update: Some(Default::default()), ..options(Some(25), None, None) },
    ];
    for (index, case) in cases.iter().enumerate() {
        let run = |backend: &dyn Compile<f64>| {
            let mut network = Network::<f64>::new(Specification::of(&[2, 3, 1])).unwrap();
            let report = fit(&mut network, &data, Some(&held), case, None, backend, &mut Unobserved).unwrap();
            (network.parameters().to_vec(), report.history)
        };
        let device = Device::new();
        let (here, there) = (run(&Reference), run(&device));
        assert_eq!(device.steps.load(SeqCst), there.1.last().unwrap().evaluations as usize, "{index}");
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
        assert_eq!(there.1.len(), here.1.len());
        for (there, here) in there.1.iter().zip(&here.1) {
            assert!(close(there.loss, here.loss), "{index}: {there:?} {here:?}");
            assert!(close(there.validation_loss.unwrap(), here.validation_loss.unwrap()), "{index}");
        }
        assert!(there.0.iter().zip(&here.0).all(|(there, here)| close(*there, *here)), "{index}");
    }
}
