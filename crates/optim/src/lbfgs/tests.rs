//! L-BFGS on functions with known minima, and where it has to give up.

use super::*;
use crate::line_search::{C1, C2};
use crate::testing::{quadratic, rosenbrock, rosenbrock_start};
use crate::{Optimizer, OptimizerState};
use proptest::prelude::*;
use std::convert::Infallible;

/// Steps until the run ends, or `steps` of them.
fn minimise<T: Real, O>(optimizer: &Optimizer, x: &mut [T], steps: usize, objective: &mut O) -> Vec<Step>
where
    O: Objective<T, Stop = Infallible>,
{
    let mut state = OptimizerState::new(optimizer, x.len());
    let mut all = Vec::new();
    for _ in 0..steps {
        let Ok(step) = state.step(x, 1.0, objective);
        all.push(step);
        if step.outcome != StepOutcome::Accepted {
            break;
        }
    }
    all
}

fn total(steps: &[Step]) -> usize {
    steps.iter().map(|s| s.evaluations).sum()
}

#[test]
fn rosenbrock_in_2_and_20_dimensions_is_solved() {
    // SciPy's L-BFGS-B with the same history takes 47 and 183 evaluations to gradients of 1e-10.
    for (n, most) in [(2, 55), (20, 210)] {
        let mut x = rosenbrock_start::<f64>(n);
        let steps = minimise(&Optimizer::lbfgs(), &mut x, 500, &mut rosenbrock);
        let last = steps.last().unwrap();
        assert_eq!(last.outcome, StepOutcome::Converged, "{n}: {last:?}");
        // The chain has a local minimum near (−1, 1, …, 1) too; both have a vanishing gradient.
        assert!(last.gradient_norm < 1e-6, "{n}: {last:?}");
        if n == 2 {
            assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "{x:?}");
        }
        assert!(total(&steps) <= most, "{n}: {} evaluations", total(&steps));
    }
}

#[test]
fn rosenbrock_in_20_dimensions_reaches_the_global_minimum_from_nearby() {
    let mut x = vec![0.5; 20];
    minimise(&Optimizer::lbfgs(), &mut x, 500, &mut rosenbrock);
    assert!(x.iter().all(|x| (x - 1.0_f64).abs() < 1e-7), "{x:?}");
}

#[test]
fn f32_converges_to_the_precision_of_its_numbers() {
    for n in [2, 20] {
        let mut x = vec![0.5_f32; n];
        let steps = minimise(&Optimizer::lbfgs(), &mut x, 500, &mut rosenbrock);
        assert_eq!(steps.last().unwrap().outcome, StepOutcome::Converged, "{n}: {:?}", steps.last());
        // The condition number of the minimum is 2500 in 2 dimensions: 1e-7·2500 is the attainable error.
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-3), "{n}: {x:?}");
    }
}

#[test]
fn f32_with_a_large_constant_converges_instead_of_failing() {
    let mut objective = |x: &[f32], g: &mut [f32]| {
        let Ok(loss) = quadratic::<f32>(&[1.0, 100.0, 1e4])(x, g);
        // A loss that was summed in f32.
        Ok::<f64, Infallible>(f64::from(loss as f32 + 1000.0))
    };
    let mut x = [3.0_f32, -2.0, 1.0];
    let steps = minimise(&Optimizer::lbfgs(), &mut x, 200, &mut objective);
    assert_eq!(steps.last().unwrap().outcome, StepOutcome::Converged, "{:?}", steps.last());
    assert!(steps.last().unwrap().loss - 1000.0 < 1e-3, "{:?}", steps.last());
}

/// 30 curvatures spread evenly over some decades.
fn spread(decades: i32) -> Vec<f64> {
    (0..30).map(|i| 10_f64.powf(f64::from(decades * i) / 29.0)).collect()
}

/// Mean squared error of Σ aⱼ·tanh(wⱼ·t + bⱼ), computed in `T`, on 64 points of sin 3t; x: [a, w, b].
fn curve_fit<T: Real>(x: &[T], g: &mut [T]) -> Result<f64, Infallible> {
    let units = x.len() / 3;
    g.fill(T::ZERO);
    let mut loss = 0.0;
    for i in 0..64 {
        let t = T::from_f64(f64::from(i) / 32.0 - 1.0);
        let tanh = |j: usize| T::from_f64((x[units + j] * t + x[2 * units + j]).to_f64().tanh());
        let residual =
            (0..units).fold(T::ZERO, |sum, j| sum + x[j] * tanh(j)) - T::from_f64((3.0 * t.to_f64()).sin());
        loss += (residual * residual).to_f64() / 64.0;
        let seed = residual * T::from_f64(2.0 / 64.0);
        for j in 0..units {
            let h = tanh(j);
            let inner = seed * x[j] * (T::ONE - h * h);
            g[j] += seed * h;
            g[units + j] += inner * t;
            g[2 * units + j] += inner;
        }
    }
    Ok(loss)
}

#[test]
fn fits_in_f32_end_at_rounding_and_never_in_failure() {
    let mut rng = 1_u64;
    for start in 0..30 {
        let mut x: Vec<f32> = (0..18)
            .map(|_| {
                rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (rng >> 40) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        let steps = minimise(&Optimizer::lbfgs(), &mut x, 3000, &mut curve_fit);
        let last = steps.last().unwrap();
        assert!(!matches!(last.outcome, StepOutcome::Failed { .. }), "start {start}: {last:?}");
        assert!(last.loss < 3e-6, "start {start}: {last:?} after {} steps", steps.len());
        assert!(total(&steps) < 2 * steps.len() + 50, "start {start}: {} evaluations", total(&steps));
    }
}

#[test]
fn ill_conditioned_quadratics_are_solved() {
    // SciPy's L-BFGS-B with the same histories takes 142, 1286, 941 and 1946 evaluations; with 10 pairs and a
    // condition of 1e6 it is at a loss of 4e-6 after 3000 iterations.
    for (decades, history, most) in [(2, 10, 170), (4, 10, 1500), (6, 40, 1100), (8, 40, 2400)] {
        let optimizer =
            Optimizer::Lbfgs { history, max_evaluations: 25, tolerance: 1e-12, change_tolerance: 1e-12 };
        let mut x = vec![1.0; 30];
        let steps = minimise(&optimizer, &mut x, 3000, &mut quadratic(&spread(decades)));
        let last = steps.last().unwrap();
        assert!(last.loss < 1e-18, "condition 1e{decades}: {last:?} after {}", steps.len());
        assert!(total(&steps) < most, "condition 1e{decades}: {} evaluations", total(&steps));
    }
    let mut x = vec![1.0; 30];
    let steps = minimise(&Optimizer::lbfgs(), &mut x, 3000, &mut quadratic(&spread(6)));
    assert!(steps.last().unwrap().loss < 1e-4, "{:?}", steps.last());
    assert!((total(&steps) as f64) < 1.15 * steps.len() as f64, "{} evaluations", total(&steps));
}

#[test]
fn badly_scaled_gradients_are_no_problem() {
    for scale in [1e-8, 1e8, 1e150] {
        let mut x = [3.0, -4.0];
        let optimizer =
            Optimizer::Lbfgs { history: 10, max_evaluations: 60, tolerance: 0.0, change_tolerance: 0.0 };
        let steps = minimise(&optimizer, &mut x, 100, &mut quadratic(&[scale, 10.0 * scale]));
        assert!(norm(&x) < 1e-7, "scale {scale}: {x:?} {:?}", steps.last());
    }
}

#[test]
fn the_loss_never_rises_beyond_its_noise_and_evaluations_are_counted() {
    let mut count = 0;
    let mut objective = |x: &[f64], g: &mut [f64]| {
        count += 1;
        rosenbrock(x, g)
    };
    let mut x = rosenbrock_start::<f64>(20);
    let steps = minimise(&Optimizer::lbfgs(), &mut x, 300, &mut objective);
    assert_eq!(total(&steps), count);
    assert!(steps.windows(2).all(|s| s[1].loss <= s[0].loss * (1.0 + NOISE * f64::EPSILON)));
}

#[test]
fn the_answer_belongs_to_the_point() {
    let mut x = rosenbrock_start::<f64>(4);
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 4);
    for _ in 0..20 {
        let Ok(step) = state.step(&mut x, 1.0, &mut rosenbrock);
        let mut gradient = [0.0; 4];
        assert_eq!(rosenbrock(&x, &mut gradient), Ok(step.loss));
        assert_eq!(norm(&gradient), step.gradient_norm);
    }
}

#[test]
fn at_the_minimum_it_says_so_and_asks_only_once() {
    let mut x = [1.0, 1.0];
    let mut state = OptimizerState::<f64>::new(&Optimizer::lbfgs(), 2);
    for evaluations in [1, 0, 0] {
        let Ok(step) = state.step(&mut x, 1.0, &mut rosenbrock);
        assert_eq!((step.outcome, step.evaluations), (StepOutcome::Converged, evaluations));
    }
    assert_eq!(x, [1.0, 1.0]);
}

/// −log x − log(1 − x) + 3x: NaN outside (0, 1).
fn barrier(x: &[f64], g: &mut [f64]) -> Result<f64, Infallible> {
    g[0] = -1.0 / x[0] + 1.0 / (1.0 - x[0]) + 3.0;
    Ok(-x[0].ln() - (1.0 - x[0]).ln() + 3.0 * x[0])
}

#[test]
fn a_region_of_nan_is_never_entered() {
    for start in [1e-6, 0.3, 0.999_999] {
        let mut x = [start];
        let steps = minimise(&Optimizer::lbfgs(), &mut x, 100, &mut barrier);
        assert!(steps.iter().all(|s| s.loss.is_finite()));
        // The zero of the gradient: 3x² − 5x + 1 = 0.
        assert!((x[0] - (5.0 - 13_f64.sqrt()) / 6.0).abs() < 1e-8, "from {start}: {x:?}");
    }
}

#[test]
fn a_gradient_of_the_wrong_sign_fails_with_a_reason_and_x_stays() {
    let mut lying = |x: &[f64], g: &mut [f64]| {
        let loss = rosenbrock(x, g);
        g.iter_mut().for_each(|g| *g = -*g);
        loss
    };
    let mut x = [0.3, 0.4];
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 2);
    for _ in 0..2 {
        let Ok(step) = state.step(&mut x, 1.0, &mut lying);
        assert_eq!(step.outcome, StepOutcome::Failed { reason: Failure::LineSearch });
        assert_eq!(x, [0.3, 0.4]);
    }
}

#[test]
fn misleading_pairs_are_dropped_and_the_step_succeeds() {
    let optimizer = Optimizer::lbfgs();
    let mut state = OptimizerState::new(&optimizer, 2);
    let mut x = rosenbrock_start::<f64>(2);
    for _ in 0..5 {
        let Ok(_) = state.step(&mut x, 1.0, &mut rosenbrock);
    }
    let mut saved = state.export();
    let pairs = saved.counters["pairs"];
    // Positive curvature, but of an absurd scale: the direction overflows.
    saved.vectors.insert(format!("step{}", pairs - 1), vec![1e-3, 0.0]);
    saved.vectors.insert(format!("change{}", pairs - 1), vec![1e-150, 1e-151]);
    let mut state = OptimizerState::import(&optimizer, 2, saved).unwrap();
    let before = x.clone();
    let Ok(step) = state.step(&mut x, 1.0, &mut rosenbrock);
    assert_eq!(step.outcome, StepOutcome::Accepted);
    assert_ne!(x, before);
}

#[test]
fn pairs_without_curvature_are_not_kept() {
    // Concave everywhere: no step can have positive curvature.
    let mut hill = |x: &[f64], g: &mut [f64]| {
        g[0] = -2.0 * x[0];
        Ok::<f64, Infallible>(-x[0] * x[0])
    };
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 1);
    let mut x = [1.0];
    for _ in 0..3 {
        let Ok(_) = state.step(&mut x, 1.0, &mut hill);
    }
    assert_eq!(state.export().counters["pairs"], 0);
    assert!(x[0].is_finite());
}

#[test]
fn after_invalidate_the_new_objective_is_evaluated_before_it_is_descended() {
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 2);
    let mut x = [1.0, 1.0];
    for batch in 0..60 {
        // Two batches that disagree about where the minimum is, but not about the curvature.
        let shift = if batch % 2 == 0 { 0.1 } else { -0.1 };
        let mut objective = |x: &[f64], g: &mut [f64]| {
            let moved = [x[0] - shift, x[1] - shift];
            quadratic(&[1.0, 50.0])(&moved, g)
        };
        let (before, mut gradient) = (x, [0.0; 2]);
        let Ok(loss) = objective(&before, &mut gradient);
        state.invalidate();
        let Ok(step) = state.step(&mut x, 1.0, &mut objective);
        assert_ne!(step.outcome, StepOutcome::Failed { reason: Failure::LineSearch });
        assert!(step.loss <= loss, "batch {batch}: {} > {loss}", step.loss);
    }
    assert!(norm(&x) < 0.5);
}

#[test]
fn a_caller_who_moves_x_is_noticed() {
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 2);
    let mut x = rosenbrock_start::<f64>(2);
    for _ in 0..3 {
        let Ok(_) = state.step(&mut x, 1.0, &mut rosenbrock);
    }
    x = vec![1.0, 1.0];
    let Ok(step) = state.step(&mut x, 1.0, &mut rosenbrock);
    assert_eq!((step.outcome, step.loss), (StepOutcome::Converged, 0.0));
}

#[test]
fn a_shorter_history_keeps_the_newest_pairs_and_damage_is_refused() {
    let mut state = OptimizerState::new(&Optimizer::lbfgs(), 6);
    let mut x = rosenbrock_start::<f64>(6);
    for _ in 0..15 {
        let Ok(_) = state.step(&mut x, 1.0, &mut rosenbrock);
    }
    let saved = state.export();
    assert_eq!(saved.counters["pairs"], 10);
    let short = Optimizer::Lbfgs { history: 3, max_evaluations: 25, tolerance: 0.0, change_tolerance: 0.0 };
    let kept = OptimizerState::import(&short, 6, saved.clone()).unwrap().export();
    assert_eq!(kept.counters["pairs"], 3);
    assert_eq!(kept.vectors["step2"], saved.vectors["step9"]);

    let import = |state| OptimizerState::import(&Optimizer::lbfgs(), 6, state).unwrap_err();
    let mut bent = saved.clone();
    bent.vectors.get_mut("change4").unwrap().iter_mut().for_each(|c| *c = -*c);
    assert!(matches!(import(bent), StateError::Range { name, .. } if name == "change4"));
    let mut many = saved.clone();
    many.counters.insert("pairs".to_owned(), u64::MAX);
    assert_eq!(import(many), StateError::Missing { name: "step10".to_owned() });
    let mut flag = saved;
    flag.counters.insert("evaluated".to_owned(), 2);
    assert!(matches!(import(flag), StateError::Range { name, .. } if name == "evaluated"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// At every accepted point, with the step x₁ − x₀ in place of t·d, on a function with hills, valleys and kinks of
    /// the curvature.
    #[test]
    fn accepted_points_satisfy_the_strong_wolfe_conditions(
        mut x in prop::collection::vec(-3.0..3.0_f64, 2..8), bend in 0.0..2.0_f64, frequency in 0.5..4.0_f64,
    ) {
        let mut objective = |x: &[f64], g: &mut [f64]| {
            let Ok(mut loss) = rosenbrock(x, g);
            for (x, g) in x.iter().zip(g) {
                loss += bend * (1.0 - (frequency * x).cos());
                *g += bend * frequency * (frequency * x).sin();
            }
            Ok::<f64, Infallible>(loss)
        };
        let n = x.len();
        let optimizer =
            Optimizer::Lbfgs { history: 10, max_evaluations: 100, tolerance: 1e-6, change_tolerance: 1e-12 };
        let mut state = OptimizerState::new(&optimizer, n);
        let (mut old, mut g0, mut g1) = (x.clone(), vec![0.0; n], vec![0.0; n]);
        for _ in 0..60 {
            let Ok(loss) = objective(&old, &mut g0);
            let Ok(step) = state.step(&mut x, 1.0, &mut objective);
            if step.outcome != StepOutcome::Accepted {
                break;
            }
            let Ok(_) = objective(&x, &mut g1);
            let moved: Vec<f64> = x.iter().zip(&old).map(|(new, old)| new - old).collect();
            let (slope0, slope1) = (dot(&g0, &moved), dot(&g1, &moved));
            prop_assert!(slope0 < 0.0);
            prop_assert!(step.loss <= loss + C1 * slope0 + NOISE * f64::EPSILON * loss.abs());
            // x₁ − x₀ is t·d but for rounding, which the slope feels as that of the gradient.
            let rounding = 1e-14 * norm(&g1) * norm(&x);
            prop_assert!(slope1.abs() <= C2 * slope0.abs() + rounding, "{} {}", slope1, slope0);
            old.copy_from_slice(&x);
        }
    }
}

/// Numbers of type `T` that a run holds.
fn held<T: Real>(run: &Lbfgs<T>) -> usize {
    let pairs: usize = run.pairs.iter().map(|pair| pair.step.capacity() + pair.change.capacity()).sum();
    let vectors = [&run.gradient, &run.point, &run.trial, &run.trial_gradient, &run.kept_gradient];
    let direction = run.direction.capacity() * size_of::<f64>() / size_of::<T>();
    let spare = run.spare.0.capacity() + run.spare.1.capacity();
    pairs + spare + direction + vectors.iter().map(|vector| vector.capacity()).sum::<usize>()
}

fn holds_what_it_says<T: Real>() {
    let (n, history) = (20, 4);
    let mut run = Lbfgs::new(n, history, 25, 0.0, 0.0);
    let mut x = rosenbrock_start::<T>(n);
    let mut places = std::collections::BTreeSet::new();
    for step in 0..40 {
        let Ok(_) = run.step(&mut x, 1.0, &mut rosenbrock);
        assert!(held(&run) <= Lbfgs::<T>::slabs(history) * n);
        if step >= 20 {
            places.extend(run.pairs.iter().map(|pair| pair.step.as_ptr().addr()));
        }
    }
    assert_eq!(held(&run), Lbfgs::<T>::slabs(history) * n);
    // The storage goes round: one place more than pairs.
    assert!(places.len() <= history + 1, "{} places", places.len());
}

#[test]
fn a_run_holds_what_it_says_and_a_full_history_allocates_nothing() {
    holds_what_it_says::<f64>();
    holds_what_it_says::<f32>();
}
