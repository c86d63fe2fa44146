//! Interval arithmetic: bounds of what an expression can be while its variables stay in a box, and whether it has a
//! value everywhere there. Bounds are widened for rounding, so they hold, but need not be reached.

use super::function::Support;
use super::{Expression, Function, Node};
use std::collections::HashMap;
use std::f64::consts::{FRAC_PI_2, PI};

/// All numbers from `low` to `high`, ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The least of them.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// What an expression can be in a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enclosure {
    /// Bounds of its values, where it has some.
    pub values: Interval,
    /// Whether it has a value at every point of the box. False if that could not be shown.
    pub defined: bool,
}

impl Interval {
    /// All numbers.
    pub const ALL: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// From `low` to `high`.
    pub fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Whether a number is in it.
    pub fn contains(self, number: f64) -> bool {
        self.low <= number && number <= self.high
    }

    fn point(number: f64) -> Self {
        Self { low: number, high: number }
    }

    /// Wider by a few units in the last place; ends that are no numbers become infinite.
    fn widened(self) -> Self {
        let room = |end: f64| 4.0 * f64::EPSILON * end.abs() + f64::MIN_POSITIVE;
        let low = if self.low.is_nan() { f64::NEG_INFINITY } else { self.low - room(self.low) };
        let high = if self.high.is_nan() { f64::INFINITY } else { self.high + room(self.high) };
        Self { low, high }
    }

    fn within(self, bounds: Self) -> Self {
        Self {
            low: self.low.max(bounds.low).min(bounds.high),
            high: self.high.min(bounds.high).max(bounds.low),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.low + other.low, self.high + other.high).widened()
    }

    fn times(self, other: Self) -> Self {
        // 0·∞ is 0 here: the infinity is a bound and no value.
        let product = |a: f64, b: f64| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
        let ends = [self.low, self.high].map(|a| [product(a, other.low), product(a, other.high)]);
        Self::hull(ends.as_flattened()).widened()
    }

    fn hull(numbers: &[f64]) -> Self {
        let fold = |pick: fn(f64, f64) -> f64, from| numbers.iter().copied().fold(from, pick);
        Self::new(fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY))
    }

    fn mapped(self, f: impl Fn(f64) -> f64) -> Self {
        Self::hull(&[f(self.low), f(self.high)]).widened()
    }

    /// Whether `offset + period·n` is in it for some whole n.
    fn meets(self, offset: f64, period: f64) -> bool {
        let first = ((self.low - offset) / period).ceil();
        first.mul_add(period, offset) <= self.high + 1e-9 * (1.0 + self.high.abs())
    }
}

impl Expression {
    /// Bounds of its values while each variable stays in its interval; variables without one may be anything.
    pub fn enclosure(&self, bounds: &HashMap<&str, Interval>) -> Enclosure {
        let mut known: HashMap<Self, Enclosure> = HashMap::new();
        self.walk(|part| {
            let of = |part: &Self| known[part];
            let all = |parts: &[Self]| parts.iter().all(|part| known[part].defined);
            let everywhere = |values| Enclosure { values, defined: true };
            let found = match part.node() {
                Node::Number(number) => everywhere(Interval::point(number.to_f64())),
                Node::Pi => everywhere(Interval::point(PI).widened()),
                Node::Variable(name) => everywhere(bounds.get(&**name).copied().unwrap_or(Interval::ALL)),
                Node::Sum(terms) => {
                    let sum = terms.iter().map(|term| of(term).values).reduce(Interval::plus);
                    Enclosure { values: sum.unwrap_or(Interval::ALL), defined: all(terms) }
                }
                Node::Product(factors) => {
                    let product = factors.iter().map(|factor| of(factor).values).reduce(Interval::times);
                    Enclosure { values: product.unwrap_or(Interval::ALL), defined: all(factors) }
                }
                Node::Power(base, exponent) => power(of(base), exponent, of(exponent)),
                Node::Call(function, argument) => call(*function, of(argument)),
            };
            known.insert(part.clone(), found);
        });
        known[self]
    }
}

fn power(base: Enclosure, exponent: &Expression, powers: Enclosure) -> Enclosure {
    let x = base.values;
    let Some(number) = exponent.number() else {
        // u^v = e^(v·ln u) for u > 0.
        let logarithm = call(Function::Log, base);
        let values = powers.values.times(logarithm.values).mapped(f64::exp);
        return Enclosure { values, defined: powers.defined && logarithm.defined };
    };
    let p = number.to_f64();
    let Some(whole) = number.whole() else {
        let positive = x.within(Interval::new(0.0, f64::INFINITY));
        let defined = base.defined && if p > 0.0 { x.low >= 0.0 } else { x.low > 0.0 };
        return Enclosure { values: positive.mapped(|x| x.powf(p)), defined };
    };
    let even = whole % 2 == 0;
    let crosses = x.contains(0.0);
    if whole > 0 {
        let ends = x.mapped(|x| x.powf(p));
        let values = if even && crosses { Interval::new(0.0, ends.high) } else { ends };
        return Enclosure { values, ..base };
    }
    if !crosses {
        return Enclosure { values: x.mapped(|x| x.powf(p)), ..base };
    }
    let values = if even {
        Interval::new(x.low.abs().max(x.high.abs()).powf(p), f64::INFINITY).widened()
    } else {
        Interval::ALL
    };
    Enclosure { values, defined: false }
}

fn call(function: Function, argument: Enclosure) -> Enclosure {
    let x = argument.values;
    let unit = Interval::new(-1.0, 1.0);
    let (inside, fits) = match function.support() {
        Support::All => (x, true),
        Support::From { start, closed } => (
            x.within(Interval::new(start, f64::INFINITY)),
            if closed { x.low >= start } else { x.low > start },
        ),
        Support::Unit { closed: true } => (x.within(unit), x.low >= -1.0 && x.high <= 1.0),
        Support::Unit { closed: false } => (x.within(unit), x.low > -1.0 && x.high < 1.0),
    };
    let mut defined = argument.defined && fits;
    let values = match function {
        Function::Sin | Function::Cos => {
            let top = if function == Function::Sin { FRAC_PI_2 } else { 0.0 };
            let ends = x.mapped(|x| function.evaluate(x));
            let high = if x.meets(top, 2.0 * PI) { 1.0 } else { ends.high };
            let low = if x.meets(top + PI, 2.0 * PI) { -1.0 } else { ends.low };
            Interval::new(low, high)
        }
        Function::Tan if x.meets(FRAC_PI_2, PI) => {
            defined = false;
            Interval::ALL
        }
        Function::Abs | Function::Cosh if x.contains(0.0) => {
            Interval::new(function.evaluate(0.0), x.mapped(|x| function.evaluate(x)).high)
        }
        // Positive, however small.
        Function::Exp => {
            let values = x.mapped(f64::exp);
            Interval::new(values.low.max(f64::from_bits(1)), values.high)
        }
        // Bounds that hold everywhere; they change sign too often to be followed.
        Function::BesselJ0 => Interval::new(-0.402_76, 1.0),
        Function::BesselJ1 => Interval::new(-0.581_87, 0.581_87),
        // All others are monotonic, or are where 0 is not inside.
        _ => inside.mapped(|x| function.evaluate(x)),
    };
    Enclosure { values, defined }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Tape;
    use crate::testing::{parsed, texts};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_are_inside_their_bounds(
            which in 0..texts().len(),
            boxes in prop::array::uniform3((-3.0..3.0, 0.0..2.0)),
            places in prop::array::uniform3(0.0..1.0_f64),
        ) {
            let expression = parsed(texts()[which]);
            let names = ["x", "y", "z"];
            let bounds: HashMap<&str, Interval> =
                names.iter().zip(boxes).map(|(name, (low, width))| (*name, Interval::new(low, low + width))).collect();
            let point: Vec<f64> = boxes.iter().zip(places).map(|((low, width), at)| low + width * at).collect();
            let tape = Tape::new(std::slice::from_ref(&expression), &names.map(std::sync::Arc::from)).unwrap();
            let value = tape.evaluate_point(&point)[0];
            let found = expression.enclosure(&bounds);
            prop_assert!(!value.is_finite() || found.values.contains(value), "{value} {found:?}");
            prop_assert!(!found.defined || !value.is_nan(), "{value} {found:?}");
        }
    }

    #[test]
    fn bounds_of_simple_formulas_are_tight() {
        let bounds = HashMap::from([("x", Interval::new(-1.0, 2.0))]);
        for (text, low, high, defined) in [
            ("x^2", 0.0, 4.0, true),
            ("sin(x)", (-1.0_f64).sin(), 1.0, true),
            ("exp(-x)", (-2.0_f64).exp(), 1.0_f64.exp(), true),
            ("sqrt(x)", 0.0, 2.0_f64.sqrt(), false),
            ("1/(x + 2)", 0.25, 1.0, true),
            ("1/x", f64::NEG_INFINITY, f64::INFINITY, false),
        ] {
            let found = parsed(text).enclosure(&bounds);
            let near = |a: f64, b: f64| a == b || (a - b).abs() < 1e-12;
            assert!(near(found.values.low, low) && near(found.values.high, high), "{text}: {found:?}");
            assert_eq!(found.defined, defined, "{text}");
        }
    }
}
