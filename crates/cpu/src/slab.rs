//! Passes over slabs of parameters. The loops are the engine's; here they are compiled for the vectors of the machine
//! and divided among the threads, which changes no bit.

use crate::float::Float;
use crate::layer::Team;
use crate::simd::dispatch;
use kanode_engine::{AdamRule, AdamSlabs, SLAB_CHUNK, Survey, sum_of_magnitudes};

/// Chunks of a task: to wake another thread takes longer than a pass over a slab of a few.
const CHUNKS: usize = 8;

/// Numbers of a task.
const TASK: usize = CHUNKS * SLAB_CHUNK;

impl<T: Float> Team<T> {
    /// [`Survey::of`]; `parts` is work space.
    pub(crate) fn survey(&self, parameters: &[T], gradient: &[T], parts: &mut Vec<Survey>) -> Survey {
        parts.clear();
        parts.resize(parameters.len().div_ceil(SLAB_CHUNK), Survey::default());
        let tasks = parameters.chunks(TASK).zip(gradient.chunks(TASK)).zip(parts.chunks_mut(CHUNKS));
        self.pool.run(tasks, |_, ((parameters, gradient), parts)| {
            let chunks = parameters.chunks(SLAB_CHUNK).zip(gradient.chunks(SLAB_CHUNK));
            for ((parameters, gradient), part) in chunks.zip(parts) {
                *part = dispatch!(self.level, simd => {
                    let _ = simd;
                    Survey::of_chunk(parameters, gradient)
                });
            }
        });
        Survey::sum(parts.iter().copied())
    }

    /// The sum of the magnitudes of some numbers; `parts` is work space.
    pub(crate) fn magnitude(&self, numbers: &[T], parts: &mut Vec<Survey>) -> f64 {
        parts.clear();
        parts.resize(numbers.len().div_ceil(TASK), Survey::default());
        self.pool.run(numbers.chunks(TASK).zip(&mut *parts), |_, (numbers, part)| {
            part.magnitudes = dispatch!(self.level, simd => {
                let _ = simd;
                sum_of_magnitudes(numbers)
            });
        });
        Survey::sum(parts.iter().copied()).magnitudes
    }

    /// Adds one slab to another.
    pub(crate) fn add_slab(&self, to: &mut [T], from: &[T]) {
        self.pool.run(to.chunks_mut(TASK).zip(from.chunks(TASK)), |_, (to, from)| {
            for (to, from) in to.iter_mut().zip(from) {
                *to += *from;
            }
        });
    }

    /// [`AdamRule::apply`].
    pub(crate) fn adam(&self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>) {
        self.pool.run(slabs.chunks(TASK), |_, slabs| {
            dispatch!(self.level, simd => {
                let _ = simd;
                rule.apply(slabs);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::pool::Pool;
    use std::sync::Arc;

    fn numbers<T: Float>(count: usize, step: usize) -> Vec<T> {
        (0..count).map(|i| T::from_f64((i * step % 1009) as f64 / 1009.0 - 0.4)).collect()
    }

    fn agrees_with_the_engine<T: Float>() {
        let rule = AdamRule {
            first: [0.9, 0.1].map(T::from_f64),
            second: [0.999, 0.001].map(T::from_f64),
            epsilon: T::from_f64(1e-8),
            keep: T::from_f64(0.99),
            rate: T::from_f64(0.01),
            scale: T::from_f64(3.0),
        };
        let run = |update: &dyn Fn(&AdamRule<T>, AdamSlabs<'_, T>)| {
            let n = TASK + SLAB_CHUNK + 11;
            let (mut parameters, gradient) = (numbers::<T>(n, 7), numbers::<T>(n, 11));
            let (mut first, mut second) = (numbers::<T>(n, 13), gradient.clone());
            second.iter_mut().for_each(|v| *v *= *v);
            let (first, second) = (&mut *first, &mut *second);
            update(&rule, AdamSlabs { parameters: &mut parameters, gradient: &gradient, first, second });
            (parameters, first.to_vec(), second.to_vec())
        };
        let expected = run(&|rule, slabs| rule.apply(slabs));
        let survey = Survey::of(&expected.0, &expected.1);
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            for threads in [1, 2] {
                let team = Team::new(level, Arc::new(Pool::new(threads).unwrap()));
                assert!(run(&|rule, slabs| team.adam(rule, slabs)) == expected);
                assert_eq!(team.survey(&expected.0, &expected.1, &mut Vec::new()), survey);
            }
        }
    }

    #[test]
    fn vectors_and_threads_change_no_bit() {
        agrees_with_the_engine::<f32>();
        agrees_with_the_engine::<f64>();
    }
}
