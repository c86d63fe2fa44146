//! Training with parameters on the device: against the reference, against itself, and how much goes to and fro.

mod common;

use common::{gpu, network, rule};
use kanode_engine::conformance::Case;
use kanode_engine::reference::Reference;
use kanode_engine::{AdamRule, AdamSlabs, Batch, Compile, Executor, Hold, Keep, Loss, Resident};
use kanode_gpu::{Gpu, GpuBackend};
use std::sync::Arc;

/// A case with its numbers.
struct Task {
    case: Case,
    parameters: Vec<f32>,
    x: Vec<f32>,
    targets: Vec<f32>,
}

impl Task {
    fn new(case: Case, loss: Loss) -> Self {
        let parameters = case.parameters(&case.program());
        Self { parameters, x: case.inputs(), targets: case.targets(loss), case }
    }

    fn batch(&self) -> Batch<'_, f32> {
        Batch { x: &self.x, targets: &self.targets, weights: None, rows: self.case.rows }
    }

    fn resident(&self, gpu: &Arc<Gpu>, still: &[usize]) -> Box<dyn Resident<f32>> {
        let backend = GpuBackend::new(Arc::clone(gpu));
        common::resident(&backend, &self.case.program(), &self.parameters, still, None).unwrap()
    }

    /// Losses of so many steps, and the parameters after them.
    fn train(&self, gpu: &Arc<Gpu>, loss: Loss, steps: i32) -> (Vec<f64>, Vec<f32>) {
        let mut trainer = self.resident(gpu, &[]);
        let mut losses = Vec::new();
        for step in 1..=steps {
            trainer.step(loss, &self.batch(), &rule(step), Keep::Never).unwrap();
            if step % 50 == 0 || step == steps {
                losses.extend(trainer.outcomes().unwrap().iter().map(|step| step.loss));
            }
        }
        (losses, read(&mut *trainer, self.parameters.len()))
    }
}

fn read(trainer: &mut dyn Resident<f32>, n: usize) -> Vec<f32> {
    let [mut parameters, mut first, mut second] = [(); 3].map(|()| vec![0.0; n]);
    trainer.read(&mut parameters, &mut first, &mut second).unwrap();
    parameters
}

#[test]
fn the_loss_curve_is_that_of_the_reference_within_a_percent_after_200_steps() {
    let Some(gpu) = gpu() else { return };
    for loss in [Loss::Mse, Loss::Rmse, Loss::CrossEntropy] {
        let task = Task::new(network(300), loss);
        let (found, _) = task.train(&gpu, loss, 200);
        let mut executor: Box<dyn Executor<f32>> = Reference.compile(&task.case.program()).unwrap();
        let n = task.parameters.len();
        let (mut x, mut m, mut v) = (task.parameters.clone(), vec![0.0f32; n], vec![0.0f32; n]);
        let mut g = vec![0.0f32; n];
        for (index, found) in found.iter().enumerate() {
            let expected = executor.loss_and_gradient(loss, &x, &task.batch(), &mut g).unwrap();
            assert!(
                (found - expected).abs() <= 0.01 * expected,
                "{loss:?}, step {index}: {found} {expected}"
            );
            let slabs = AdamSlabs { parameters: &mut x, gradient: &g, first: &mut m, second: &mut v };
            rule(index as i32 + 1).apply(slabs);
        }
        assert!(found[199] < 0.9 * found[0], "{loss:?} was not learned: {} {}", found[0], found[199]);
    }
}

#[test]
fn training_has_the_same_bits_from_run_to_run_and_from_device_to_device() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(700), Loss::Mse);
    let first = task.train(&gpu, Loss::Mse, 20);
    assert!(task.train(&gpu, Loss::Mse, 20) == first);
    let Some(another) = common::gpu() else { return };
    assert!(task.train(&another, Loss::Mse, 20) == first);
    // No index is beyond its buffer: shaders that would bend one back do the same.
    let checked = Gpu::open_checked(&common::CHOICE).unwrap();
    assert!(task.train(&checked, Loss::Mse, 20) == first);
}

#[test]
fn a_step_is_one_submission_that_reads_nothing_back_and_moves_no_more_than_its_rows() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(200), Loss::Mse);
    let mut trainer = task.resident(&gpu, &[]);
    // The first step makes room for the rows.
    trainer.step(Loss::Mse, &task.batch(), &rule(1), Keep::IfLowest).unwrap();
    let before = gpu.traffic();
    for step in 2..=11 {
        trainer.step(Loss::Mse, &task.batch(), &rule(step), Keep::IfLowest).unwrap();
    }
    let after = gpu.traffic();
    assert_eq!(after.submissions - before.submissions, 10);
    assert_eq!((after.readbacks, after.downloaded), (before.readbacks, before.downloaded));
    assert!(after.dispatches - before.dispatches <= 10 * 22, "{}", after.dispatches - before.dispatches);
    let ideal = 10 * 4 * (task.x.len() + task.targets.len()) as u64;
    let moved = after.uploaded - before.uploaded;
    assert!(moved >= ideal && moved * 10 <= ideal * 13, "{moved} bytes, {ideal} would be enough");
}

#[test]
fn a_device_with_timestamps_times_its_passes() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(300), Loss::Mse);
    let mut trainer = task.resident(&gpu, &[]);
    assert_eq!(gpu.pass_seconds().unwrap(), None);
    let times = gpu.start_timing().unwrap();
    assert_eq!(times, gpu.adapter().timestamps);
    trainer.step(Loss::Mse, &task.batch(), &rule(1), Keep::Never).unwrap();
    let seconds = gpu.pass_seconds().unwrap();
    assert_eq!(seconds.is_some_and(|seconds| seconds > 0.0), times);
}

#[test]
fn a_step_that_is_not_finite_freezes_what_was_before_it() {
    let Some(gpu) = gpu() else { return };
    let mut task = Task::new(network(30), Loss::Mse);
    let mut trainer = task.resident(&gpu, &[]);
    trainer.step(Loss::Mse, &task.batch(), &rule(1), Keep::Never).unwrap();
    let done: Vec<bool> = trainer.outcomes().unwrap().iter().map(|step| step.done).collect();
    assert_eq!(done, [true]);
    let before = read(&mut *trainer, task.parameters.len());
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        task.targets[7] = bad;
        trainer.step(Loss::Mse, &task.batch(), &rule(2), Keep::Never).unwrap();
    }
    task.targets[7] = 0.0;
    trainer.step(Loss::Mse, &task.batch(), &rule(3), Keep::Never).unwrap();
    let outcomes = trainer.outcomes().unwrap();
    assert!(outcomes.len() == 4 && outcomes.iter().all(|step| !step.done), "{outcomes:?}");
    assert!(!outcomes[0].loss.is_finite());
    assert!(read(&mut *trainer, task.parameters.len()) == before);
}

#[test]
fn a_parameter_that_would_leave_the_number_range_stays() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(30), Loss::Mse);
    let mut trainer = task.resident(&gpu, &[]);
    let huge = AdamRule { rate: f32::MAX, ..rule(1) };
    trainer.step(Loss::Mse, &task.batch(), &AdamRule { epsilon: 1e-30, ..huge }, Keep::Never).unwrap();
    trainer.step(Loss::Mse, &task.batch(), &rule(2), Keep::Never).unwrap();
    assert!(!trainer.outcomes().unwrap()[1].done);
    assert!(read(&mut *trainer, task.parameters.len()).iter().all(|x| x.is_finite()));
}

/// With an epsilon that is large beside the gradients, so that Adam does not divide them by their size.
#[test]
fn steps_with_weight_decay_are_those_of_the_rule() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(50), Loss::Mse);
    let mut executor: Box<dyn Executor<f32>> = Reference.compile(&task.case.program()).unwrap();
    let n = task.parameters.len();
    let (mut x, mut m, mut v) = (task.parameters.clone(), vec![0.0f32; n], vec![0.0f32; n]);
    let (mut g, mut trainer) = (vec![0.0f32; n], task.resident(&gpu, &[]));
    for step in 1..=5 {
        let rule = AdamRule { keep: 0.9, epsilon: 1.0, ..rule(step) };
        trainer.step(Loss::Mse, &task.batch(), &rule, Keep::Never).unwrap();
        executor.loss_and_gradient(Loss::Mse, &x, &task.batch(), &mut g).unwrap();
        rule.apply(AdamSlabs { parameters: &mut x, gradient: &g, first: &mut m, second: &mut v });
    }
    let apart = read(&mut *trainer, n).iter().zip(&x).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-6, "{apart}");
}

#[test]
fn what_stands_still_and_what_was_kept_are_as_told() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(30), Loss::Mse);
    let n = task.parameters.len();
    let still: Vec<usize> = (0..n).step_by(3).collect();
    let mut trainer = task.resident(&gpu, &still);
    trainer.step(Loss::Mse, &task.batch(), &rule(1), Keep::Never).unwrap();
    let after_one = read(&mut *trainer, n);
    assert!(still.iter().all(|index| after_one[*index] == task.parameters[*index]));
    assert!((0..n).any(|index| after_one[index] != task.parameters[index]));
    trainer.step(Loss::Mse, &task.batch(), &rule(2), Keep::IfLowest).unwrap();
    // A step up the slope: what was kept stays.
    let uphill = AdamRule { rate: -1.0, ..rule(3) };
    trainer.step(Loss::Mse, &task.batch(), &uphill, Keep::Never).unwrap();
    trainer.step(Loss::Mse, &task.batch(), &rule(4), Keep::IfLowest).unwrap();
    let losses: Vec<f64> = trainer.outcomes().unwrap().iter().map(|step| step.loss).collect();
    assert!(losses[3] > losses[1], "{losses:?}");
    let held = |trainer: &mut dyn Resident<f32>| {
        let mut held = vec![0.0; n];
        trainer.held(&mut held).unwrap();
        held
    };
    let readbacks = gpu.traffic().readbacks;
    trainer.hold(Hold::Kept).unwrap();
    assert_eq!(gpu.traffic().readbacks, readbacks);
    let present = read(&mut *trainer, n);
    trainer.step(Loss::Mse, &task.batch(), &rule(5), Keep::Always).unwrap();
    assert!(held(&mut *trainer) == after_one);
    trainer.hold(Hold::Kept).unwrap();
    assert!(held(&mut *trainer) == present);
    trainer.hold(Hold::Present).unwrap();
    assert!(held(&mut *trainer) == read(&mut *trainer, n));
}

#[test]
fn steps_beyond_the_capacity_are_refused() {
    let Some(gpu) = gpu() else { return };
    let task = Task::new(network(2), Loss::Mse);
    let mut trainer = task.resident(&gpu, &[]);
    for step in 0..trainer.capacity() {
        trainer.step(Loss::Mse, &task.batch(), &rule(step as i32 + 1), Keep::Never).unwrap();
    }
    assert!(trainer.step(Loss::Mse, &task.batch(), &rule(1), Keep::Never).is_err());
    assert_eq!(trainer.outcomes().unwrap().len(), trainer.capacity());
}
