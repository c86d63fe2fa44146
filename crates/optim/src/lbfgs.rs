//! L-BFGS: the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4) over a strong-Wolfe line search. Loss and
//! gradient of the current point are kept between steps, so that a step usually costs one evaluation, and `x` is
//! written only when a point is accepted, so that an interruption cannot leave it between two points.

use crate::error::StateError;
use crate::line_search::{Found, Point, Probe, Ray, search};
use crate::objective::{Failure, Objective, Step, StepOutcome, fault};
use crate::state::{Method, State};
use crate::vector::{add_scaled, dot, first_not_finite, norm};
use kanode_engine::Real;
use std::collections::VecDeque;

/// Steps in a row without a lower loss worth the name, after which the run has converged. A single one may be a
/// short first step after the history was dropped, or noise.
const QUIET_STEPS: u64 = 10;

/// Noise of a loss, in units of its last bit. Outputs around 1 of residuals around r carry an error of ε/r relative to
/// r, and so does the loss: 1e4 serves `f32` fits down to residuals of 1e-4 (with 2 in place of 1e4 they end at losses
/// 20 times higher), and in `f64` is still a change of only 2e-12. Hager & Zhang allow 1e-6.
const NOISE: f64 = 1e4;

/// A step and the change of the gradient over it.
#[derive(Clone, Debug)]
struct Pair<T> {
    /// x₁ − x₀, as it was rounded.
    step: Vec<T>,
    /// g₁ − g₀
    change: Vec<T>,
    /// step·change, above 0; recomputed on import, where it has the same bits.
    curvature: f64,
}

/// The curvature of a step and its change; None where it is not positive or a product leaves the number range.
fn curvature<T: Real>(step: &[T], change: &[T]) -> Option<f64> {
    let curvature = dot(step, change);
    let usable = curvature > 0.0 && curvature.is_normal() && dot(change, change).is_normal();
    usable.then_some(curvature)
}

/// The memory of one L-BFGS run.
#[derive(Clone, Debug)]
pub(crate) struct Lbfgs<T> {
    history: usize,
    max_evaluations: usize,
    tolerance: f64,
    change_tolerance: f64,
    /// Oldest first.
    pairs: VecDeque<Pair<T>>,
    /// Storage for the next pair: that of the one dropped last, empty before.
    spare: (Vec<T>, Vec<T>),
    /// Whether `loss` and `gradient` are those of the current point.
    evaluated: bool,
    loss: f64,
    gradient: Vec<T>,
    /// The current point as this state left it; empty before the first evaluation and after an import.
    point: Vec<T>,
    /// The loss when it last fell by more than a negligible amount, and the accepted steps since.
    lowest: f64,
    quiet: u64,
    // What follows is scratch: no step reads what an earlier one left there.
    direction: Vec<f64>,
    trial: Vec<T>,
    trial_gradient: Vec<T>,
    kept_gradient: Vec<T>,
}

/// The objective along `origin + t·direction`.
struct Line<'a, T, O: ?Sized> {
    objective: &'a mut O,
    origin: &'a [T],
    direction: &'a [f64],
    trial: &'a mut [T],
    gradient: &'a mut Vec<T>,
    kept_gradient: &'a mut Vec<T>,
    evaluations: &'a mut usize,
}

/// trial ← origin + t·direction; whether any element differs from its origin.
fn walk<T: Real>(trial: &mut [T], origin: &[T], t: f64, direction: &[f64]) -> bool {
    let mut moved = false;
    for ((trial, x), d) in trial.iter_mut().zip(origin).zip(direction) {
        *trial = T::from_f64(x.to_f64() + t * d);
        moved |= *trial != *x;
    }
    moved
}

impl<T: Real, O: Objective<T> + ?Sized> Ray for Line<'_, T, O> {
    type Stop = O::Stop;

    fn probe(&mut self, t: f64) -> Result<Probe, O::Stop> {
        if !walk(self.trial, self.origin, t, self.direction) {
            return Ok(Probe::Still);
        }
        if first_not_finite(self.trial).is_some() {
            return Ok(Probe::Outside);
        }
        let loss = self.objective.evaluate(self.trial, self.gradient)?;
        *self.evaluations += 1;
        let slope = dot(self.gradient, self.direction);
        if fault(loss, self.gradient).is_some() || !slope.is_finite() {
            return Ok(Probe::Outside);
        }
        Ok(Probe::Inside(Point { t, loss, slope }))
    }

    fn keep(&mut self) {
        std::mem::swap(self.gradient, self.kept_gradient);
    }
}

impl<T: Real> Lbfgs<T> {
    pub(crate) fn new(
        n: usize,
        history: usize,
        max_evaluations: usize,
        tolerance: f64,
        change_tolerance: f64,
    ) -> Self {
        let zeros = || vec![T::ZERO; n];
        Self {
            history,
            max_evaluations,
            tolerance,
            change_tolerance,
            pairs: VecDeque::new(),
            spare: (Vec::new(), Vec::new()),
            evaluated: false,
            loss: 0.0,
            gradient: zeros(),
            point: Vec::new(),
            lowest: 0.0,
            quiet: 0,
            direction: vec![0.0; n],
            trial: zeros(),
            trial_gradient: zeros(),
            kept_gradient: zeros(),
        }
    }

    /// Numbers of type `T` kept for each parameter: the pairs with one to spare, five vectors, and the direction.
    pub(crate) fn slabs(history: usize) -> usize {
        2 * (history + 1) + 5 + size_of::<f64>() / size_of::<T>()
    }

    /// A change of the loss that may be nothing but noise.
    fn noise(&self) -> f64 {
        NOISE * T::EPSILON.to_f64() * self.loss.abs()
    }

    fn answer(&self, evaluations: usize, outcome: StepOutcome) -> Step {
        Step { loss: self.loss, gradient_norm: norm(&self.gradient), evaluations, outcome }
    }

    /// Evaluates at `x` where loss and gradient are not known; what is wrong with them, if anything.
    fn look<O: Objective<T> + ?Sized>(
        &mut self,
        x: &[T],
        objective: &mut O,
        evaluations: &mut usize,
    ) -> Result<Option<Step>, O::Stop> {
        // A caller who moved x without a word would otherwise combine one point with the gradient of another.
        if !self.point.is_empty() && self.point != x {
            self.evaluated = false;
        }
        if self.evaluated {
            return Ok(None);
        }
        let loss = objective.evaluate(x, &mut self.trial_gradient)?;
        *evaluations += 1;
        if let Some(reason) = fault(loss, &self.trial_gradient) {
            let norm = norm(&self.trial_gradient);
            return Ok(Some(Step::failed(loss, norm, *evaluations, reason)));
        }
        std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        self.point.clear();
        self.point.extend_from_slice(x);
        (self.evaluated, self.loss, self.lowest, self.quiet) = (true, loss, loss, 0);
        Ok(None)
    }

    /// direction ← −H·gradient by the two-loop recursion.
    fn aim(&mut self) {
        for (d, g) in self.direction.iter_mut().zip(&self.gradient) {
            *d = -g.to_f64();
        }
        let mut factors = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let factor = dot(&pair.step, &self.direction) / pair.curvature;
            add_scaled(&mut self.direction, -factor, &pair.change);
            factors.push(factor);
        }
        if let Some(newest) = self.pairs.back() {
            let scale = newest.curvature / dot(&newest.change, &newest.change);
            self.direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (pair, factor) in self.pairs.iter().zip(factors.iter().rev()) {
            let back = dot(&pair.change, &self.direction) / pair.curvature;
            add_scaled(&mut self.direction, factor - back, &pair.step);
        }
    }

    /// direction ← steepest descent of length rate·min(‖g‖, 1).
    fn aim_down(&mut self, learning_rate: f64) {
        let rate = if learning_rate > 0.0 { learning_rate } else { 1.0 };
        let scale = rate / norm(&self.gradient).max(1.0);
        for (d, g) in self.direction.iter_mut().zip(&self.gradient) {
            *d = -scale * g.to_f64();
        }
    }

    /// The slope along the direction, if it is one of descent by more than the rounding of the product.
    fn descent(&self) -> Option<f64> {
        let slope = dot(&self.gradient, &self.direction);
        let size = norm(&self.gradient) * norm(&self.direction);
        (slope.is_finite() && size.is_finite() && slope < -T::EPSILON.to_f64() * size).then_some(slope)
    }

    /// Searches along the direction. At the end trial and trial_gradient belong to the point found, if any.
    fn search<O: Objective<T> + ?Sized>(
        &mut self,
        x: &[T],
        slope: f64,
        objective: &mut O,
        evaluations: &mut usize,
    ) -> Result<Found, O::Stop> {
        let start = Point { t: 0.0, loss: self.loss, slope };
        let noise = self.noise();
        let mut line = Line {
            objective,
            origin: x,
            direction: &self.direction,
            trial: &mut self.trial,
            gradient: &mut self.trial_gradient,
            kept_gradient: &mut self.kept_gradient,
            evaluations,
        };
        let found = search(&mut line, start, noise, self.max_evaluations)?;
        if let Found::Decrease(point) = found {
            line.keep();
            walk(&mut self.trial, x, point.t, &self.direction);
        }
        Ok(found)
    }

    /// Moves to the trial point.
    fn accept(&mut self, x: &mut [T], loss: f64) -> StepOutcome {
        let negligible = self.change_tolerance.max(T::EPSILON.to_f64()) * self.lowest.abs();
        if self.lowest - loss > negligible {
            (self.lowest, self.quiet) = (loss, 0);
        } else {
            self.quiet = self.quiet.saturating_add(1);
        }
        self.remember(x);
        self.loss = loss;
        std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        x.copy_from_slice(&self.trial);
        self.point.clear();
        self.point.extend_from_slice(x);
        if norm(&self.gradient) <= self.tolerance || self.quiet >= QUIET_STEPS {
            StepOutcome::Converged
        } else {
            StepOutcome::Accepted
        }
    }

    /// Keeps the pair of the step from `x` to the trial point, unless its curvature is not above the rounding of the
    /// gradients: such a pair would say something about the number type, not about the objective.
    fn remember(&mut self, x: &[T]) {
        let (mut step, mut change) = std::mem::take(&mut self.spare);
        let difference = |into: &mut Vec<T>, new: &[T], old: &[T]| {
            into.clear();
            into.extend(new.iter().zip(old).map(|(new, old)| *new - *old));
        };
        difference(&mut step, &self.trial, x);
        difference(&mut change, &self.trial_gradient, &self.gradient);
        let gradients = norm(&self.gradient) + norm(&self.trial_gradient);
        let least = T::EPSILON.to_f64() * norm(&step) * gradients;
        let Some(curvature) = curvature(&step, &change).filter(|curvature| *curvature > least) else {
            self.spare = (step, change);
            return;
        };
        if self.pairs.len() >= self.history
            && let Some(Pair { step, change, .. }) = self.pairs.pop_front()
        {
            self.spare = (step, change);
        }
        self.pairs.push_back(Pair { step, change, curvature });
    }
}

impl<T: Real> Method<T> for Lbfgs<T> {
    fn step<O: Objective<T> + ?Sized>(
        &mut self,
        x: &mut [T],
        learning_rate: f64,
        objective: &mut O,
    ) -> Result<Step, O::Stop> {
        let mut evaluations = 0;
        if let Some(failed) = self.look(x, objective, &mut evaluations)? {
            return Ok(failed);
        }
        let size = norm(&self.gradient);
        if size <= self.tolerance {
            return Ok(self.answer(evaluations, StepOutcome::Converged));
        }
        if !self.pairs.is_empty() {
            self.aim();
            if let Some(slope) = self.descent()
                && let Found::Wolfe(point) | Found::Decrease(point) =
                    self.search(x, slope, objective, &mut evaluations)?
            {
                let outcome = self.accept(x, point.loss);
                return Ok(self.answer(evaluations, outcome));
            }
            self.pairs.clear();
        }
        self.aim_down(learning_rate);
        let failed = StepOutcome::Failed { reason: Failure::LineSearch };
        let outcome = match self.descent() {
            Some(slope) => match self.search(x, slope, objective, &mut evaluations)? {
                Found::Wolfe(point) | Found::Decrease(point) => self.accept(x, point.loss),
                // The shortest step promised less than noise, so nothing was left to be gained.
                Found::Nothing { shortest, contradicted: false } if shortest * -slope <= self.noise() => {
                    StepOutcome::Converged
                }
                Found::Nothing { .. } => failed,
            },
            // A gradient whose square underflows; or one whose norm overflows, along which no step is measurable.
            None if size.is_finite() => StepOutcome::Converged,
            None => failed,
        };
        Ok(self.answer(evaluations, outcome))
    }

    fn invalidate(&mut self) {
        self.evaluated = false;
    }

    fn export(&self, state: &mut State<T>) {
        state.put_counter("evaluated", u64::from(self.evaluated));
        state.put_counter("pairs", self.pairs.len() as u64);
        if self.evaluated {
            state.put_scalar("loss", self.loss);
            state.put_scalar("lowest", self.lowest);
            state.put_counter("quiet", self.quiet);
            state.put_vector("gradient", &self.gradient);
        }
        for (i, pair) in self.pairs.iter().enumerate() {
            state.put_vector(&format!("step{i}"), &pair.step);
            state.put_vector(&format!("change{i}"), &pair.change);
        }
    }

    fn import(&mut self, state: &mut State<T>) -> Result<(), StateError> {
        let n = self.gradient.len();
        self.evaluated = state.take_flag("evaluated")?;
        let pairs = state.take_counter("pairs")?;
        if self.evaluated {
            self.loss = state.take_scalar("loss")?;
            self.lowest = state.take_scalar("lowest")?;
            self.quiet = state.take_counter("quiet")?;
            self.gradient = state.take_vector("gradient", n)?;
        }
        for i in 0..pairs {
            let name = format!("change{i}");
            let (step, change) = (state.take_vector(&format!("step{i}"), n)?, state.take_vector(&name, n)?);
            let Some(curvature) = curvature(&step, &change) else {
                return Err(StateError::Range { name, expected: "of positive curvature along its step" });
            };
            // A run that is continued with a shorter history keeps the newest pairs.
            if self.pairs.len() >= self.history {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { step, change, curvature });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
