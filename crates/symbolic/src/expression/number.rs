//! Numbers in expressions: exact rationals as long as they fit, floating-point numbers otherwise.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    numerator: i64,
    denominator: i64,
}

impl Rational {
    /// `numerator/denominator` in lowest terms; None if the denominator is 0 or the terms do not fit.
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        Self::reduced(numerator.into(), denominator.into())
    }

    fn reduced(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()? * denominator.signum();
        let term = |term: i128| i64::try_from(term / divisor).ok().filter(|term| *term != i64::MIN);
        Some(Self { numerator: term(numerator)?, denominator: term(denominator)? })
    }

    /// The number above the line, which has the sign.
    pub fn numerator(self) -> i64 {
        self.numerator
    }

    /// The number below the line, which is positive.
    pub fn denominator(self) -> i64 {
        self.denominator
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    fn plus(self, other: Self) -> Option<Self> {
        let ([a, b], [c, d]) = (self.wide(), other.wide());
        Self::reduced(a * d + c * b, b * d)
    }

    fn times(self, other: Self) -> Option<Self> {
        let ([a, b], [c, d]) = (self.wide(), other.wide());
        Self::reduced(a * c, b * d)
    }

    /// A whole power; None for a negative power of 0 or where the terms do not fit.
    fn power(self, exponent: i64) -> Option<Self> {
        let size = u32::try_from(exponent.unsigned_abs()).ok()?;
        let (top, bottom) = (self.numerator.checked_pow(size)?, self.denominator.checked_pow(size)?);
        if exponent < 0 { Self::new(bottom, top) } else { Self::new(top, bottom) }
    }

    /// The exact root of a degree, if there is one.
    fn root(self, degree: i64) -> Option<Self> {
        Self::new(exact_root(self.numerator, degree)?, exact_root(self.denominator, degree)?)
    }

    fn wide(self) -> [i128; 2] {
        [self.numerator.into(), self.denominator.into()]
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        let ([a, b], [c, d]) = (self.wide(), other.wide());
        (a * d).cmp(&(c * b))
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

/// The whole root of a whole number that is not negative.
fn exact_root(number: i64, degree: i64) -> Option<i64> {
    let degree = u32::try_from(degree).ok().filter(|degree| *degree > 0)?;
    let near = (number as f64).powf(1.0 / f64::from(degree)).round() as i64;
    (number >= 0 && near.checked_pow(degree) == Some(number)).then_some(near)
}

/// An exact fraction or a floating-point number.
///
/// There is one way to hold each value: a floating-point number that is whole and less than 2⁵³ in size becomes exact.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An exact fraction.
    Exact(Rational),
    /// Any other number. Infinite or NaN where arithmetic has come to that, as in 1/0.
    Real(f64),
}

impl Number {
    /// 0.
    pub const ZERO: Self = Self::integer(0);
    /// 1.
    pub const ONE: Self = Self::integer(1);
    /// −1.
    pub const MINUS_ONE: Self = Self::integer(-1);

    /// A whole number.
    ///
    /// # Panics
    /// For the least `i64`, whose negative is none.
    pub const fn integer(number: i64) -> Self {
        assert!(number != i64::MIN, "a number whose negative is none");
        Self::Exact(Rational { numerator: number, denominator: 1 })
    }

    /// A floating-point number.
    pub fn real(number: f64) -> Self {
        const LIMIT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() < LIMIT {
            return Self::integer(number as i64);
        }
        Self::Real(if number.is_nan() { f64::NAN } else { number })
    }

    /// `numerator/denominator`; infinite or NaN for a denominator of 0.
    pub fn ratio(numerator: i64, denominator: i64) -> Self {
        Rational::new(numerator, denominator)
            .map_or_else(|| Self::real(numerator as f64 / denominator as f64), Self::Exact)
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Exact(number) => number.to_f64(),
            Self::Real(number) => number,
        }
    }

    /// The exact value, if it is exact.
    pub fn exact(self) -> Option<Rational> {
        match self {
            Self::Exact(number) => Some(number),
            Self::Real(_) => None,
        }
    }

    /// The value, if it is a whole number.
    pub fn whole(self) -> Option<i64> {
        self.exact().filter(|number| number.denominator == 1).map(|number| number.numerator)
    }

    /// Whether it is less than 0.
    pub fn is_negative(self) -> bool {
        self.to_f64() < 0.0
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Self {
        let exact = self.exact().zip(other.exact()).and_then(|(a, b)| a.plus(b));
        exact.map_or_else(|| Self::real(self.to_f64() + other.to_f64()), Self::Exact)
    }

    /// The product.
    pub fn times(self, other: Self) -> Self {
        let exact = self.exact().zip(other.exact()).and_then(|(a, b)| a.times(b));
        exact.map_or_else(|| Self::real(self.to_f64() * other.to_f64()), Self::Exact)
    }

    /// The negative.
    pub fn negated(self) -> Self {
        self.times(Self::MINUS_ONE)
    }

    /// The power, if it is a number without an approximation that was not there before: √4 is 2, √2 stays √2.
    pub(super) fn power(self, exponent: Self) -> Option<Self> {
        match (self, exponent) {
            (Self::Exact(base), Self::Exact(power)) => {
                let root = if power.denominator == 1 { Some(base) } else { base.root(power.denominator) };
                match root.and_then(|root| root.power(power.numerator)) {
                    Some(exact) => Some(Self::Exact(exact)),
                    None if base.numerator == 0 => Some(Self::real(0.0_f64.powf(power.to_f64()))),
                    None if power.denominator == 1 => Some(Self::real(base.to_f64().powf(power.to_f64()))),
                    None => None,
                }
            }
            _ => Some(Self::real(self.to_f64().powf(exponent.to_f64()))),
        }
    }

    /// The fraction of small terms that a number is the nearest floating-point number to, or itself: exponents are
    /// meant exactly.
    pub(super) fn as_exponent(self) -> Self {
        let Self::Real(number) = self else { return self };
        let fraction = |denominator: i64| {
            let top = (number * denominator as f64).round();
            let near = Self::ratio(top as i64, denominator);
            (top.abs() < 1e6 && near.to_f64() == number).then_some(near)
        };
        (2..=64).find_map(fraction).unwrap_or(self)
    }
}

/// The same value; NaN is the same as NaN.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Exact(number) => number.hash(state),
            Self::Real(number) => number.to_bits().hash(state),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By value, an exact number before a floating-point number of the same value.
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let real = |number: &Self| matches!(number, Self::Real(_));
        let values = self.to_f64().total_cmp(&other.to_f64());
        values.then(real(self).cmp(&real(other))).then_with(|| self.exact().cmp(&other.exact()))
    }
}

/// As it is written in a formula: `3`, `1/2`, `0.1`, `1e-7`; it reads back as the same number.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(Rational { numerator, denominator: 1 }) => write!(f, "{numerator}"),
            Self::Exact(Rational { numerator, denominator }) => write!(f, "{numerator}/{denominator}"),
            Self::Real(number) if (1e-5..1e15).contains(&number.abs()) => write!(f, "{number}"),
            Self::Real(number) => write!(f, "{number:e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_reduced_and_have_their_sign_above() {
        let number = Rational::new(6, -4).unwrap();
        assert_eq!((number.numerator(), number.denominator()), (-3, 2));
        assert_eq!(Rational::new(1, 0), None);
        assert_eq!(Rational::new(i64::MIN, 1), None);
        assert_eq!(Number::ratio(0, 7), Number::ZERO);
    }

    #[test]
    fn arithmetic_is_exact_until_it_does_not_fit() {
        let third = Number::ratio(1, 3);
        assert_eq!(third.plus(third).plus(third), Number::ONE);
        assert_eq!(third.times(Number::integer(6)).whole(), Some(2));
        let large = Number::integer(i64::MAX);
        assert_eq!(large.times(large).to_f64(), (i64::MAX as f64).powi(2));
        assert!(large.times(large).exact().is_none());
    }

    #[test]
    fn a_whole_floating_point_number_is_exact() {
        assert_eq!(Number::real(2.0).whole(), Some(2));
        assert_eq!(Number::real(-0.0), Number::ZERO);
        assert!(Number::real(0.5).exact().is_none());
        assert!(Number::real(1e300).exact().is_none());
    }

    #[test]
    fn powers_stay_exact_or_are_left_alone() {
        let power = |base, exponent| Number::power(base, exponent);
        assert_eq!(power(Number::integer(2), Number::integer(-3)), Some(Number::ratio(1, 8)));
        assert_eq!(power(Number::ratio(4, 9), Number::ratio(3, 2)), Some(Number::ratio(8, 27)));
        assert_eq!(power(Number::integer(2), Number::ratio(1, 2)), None);
        assert_eq!(power(Number::integer(-4), Number::ratio(1, 2)), None);
        assert_eq!(power(Number::real(2.25), Number::ratio(1, 2)), Some(Number::real(1.5)));
        assert_eq!(power(Number::ZERO, Number::MINUS_ONE), Some(Number::real(f64::INFINITY)));
    }

    #[test]
    fn exponents_become_the_fraction_they_stand_for() {
        assert_eq!(Number::real(0.5).as_exponent(), Number::ratio(1, 2));
        assert_eq!(Number::real(-1.0 / 3.0).as_exponent(), Number::ratio(-1, 3));
        assert_eq!(Number::real(0.426_13).as_exponent(), Number::real(0.426_13));
    }

    #[test]
    fn numbers_are_written_so_that_they_read_back() {
        for number in [0.1, 1e-7, -2.5e-300, 1.0 / 3.0, 123_456.789, 1e22, f64::MIN_POSITIVE] {
            let text = Number::real(number).to_string();
            assert_eq!(text.parse::<f64>().unwrap(), number, "{text}");
        }
        assert_eq!(Number::ratio(-1, 2).to_string(), "-1/2");
        assert_eq!(Number::real(1e-7).to_string(), "1e-7");
    }
}
