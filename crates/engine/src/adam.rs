//! The element-wise part of Adam, which backends run with their threads and vectors.
//!
//! Adam itself, and when it applies, is the optimiser's; here are plain loops over slabs, the same for every backend.
//! No addition is fused with a multiplication and sums have one order, so all give the same bits.

use crate::real::Real;

/// Parameters that a task surveys or updates at a time; sums are made of sums over so many.
pub const SLAB_CHUNK: usize = 1 << 14;

/// Sums run over so many fixed lanes: one order of additions for every machine, which the compiler can vectorise.
const LANES: usize = 8;

/// The scalars of one step: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `x ← keep·x − rate·m/(√(scale·v) + ε)`
/// (Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2).
#[derive(Clone, Copy, Debug)]
pub struct AdamRule<T> {
    /// β₁ and 1 − β₁.
    pub first: [T; 2],
    /// β₂ and 1 − β₂.
    pub second: [T; 2],
    /// ε.
    pub epsilon: T,
    /// 1 − ηλ.
    pub keep: T,
    /// η/(1 − β₁ᵗ).
    pub rate: T,
    /// 1/(1 − β₂ᵗ).
    pub scale: T,
}

/// Parameters, their gradient and its moments, all of one length.
#[derive(Debug)]
pub struct AdamSlabs<'a, T> {
    /// `x`.
    pub parameters: &'a mut [T],
    /// `g`.
    pub gradient: &'a [T],
    /// `m`.
    pub first: &'a mut [T],
    /// `v`.
    pub second: &'a mut [T],
}

/// A step of Adam that is to follow the gradient of a batch.
#[derive(Debug)]
pub struct Descent<'a, T> {
    /// Scalars of the step.
    pub rule: &'a AdamRule<T>,
    /// No first moment, and no root of a second one, is larger.
    pub largest: f64,
    /// `x`.
    pub parameters: &'a mut [T],
    /// `g`; its old content means nothing.
    pub gradient: &'a mut [T],
    /// `m`.
    pub first: &'a mut [T],
    /// `v`.
    pub second: &'a mut [T],
}

impl<T: Real> AdamRule<T> {
    /// Whether the step is sure to stay within the number range: if no parameter is larger than `magnitude`, and no
    /// gradient, first moment or root of a second one than `largest`.
    pub fn stays_finite(&self, magnitude: f64, largest: f64) -> bool {
        let [rate, scale, keep, epsilon] =
            [self.rate, self.scale, self.keep, self.epsilon].map(|scalar| scalar.to_f64());
        // A mean of numbers is below the largest, but for rounding.
        let largest = largest * (1.0 + 4.0 * T::EPSILON.to_f64());
        let farthest = keep.abs().max(1.0) * magnitude + rate * largest / epsilon;
        let highest = largest * largest * scale;
        let limit = T::MAX.to_f64() / 4.0;
        let constants = epsilon > 0.0 && rate.is_finite() && scale.is_finite();
        constants && farthest < limit && rate * largest < limit && highest < limit
    }

    /// The new parameter and moments. What never had a gradient stays as it is: no decay moves it either, since with a
    /// fixed grid it belongs to a region without data.
    #[inline(always)]
    pub fn element(&self, x: T, g: T, m: T, v: T) -> (T, T, T) {
        let idle = g == T::ZERO && m == T::ZERO && v == T::ZERO;
        let m = self.first[0] * m + self.first[1] * g;
        let v = self.second[0] * v + self.second[1] * (g * g);
        let moved = self.keep * x - self.rate * m / ((v * self.scale).sqrt() + self.epsilon);
        (if idle { x } else { moved }, m, v)
    }

    /// Moves all parameters and moments.
    #[inline(always)]
    pub fn apply(&self, slabs: AdamSlabs<'_, T>) {
        let AdamSlabs { parameters, gradient, first, second } = slabs;
        for ((x, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(first.iter_mut().zip(second)) {
            (*x, *m, *v) = self.element(*x, *g, *m, *v);
        }
    }
}

impl<'a, T> AdamSlabs<'a, T> {
    /// The slabs in pieces of `length`.
    pub fn chunks(self, length: usize) -> impl Iterator<Item = AdamSlabs<'a, T>> {
        let moments = self.first.chunks_mut(length).zip(self.second.chunks_mut(length));
        let slabs = self.parameters.chunks_mut(length).zip(self.gradient.chunks(length)).zip(moments);
        slabs.map(|((parameters, gradient), (first, second))| AdamSlabs {
            parameters,
            gradient,
            first,
            second,
        })
    }
}

/// What tells whether a step can be done, without doing it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Survey {
    /// Sum of the squares of the gradient. Not finite where an element is not; also where squares leave the range of
    /// `f64`.
    pub squares: f64,
    /// Sum of the magnitudes of the parameters.
    pub magnitudes: f64,
}

impl Survey {
    /// Surveys slabs of one length.
    pub fn of<T: Real>(parameters: &[T], gradient: &[T]) -> Self {
        let chunks = parameters.chunks(SLAB_CHUNK).zip(gradient.chunks(SLAB_CHUNK));
        Self::sum(chunks.map(|(parameters, gradient)| Self::of_chunk(parameters, gradient)))
    }

    /// Whether the squares tell the norm of the gradient, and so that it is finite: they left the range of `f64` on neither
    /// side.
    pub fn is_plain(&self) -> bool {
        self.squares.is_finite() && self.squares > f64::MIN_POSITIVE / f64::EPSILON
    }

    /// Surveys slabs of at most [`SLAB_CHUNK`].
    #[inline(always)]
    pub fn of_chunk<T: Real>(parameters: &[T], gradient: &[T]) -> Self {
        // Lanes of one kind side by side, so that they become vectors; both kinds in turns, since additions wait for those
        // before.
        let (mut squares, mut magnitudes) = ([0.0; LANES], [0.0; LANES]);
        let mut observe = |x: &[T], g: &[T]| {
            for (sum, g) in squares.iter_mut().zip(g) {
                *sum += g.to_f64() * g.to_f64();
            }
            for (sum, x) in magnitudes.iter_mut().zip(x) {
                *sum += x.to_f64().abs();
            }
        };
        let (x_chunks, x_rest) = parameters.as_chunks::<LANES>();
        let (g_chunks, g_rest) = gradient.as_chunks::<LANES>();
        for (x, g) in x_chunks.iter().zip(g_chunks) {
            observe(x, g);
        }
        observe(x_rest, g_rest);
        let lanes = squares.into_iter().zip(magnitudes);
        Self::sum(lanes.map(|(squares, magnitudes)| Self { squares, magnitudes }))
    }

    /// The sum of surveys, in order.
    #[inline(always)]
    pub fn sum(parts: impl Iterator<Item = Self>) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            squares: sum.squares + part.squares,
            magnitudes: sum.magnitudes + part.magnitudes,
        })
    }
}

/// The sum of squares.
#[inline(always)]
pub fn sum_of_squares<T: Real>(numbers: &[T]) -> f64 {
    sum(
        numbers,
        #[inline(always)]
        |number| number * number,
    )
}

/// The sum of magnitudes.
#[inline(always)]
pub fn sum_of_magnitudes<T: Real>(numbers: &[T]) -> f64 {
    sum(
        numbers,
        #[inline(always)]
        |number| number.abs(),
    )
}

/// Lanes side by side, so that they become vectors.
#[inline(always)]
fn sum<T: Real>(numbers: &[T], of: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, number) in sums.iter_mut().zip(chunk) {
            *sum += of(number.to_f64());
        }
    }
    for (sum, number) in sums.iter_mut().zip(rest) {
        *sum += of(number.to_f64());
    }
    sums.into_iter().fold(0.0, |sum, lane| sum + lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survey_is_the_sum_of_squares_and_magnitudes_at_any_length() {
        for count in [0, 1, 7, 8, 1000, SLAB_CHUNK, SLAB_CHUNK + 3] {
            let x: Vec<f32> = (0..count).map(|i| (i % 5) as f32 - 2.0).collect();
            let g: Vec<f32> = (0..count).map(|i| (i % 7) as f32 - 3.0).collect();
            let survey = Survey::of(&x, &g);
            assert_eq!(survey.squares, g.iter().map(|g| f64::from(g * g)).sum::<f64>());
            assert_eq!(survey.magnitudes, x.iter().map(|x| f64::from(x.abs())).sum::<f64>());
        }
    }

    #[test]
    fn what_is_not_finite_shows_in_a_survey() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!Survey::of(&[0.0; 20], &[[0.0; 19].as_slice(), &[bad]].concat()).squares.is_finite());
            assert!(!Survey::of(&[[0.0; 19].as_slice(), &[bad]].concat(), &[0.0; 20]).magnitudes.is_finite());
        }
    }

    #[test]
    fn chunks_are_the_whole_in_order() {
        let n = 2 * SLAB_CHUNK + 5;
        let (mut x, g, mut m, mut v) = (vec![0; n], vec![0; n], vec![0; n], vec![0; n]);
        let slabs = AdamSlabs { parameters: &mut x, gradient: &g, first: &mut m, second: &mut v };
        let lengths: Vec<usize> = slabs
            .chunks(SLAB_CHUNK)
            .map(|chunk| {
                assert_eq!([chunk.gradient.len(), chunk.first.len()], [chunk.parameters.len(); 2]);
                chunk.second.len()
            })
            .collect();
        assert_eq!(lengths, [SLAB_CHUNK, SLAB_CHUNK, 5]);
    }

    #[test]
    fn a_step_is_sure_to_stay_finite_below_the_limits_alone() {
        let rule = AdamRule::<f32> {
            first: [0.9, 0.1],
            second: [0.999, 0.001],
            epsilon: 1e-8,
            keep: 1.0,
            rate: 0.01,
            scale: 1000.0,
        };
        assert!(rule.stays_finite(1e37, 1e17));
        // The parameter, the second moment made unbiased, the quotient that ε bounds; and what is no number.
        for (magnitude, largest) in [(2e38, 1.0), (1.0, 1e18), (f64::NAN, 1.0), (1.0, f64::NAN)] {
            assert!(!rule.stays_finite(magnitude, largest), "{magnitude} {largest}");
        }
        assert!(!AdamRule { rate: 1e20, ..rule }.stays_finite(1.0, 1e11));
        assert!(!AdamRule { epsilon: 0.0, ..rule }.stays_finite(1.0, 1.0));
        assert!(!AdamRule { rate: f32::INFINITY, ..rule }.stays_finite(1.0, 0.0));
        // What it promises.
        let (x, m, v) = rule.element(1e37, 1e17, -1e17, 1e34);
        assert!([x, m, v * rule.scale].iter().all(|number| number.is_finite()));
    }
}
