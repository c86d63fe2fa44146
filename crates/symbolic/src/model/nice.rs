//! Numbers that constants of formulas are likely to be exactly, and what it costs to name them.

use crate::expression::{Expression, Function};
use std::f64::consts::{E, FRAC_1_PI, PI, SQRT_2};

/// Largest numerator and denominator.
const MOST: (f64, i64) = (60.0, 12);

/// Denominators of short decimals, whose numerators may be larger.
const DECIMALS: [i64; 2] = [100, 1000];

/// An exact number near a value.
pub(super) struct Nice {
    pub(super) value: f64,
    numerator: i64,
    denominator: i64,
    unit: Unit,
    /// Bits that naming it takes: those of the fraction and of the irrational number that it multiplies.
    pub(super) bits: f64,
}

#[derive(Clone, Copy)]
enum Unit {
    One,
    Pi,
    InversePi,
    Euler,
    RootPi,
    RootTwo,
}

impl Unit {
    const ALL: [Self; 6] = [Self::One, Self::Pi, Self::InversePi, Self::Euler, Self::RootPi, Self::RootTwo];

    fn value(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Pi => PI,
            Self::InversePi => FRAC_1_PI,
            Self::Euler => E,
            Self::RootPi => PI.sqrt(),
            Self::RootTwo => SQRT_2,
        }
    }

    fn bits(self) -> f64 {
        match self {
            Self::One => 0.0,
            Self::Pi => 3.0,
            Self::InversePi => 4.0,
            Self::Euler | Self::RootPi | Self::RootTwo => 5.0,
        }
    }

    fn expression(self) -> Expression {
        match self {
            Self::One => Expression::integer(1),
            Self::Pi => Expression::pi(),
            Self::InversePi => Expression::pi().powi(-1),
            Self::Euler => Expression::integer(1).call(Function::Exp),
            Self::RootPi => Expression::pi().sqrt(),
            Self::RootTwo => Expression::integer(2).sqrt(),
        }
    }
}

impl Nice {
    pub(super) fn expression(&self) -> Expression {
        if DECIMALS.contains(&self.denominator) {
            return Expression::real(self.value);
        }
        Expression::ratio(self.numerator, self.denominator) * self.unit.expression()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.numerator == 0
    }
}

/// The nearest number for each unit and denominator, and the nearest short decimals.
pub(super) fn near(value: f64) -> impl Iterator<Item = Nice> {
    let fractions =
        Unit::ALL.into_iter().flat_map(|unit| (1..=MOST.1).map(move |denominator| (unit, denominator)));
    let all = fractions.chain(DECIMALS.map(|denominator| (Unit::One, denominator)));
    all.filter_map(move |(unit, denominator)| {
        let numerator = (value / unit.value() * denominator as f64).round();
        let most = if DECIMALS.contains(&denominator) { 10.0 * denominator as f64 } else { MOST.0 };
        if numerator.abs() > most || (numerator == 0.0 && (denominator > 1 || unit.bits() > 0.0)) {
            return None;
        }
        let bits = 1.0 + (1.0 + numerator.abs()).log2() + 2.0 * (denominator as f64).log2() + unit.bits();
        let value = numerator * unit.value() / denominator as f64;
        Some(Nice { value, numerator: numerator as i64, denominator, unit, bits })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_exact_match_is_the_number_that_was_meant() {
        for (value, expected) in [
            (0.5, "1/2"),
            (-3.0, "-3"),
            (2.0 * PI, "2*pi"),
            (0.5 * FRAC_1_PI, "1/2/pi"),
            (SQRT_2, "sqrt(2)"),
            (E, "exp(1)"),
            (0.0, "0"),
        ] {
            let exact = near(value).filter(|nice| (nice.value - value).abs() < 1e-14);
            let cheapest = exact.min_by(|a, b| a.bits.total_cmp(&b.bits)).unwrap();
            assert_eq!(cheapest.expression(), crate::testing::parsed(expected), "{value}");
        }
    }
}
