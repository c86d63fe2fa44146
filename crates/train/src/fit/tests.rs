//! Whole fits of tiny networks with the reference backend.

mod batches;
mod best;
mod classes;
mod combinations;
mod continual;
mod evidence;
mod faults;
mod levels;
mod penalties;
mod resident;
mod resume;
mod safety;
mod solver;

use super::*;
use crate::options::{CheckpointEvery, EarlyStopping};
use crate::report::{Progress, Record, Watched};
use crate::{Metrics, Unobserved, evaluate, predict};
use kanode_engine::Loss;
use kanode_engine::reference::Reference;
use kanode_network::Specification;
use kanode_optim::{Optimizer, Schedule};
use std::cell::Cell;

/// Watches everything, and cancels at the evaluation of this number, from 0.
#[derive(Default)]
struct Recorder {
    evaluations: Cell<usize>,
    cancel_at: Option<usize>,
    records: Vec<Record>,
    progress: Vec<Progress>,
    checkpoints: Vec<(Network<f64>, TrainState<f64>)>,
    fail_checkpoint: bool,
}

impl Recorder {
    fn cancelling_at(evaluation: usize) -> Self {
        Self { cancel_at: Some(evaluation), ..Self::default() }
    }
}

impl Observer<f64> for Recorder {
    fn cancelled(&self) -> bool {
        let evaluation = self.evaluations.replace(self.evaluations.get() + 1);
        self.cancel_at.is_some_and(|at| evaluation >= at)
    }

    fn on_record(&mut self, record: &Record) {
        self.records.push(*record);
    }

    fn on_progress(&mut self, progress: &Progress) {
        self.progress.push(*progress);
    }

    fn on_checkpoint(&mut self, network: &Network<f64>, state: &TrainState<f64>) -> Result<(), String> {
        if self.fail_checkpoint {
            return Err("the disk is full".to_owned());
        }
        self.checkpoints.push((network.clone(), state.clone()));
        Ok(())
    }
}

/// Rows of `y = sin(3x) + shift` for `x` in [-1, 1], in some order. `rows` is no multiple of 17.
fn sine(rows: usize, shift: f64) -> Dataset {
    let x: Vec<f64> = (0..rows).map(|i| 2.0 * ((i * 17 % rows) as f64) / (rows - 1) as f64 - 1.0).collect();
    let y = x.iter().map(|x| (3.0 * x).sin() + shift).collect();
    Dataset::new(rows, 1, 1, x, y, None).unwrap()
}

/// Two well-separated clouds in the plane, with labels 0 and 1.
fn clouds() -> Dataset {
    let x = (0..40).map(|i| f64::from(i / 2 % 2) * 4.0 + f64::from(i * 37 % 11) * 0.1).collect();
    let y = (0..20).map(|i| f64::from(i % 2)).collect();
    Dataset::new(20, 2, 1, x, y, None).unwrap()
}

fn network(layers: &[usize]) -> Network<f64> {
    Network::new(Specification { seed: 3, ..Specification::of(layers) }).unwrap()
}

fn options(optimizer: Optimizer) -> FitOptions {
    FitOptions { optimizer: Some(optimizer), ..FitOptions::default() }
}

fn steps(optimizer: Optimizer, steps: u64) -> FitOptions {
    FitOptions { steps: Some(steps), ..options(optimizer) }
}

fn epochs(optimizer: Optimizer, epochs: u64, batch_size: usize) -> FitOptions {
    FitOptions { epochs: Some(epochs), batch_size: Some(batch_size), ..options(optimizer) }
}

/// A fit that must succeed.
fn run(network: &mut Network<f64>, data: &Dataset, options: &FitOptions) -> FitReport<f64> {
    fit(network, data, None, options, None, &Reference, &mut Unobserved).unwrap()
}

fn loss_of(network: &Network<f64>, data: &Dataset) -> f64 {
    match evaluate(network, data, &Reference, &|| false).unwrap() {
        Metrics::Regression(metrics) => metrics.rmse,
        Metrics::Classification(metrics) => metrics.log_loss,
    }
}

/// Records without the time, which never repeats.
fn timeless(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { seconds: 0.0, ..*record }).collect()
}

#[test]
fn lbfgs_learns_a_sine_in_the_units_of_the_user() {
    let (mut network, data) = (network(&[1, 1]), sine(60, 100.0));
    let report = run(&mut network, &data, &steps(Optimizer::lbfgs(), 60));
    assert!(loss_of(&network, &data) < 0.02, "{}", loss_of(&network, &data));
    let value = predict(&network, &[0.5], 1, &Reference, &|| false).unwrap()[0];
    assert!((value - (1.5f64.sin() + 100.0)).abs() < 0.05);
    assert!(report.history.windows(2).all(|pair| pair[1].loss <= pair[0].loss));
    assert_eq!(report.outside, [Outside { outside: 0, values: 60 }]);
    assert_eq!((report.training_rows, report.validation_rows), (60, 0));
    assert_eq!(network.loss(), Some(Loss::Mse));
}

#[test]
fn every_optimiser_learns_from_batches_and_from_all_rows() {
    let data = sine(40, 0.0);
    for optimizer in [Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd(), Optimizer::lbfgs()] {
        let in_batches = epochs(optimizer.clone(), 20, 16);
        for options in [in_batches, steps(optimizer.clone(), 60)] {
            let mut network = network(&[1, 2, 1]);
            let report = run(&mut network, &data, &options);
            let (first, last) = (report.history[0].loss, report.history[report.history.len() - 1].loss);
            assert!(last < 0.7 * first, "{optimizer:?}: {first} to {last}");
        }
    }
}

#[test]
fn single_precision_learns_too() {
    let mut network = Network::<f32>::new(Specification::of(&[1, 1])).unwrap();
    let options = steps(Optimizer::lbfgs(), 30);
    let data = sine(40, 0.0);
    let report = fit(&mut network, &data, None, &options, None, &Reference, &mut Unobserved).unwrap();
    assert!(report.history[report.history.len() - 1].loss < 1e-3);
}

#[test]
fn classes_are_learned_with_both_losses() {
    let data = clouds();
    for (loss, outputs) in [(Loss::CrossEntropy, 2), (Loss::BinaryCrossEntropy, 1)] {
        let mut network = network(&[2, outputs]);
        let options = FitOptions { loss, ..steps(Optimizer::lbfgs(), 20) };
        run(&mut network, &data, &options);
        let Metrics::Classification(metrics) = evaluate(&network, &data, &Reference, &|| false).unwrap()
        else {
            panic!("{loss:?} is a classification");
        };
        assert_eq!(metrics.accuracy, 1.0);
        assert!(metrics.log_loss < 0.1, "{metrics:?}");
    }
}

#[test]
fn a_step_has_a_record_and_an_epoch_has_one_with_progress_between() {
    let data = sine(20, 0.0);
    let mut recorder = Recorder::default();
    let options = epochs(Optimizer::adam(), 3, 8);
    let report = fit(&mut network(&[1, 1]), &data, None, &options, None, &Reference, &mut recorder).unwrap();
    assert_eq!(recorder.records, report.history);
    let counters: Vec<_> = report.history.iter().map(|record| (record.step, record.epoch)).collect();
    assert_eq!(counters, [(3, 1), (6, 2), (9, 3)]);
    let places: Vec<_> = recorder.progress.iter().map(|p| (p.step, p.epoch, p.batch, p.batches)).collect();
    assert_eq!(places, [(1, 0, 1, 3), (2, 0, 2, 3), (4, 1, 1, 3), (5, 1, 2, 3), (7, 2, 1, 3), (8, 2, 2, 3)]);
    assert_eq!((report.steps, report.epochs, report.evaluations), (9, 3, 9));
    let report =
        run(&mut network(&[1, 1]), &data, &FitOptions { batch_size: Some(8), ..steps(Optimizer::adam(), 4) });
    let counters: Vec<_> = report.history.iter().map(|record| (record.step, record.epoch)).collect();
    assert_eq!(counters, [(1, 0), (2, 0), (3, 1), (4, 1)]);
}

#[test]
fn the_loss_of_an_epoch_is_the_mean_of_its_batches_by_weight() {
    let data = sine(20, 0.0);
    let weights = (0..20).map(|i| f64::from(1 + i % 3)).collect();
    let data = Dataset::new(20, 1, 1, data.x().to_vec(), data.y().to_vec(), Some(weights)).unwrap();
    let by_epoch =
        run(&mut network(&[1, 1]), &data, &FitOptions { shuffle: false, ..epochs(Optimizer::adam(), 1, 8) });
    let by_step = FitOptions { shuffle: false, batch_size: Some(8), ..steps(Optimizer::adam(), 3) };
    let by_step = run(&mut network(&[1, 1]), &data, &by_step);
    let weight = |from: usize, to: usize| data.weights().unwrap()[from..to].iter().sum::<f64>();
    let weights = [weight(0, 8), weight(8, 16), weight(16, 20)];
    let sum: f64 = by_step.history.iter().zip(&weights).map(|(record, weight)| record.loss * weight).sum();
    let expected = sum / weights.iter().sum::<f64>();
    assert!((by_epoch.history[0].loss - expected).abs() < 1e-15);
}

#[test]
fn a_schedule_spans_the_steps_done_and_asked_for() {
    let schedule = Schedule::Cosine { warmup: 0, total: None, minimum_fraction: 0.0 };
    let rate = |step: u64, total: u64| Some(schedule.rate(0.01, step, total));
    let data = sine(20, 0.0);
    let rates = |report: &FitReport<f64>| report.history.iter().map(|r| r.learning_rate).collect::<Vec<_>>();
    let options = FitOptions { schedule: schedule.clone(), ..steps(Optimizer::adam(), 4) };
    let mut network = network(&[1, 1]);
    let first = run(&mut network, &data, &options);
    assert_eq!(rates(&first), [rate(0, 4), rate(1, 4), rate(2, 4), rate(3, 4)]);
    let resumed =
        fit(&mut network, &data, None, &options, Some(first.state), &Reference, &mut Unobserved).unwrap();
    assert_eq!(rates(&resumed), [rate(4, 8), rate(5, 8), rate(6, 8), rate(7, 8)]);
    let options = FitOptions { schedule: schedule.clone(), ..epochs(Optimizer::adam(), 2, 8) };
    assert_eq!(rates(&run(&mut network, &data, &options)), [rate(2, 6), rate(5, 6)]);
}

#[test]
fn rows_of_weight_zero_change_no_bit() {
    let data = sine(30, 0.0);
    let kept: Vec<usize> = (0..30).filter(|i| i % 4 != 1).collect();
    let weight = |i: usize| if i % 4 == 1 { 0.0 } else { 0.5 + (i % 3) as f64 };
    // Rows that do not count are far away, to be seen if they did.
    let spoilt = |values: &[f64]| {
        values.iter().enumerate().map(|(i, v)| if i % 4 == 1 { 1e6 } else { *v }).collect::<Vec<_>>()
    };
    let weights = Some((0..30).map(weight).collect());
    let with = Dataset::new(30, 1, 1, spoilt(data.x()), spoilt(data.y()), weights).unwrap();
    let rest = |values: &[f64]| kept.iter().map(|i| values[*i]).collect::<Vec<_>>();
    let weights = Some(kept.iter().map(|i| weight(*i)).collect());
    let without = Dataset::new(kept.len(), 1, 1, rest(data.x()), rest(data.y()), weights).unwrap();
    let split = FitOptions { validation_fraction: Some(0.3), ..epochs(Optimizer::adam(), 3, 5) };
    for options in [steps(Optimizer::lbfgs(), 8), steps(Optimizer::adam(), 8), split] {
        let (mut a, mut b) = (network(&[1, 2, 1]), network(&[1, 2, 1]));
        let (first, second) = (run(&mut a, &with, &options), run(&mut b, &without, &options));
        assert_eq!(timeless(&first.history), timeless(&second.history));
        assert_eq!((a.parameters(), a.scaler(), a.knots()), (b.parameters(), b.scaler(), b.knots()));
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let data = sine(30, 0.0);
    let trained = |seed| {
        let mut network = network(&[1, 1]);
        run(&mut network, &data, &FitOptions { shuffle_seed: seed, ..epochs(Optimizer::adam(), 3, 7) });
        network.parameters().to_vec()
    };
    assert_eq!(trained(1), trained(1));
    assert_ne!(trained(1), trained(2));
}

#[test]
fn values_outside_the_grids_are_counted_for_each_layer() {
    let specification =
        Specification { domain: Some([-0.5, 0.5]), standardize: false, ..Specification::of(&[1, 2, 1]) };
    let mut network = Network::new(specification).unwrap();
    let report = run(&mut network, &sine(21, 0.0), &steps(Optimizer::lbfgs(), 1));
    // 21 points from -1 to 1 in steps of 0.1: five beyond each end.
    assert_eq!(report.outside[0], Outside { outside: 10, values: 21 });
    assert_eq!(report.outside[1].values, 42);
}

#[test]
fn a_long_history_is_thinned_out_and_heard_in_full() {
    let mut recorder = Recorder::default();
    let (data, options) = (sine(3, 0.0), steps(Optimizer::sgd(), 10_007));
    let report = fit(&mut network(&[1, 1]), &data, None, &options, None, &Reference, &mut recorder).unwrap();
    assert_eq!((report.records, recorder.records.len()), (10_007, 10_007));
    let kept: Vec<u64> = report.history.iter().map(|record| record.step).collect();
    assert_eq!(kept, (1..=10_007).step_by(2).collect::<Vec<_>>());
}

#[test]
fn a_report_is_json_without_the_state() {
    let report = run(&mut network(&[1, 1]), &sine(10, 0.0), &steps(Optimizer::lbfgs(), 1));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["stop"], "completed");
    assert_eq!(json["history"][0]["step"], 1);
    assert_eq!(json["best"]["watched"], "training");
    assert_eq!((&json["trainingRows"], &json["records"]), (&10.into(), &1.into()));
    assert_eq!(json["changed"], true);
    assert!(json.get("state").is_none());
}
