//! Saved runs continue with the same bits; damaged ones are refused; rejected and interrupted steps change nothing.

use super::*;
use crate::objective::StepOutcome;
use crate::testing::{rosenbrock, rosenbrock_start};
use std::convert::Infallible;

fn all() -> Vec<Optimizer> {
    vec![
        Optimizer::adam(),
        Optimizer::adamw(),
        Optimizer::Sgd { momentum: 0.0, nesterov: false },
        Optimizer::Sgd { momentum: 0.9, nesterov: true },
        Optimizer::lbfgs(),
    ]
}

/// A rate at which each optimiser stays finite on the Rosenbrock function.
fn rate(optimizer: &Optimizer) -> f64 {
    if let Optimizer::Sgd { .. } = optimizer { 1e-4 } else { optimizer.default_learning_rate() }
}

fn run<T: Real>(state: &mut OptimizerState<T>, x: &mut [T], rate: f64, steps: usize) -> Vec<Step> {
    let step = |_| {
        let Ok(step) = state.step(x, rate, &mut rosenbrock);
        step
    };
    (0..steps).map(step).collect()
}

fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

fn resumes<T: Real>(n: usize, half: usize) {
    for optimizer in all() {
        let rate = rate(&optimizer);
        let (mut x, mut y) = (rosenbrock_start::<T>(n), rosenbrock_start::<T>(n));
        let mut whole = OptimizerState::new(&optimizer, n);
        let straight = run(&mut whole, &mut x, rate, 2 * half);

        let mut first = OptimizerState::new(&optimizer, n);
        let mut halves = run(&mut first, &mut y, rate, half);
        let saved = first.export();
        let mut second = OptimizerState::import(&optimizer, n, saved.clone()).unwrap();
        assert_eq!(second.export(), saved);
        halves.extend(run(&mut second, &mut y, rate, half));

        assert_eq!(bits(&x), bits(&y), "{optimizer:?}");
        // Losses, norms and the number of evaluations of every step, too.
        assert_eq!(straight, halves, "{optimizer:?}");
        assert_eq!(whole.export(), second.export(), "{optimizer:?}");
    }
}

#[test]
fn a_hundred_steps_are_fifty_and_fifty_in_f64() {
    resumes::<f64>(20, 50);
}

#[test]
fn a_hundred_steps_are_fifty_and_fifty_in_f32() {
    resumes::<f32>(20, 50);
}

#[test]
fn a_run_can_be_saved_before_its_first_and_after_its_first_steps() {
    for half in [0, 1, 2, 11] {
        resumes::<f64>(5, half);
        resumes::<f32>(5, half);
    }
}

#[test]
fn a_run_over_changing_batches_resumes_with_the_same_bits() {
    for optimizer in all() {
        let rate = rate(&optimizer);
        let advance = |state: &mut OptimizerState<f32>, x: &mut [f32], batches: std::ops::Range<u32>| {
            for batch in batches {
                let mut objective = |x: &[f32], g: &mut [f32]| {
                    let loss = rosenbrock(x, g);
                    g[0] += (batch % 3) as f32;
                    loss.map(|loss| loss + f64::from(batch % 3) * f64::from(x[0]))
                };
                state.invalidate();
                let Ok(_) = state.step(x, rate, &mut objective);
            }
        };
        let (mut x, mut y) = (rosenbrock_start(8), rosenbrock_start(8));
        advance(&mut OptimizerState::new(&optimizer, 8), &mut x, 0..40);
        let mut first = OptimizerState::new(&optimizer, 8);
        advance(&mut first, &mut y, 0..20);
        advance(&mut OptimizerState::import(&optimizer, 8, first.export()).unwrap(), &mut y, 20..40);
        assert_eq!(bits(&x), bits(&y), "{optimizer:?}");
    }
}

#[test]
fn a_state_of_another_run_or_a_damaged_one_is_refused() {
    for optimizer in all() {
        let n = 4;
        let mut state = OptimizerState::new(&optimizer, n);
        run(&mut state, &mut rosenbrock_start::<f64>(n), rate(&optimizer), 5);
        let good = state.export();
        let import = |state| OptimizerState::import(&optimizer, n, state).unwrap_err();

        let mut state = good.clone();
        state.optimizer = "lion".to_owned();
        assert!(matches!(import(state), StateError::Optimizer { found, .. } if found == "lion"));
        let mut state = good.clone();
        state.scalars.insert("extra".to_owned(), 1.0);
        assert_eq!(import(state), StateError::Unknown { name: "extra".to_owned() });
        for name in good.counters.keys() {
            let mut state = good.clone();
            state.counters.remove(name);
            assert!(matches!(import(state), StateError::Missing { .. }), "{name}");
        }
        for name in good.scalars.keys() {
            let mut state = good.clone();
            state.scalars.insert(name.clone(), f64::NAN);
            assert_eq!(import(state), StateError::NotFinite { name: name.clone(), index: 0 });
        }
        for name in good.vectors.keys() {
            let mut state = good.clone();
            state.vectors.remove(name);
            // A state without velocity is that of a run without momentum.
            if name != "velocity" {
                assert_eq!(import(state), StateError::Missing { name: name.clone() });
            }
            let mut state = good.clone();
            state.vectors.get_mut(name).unwrap().pop();
            assert_eq!(import(state), StateError::Length { name: name.clone(), expected: n, found: n - 1 });
            let mut state = good.clone();
            state.vectors.get_mut(name).unwrap()[2] = f64::INFINITY;
            assert_eq!(import(state), StateError::NotFinite { name: name.clone(), index: 2 });
        }
    }
}

#[test]
fn losses_and_gradients_that_are_not_finite_are_rejected_without_a_trace() {
    for optimizer in all() {
        let mut x = rosenbrock_start::<f64>(3);
        let mut state = OptimizerState::new(&optimizer, 3);
        run(&mut state, &mut x, rate(&optimizer), 3);
        state.invalidate();
        let (before, saved) = (x.clone(), state.export());
        let mut bad_loss = |x: &[f64], g: &mut [f64]| rosenbrock(x, g).map(|_| f64::NAN);
        let Ok(step) = state.step(&mut x, 0.1, &mut bad_loss);
        assert_eq!(step.outcome, StepOutcome::Failed { reason: Failure::Loss });
        let mut bad_gradient = |x: &[f64], g: &mut [f64]| {
            let loss = rosenbrock(x, g);
            g[1] = f64::INFINITY;
            loss
        };
        let Ok(step) = state.step(&mut x, 0.1, &mut bad_gradient);
        assert_eq!(step.outcome, StepOutcome::Failed { reason: Failure::Gradient { index: 1 } });
        assert_eq!((&x, state.export()), (&before, saved), "{optimizer:?}");
        let Ok(step) = state.step(&mut x, rate(&optimizer), &mut rosenbrock);
        assert_eq!(step.outcome, StepOutcome::Accepted, "{optimizer:?}");
    }
}

#[test]
fn an_interrupted_step_leaves_x_at_the_last_accepted_point_and_can_be_repeated() {
    for optimizer in all() {
        let rate = rate(&optimizer);
        let (mut x, mut expected) = (rosenbrock_start::<f64>(6), rosenbrock_start::<f64>(6));
        let mut state = OptimizerState::new(&optimizer, 6);
        let mut undisturbed = OptimizerState::new(&optimizer, 6);
        for _ in 0..30 {
            let before = x.clone();
            // Interrupts at the first evaluation, then at the second, … until the step gets through.
            for allowed in 0.. {
                let mut left = allowed;
                let mut objective = |x: &[f64], g: &mut [f64]| {
                    if left == 0 {
                        return Err("stop");
                    }
                    left -= 1;
                    let Ok(loss) = rosenbrock(x, g);
                    Ok(loss)
                };
                match state.step(&mut x, rate, &mut objective) {
                    Ok(_) => break,
                    Err(stop) => assert_eq!((stop, &x), ("stop", &before)),
                }
            }
            run(&mut undisturbed, &mut expected, rate, 1);
            assert_eq!(bits(&x), bits(&expected), "{optimizer:?}");
        }
    }
}

#[test]
fn a_wrong_length_or_rate_is_a_failure_and_not_a_panic() {
    for optimizer in all() {
        let mut state = OptimizerState::<f64>::new(&optimizer, 3);
        let Ok(step) = state.step(&mut [1.0, 2.0], 0.1, &mut rosenbrock);
        let reason = Failure::Length { expected: 3, found: 2 };
        assert_eq!((step.outcome, step.evaluations), (StepOutcome::Failed { reason }, 0));
        for rate in [-1.0, f64::INFINITY, f64::NAN] {
            let Ok(step) = state.step(&mut [1.0, 2.0, 3.0], rate, &mut rosenbrock);
            assert!(matches!(step.outcome, StepOutcome::Failed { reason: Failure::LearningRate { .. } }));
        }
    }
}

#[test]
fn no_parameters_are_no_problem() {
    for optimizer in all() {
        let mut state = OptimizerState::<f64>::new(&optimizer, 0);
        let mut nothing = |_: &[f64], _: &mut [f64]| Ok::<f64, Infallible>(1.0);
        let Ok(step) = state.step(&mut [], 0.1, &mut nothing);
        assert!(!matches!(step.outcome, StepOutcome::Failed { .. }));
    }
}

#[test]
fn an_objective_may_be_a_trait_object() {
    struct Bowl;
    impl Objective<f64> for Bowl {
        type Stop = String;
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, String> {
            gradient.copy_from_slice(x);
            Ok(0.5 * vector::dot(x, x))
        }
    }
    let objective: &mut dyn Objective<f64, Stop = String> = &mut Bowl;
    let mut x = [1.0, 2.0];
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 2);
    while state.step(&mut x, 1.0, objective).unwrap().outcome == StepOutcome::Accepted {}
    assert!(vector::norm(&x) < 1e-12);
}
