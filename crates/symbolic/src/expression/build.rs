//! The canonical form: every expression is made here.
//!
//! Sums and products are flat, their numbers are folded into one, like terms and equal bases are merged, and the rest is
//! sorted. Exponents of equal bases are added, and powers of powers multiplied, where that is right whatever the sign
//! of the base: for whole exponents, or where the result is as little defined as what it replaces. Only isolated points
//! are gained: x/x is 1 also at 0.

use super::{Expression, Function, Node, Number, order};
use std::collections::HashMap;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

impl Expression {
    /// A number.
    pub fn from_number(number: Number) -> Self {
        Self::of(Node::Number(number))
    }

    /// A floating-point number.
    pub fn real(number: f64) -> Self {
        Self::from_number(Number::real(number))
    }

    /// A whole number.
    pub fn integer(number: i64) -> Self {
        Self::from_number(Number::integer(number))
    }

    /// An exact fraction.
    pub fn ratio(numerator: i64, denominator: i64) -> Self {
        Self::from_number(Number::ratio(numerator, denominator))
    }

    /// π.
    pub fn pi() -> Self {
        Self::of(Node::Pi)
    }

    /// A variable, or a constant by name.
    pub fn variable(name: &str) -> Self {
        Self::of(Node::Variable(Arc::from(name)))
    }

    /// The sum of any number of terms.
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let mut constant = Number::ZERO;
        let mut coefficients = Merged::new();
        for term in terms {
            let parts = match term.node() {
                Node::Sum(parts) => parts.as_slice(),
                _ => std::slice::from_ref(&term),
            };
            for part in parts {
                match part.number() {
                    Some(number) => constant = constant.plus(number),
                    None => {
                        let (coefficient, rest) = part.coefficient_and_rest();
                        coefficients.add(rest, coefficient);
                    }
                }
            }
        }
        let mut rests: Vec<(Self, Number)> = coefficients.into_vec();
        rests.retain(|(_, coefficient)| *coefficient != Number::ZERO);
        rests.sort_by(|(a, _), (b, _)| order::of_terms(a, b));
        let mut terms: Vec<Self> = rests.into_iter().map(|(rest, c)| rest.scaled(c)).collect();
        if constant != Number::ZERO || terms.is_empty() {
            terms.push(Self::from_number(constant));
        }
        // 2(x + y) − (x + y) is x + y, whose terms are terms of this sum.
        if terms.len() > 1 && terms.iter().any(|term| matches!(term.node(), Node::Sum(_))) {
            return Self::sum(terms);
        }
        Self::flat(terms, Node::Sum)
    }

    /// The product of any number of factors.
    pub fn product(factors: impl IntoIterator<Item = Self>) -> Self {
        let mut coefficient = Number::ONE;
        let mut exponents: HashMap<Self, Vec<Self>> = HashMap::new();
        let mut bases = Vec::new();
        let mut waiting: Vec<Self> = factors.into_iter().collect();
        waiting.reverse();
        while let Some(factor) = waiting.pop() {
            match factor.node() {
                Node::Product(parts) => waiting.extend(parts.iter().rev().cloned()),
                Node::Number(number) => coefficient = coefficient.times(*number),
                _ => {
                    let (base, exponent) = factor.base_and_exponent();
                    let known = exponents.entry(base.clone()).or_default();
                    if known.is_empty() {
                        bases.push(base);
                    }
                    known.push(exponent);
                }
            }
        }
        let mut merged = Vec::new();
        let mut settled = true;
        for base in bases {
            for exponent in merge(&base, &exponents[&base]) {
                let power = base.clone().power(exponent);
                settled &= power.base_and_exponent().0 == base;
                merged.push(power);
            }
        }
        // A merged power may be a number (√2·√2), or have another base than before.
        if !settled {
            merged.push(Self::from_number(coefficient));
            return Self::product(merged);
        }
        if coefficient == Number::ZERO {
            return Self::from_number(coefficient);
        }
        merged.sort_by(order::of_factors);
        if coefficient != Number::ONE || merged.is_empty() {
            merged.insert(0, Self::from_number(coefficient));
        }
        Self::flat(merged, Node::Product)
    }

    /// This to the power `exponent`. Defined as by floating-point arithmetic: a fractional power of a negative number is
    /// not a number, 0⁰ is 1.
    pub fn power(self, exponent: Self) -> Self {
        let exponent = exponent.number().map_or(exponent, |number| Self::from_number(number.as_exponent()));
        if let Node::Call(Function::Exp, argument) = self.node() {
            return (argument.clone() * exponent).call(Function::Exp);
        }
        let Some(number) = exponent.number() else {
            if self.is(Number::ONE) {
                return self;
            }
            return Self::of(Node::Power(self, exponent));
        };
        if number == Number::ZERO {
            return Self::integer(1);
        }
        if number == Number::ONE {
            return self;
        }
        let whole = number.whole().is_some();
        match self.node() {
            Node::Number(base) => match base.power(number) {
                Some(power) => Self::from_number(power),
                None => Self::of(Node::Power(self, exponent)),
            },
            Node::Product(factors) if whole => {
                Self::product(factors.iter().map(|factor| factor.clone().power(exponent.clone())))
            }
            Node::Power(base, inner) => {
                let product = inner.number().map(|inner| inner.times(number));
                match product {
                    Some(product) if whole && (product.whole().is_none() || inner.is_whole()) => {
                        base.clone().power(Self::from_number(product))
                    }
                    _ => Self::of(Node::Power(self, exponent)),
                }
            }
            _ => Self::of(Node::Power(self, exponent)),
        }
    }

    /// This to a whole power.
    pub fn powi(self, exponent: i64) -> Self {
        self.power(Self::integer(exponent))
    }

    /// The square root.
    pub fn sqrt(self) -> Self {
        self.power(Self::ratio(1, 2))
    }

    /// A function of this.
    pub fn call(self, function: Function) -> Self {
        // sin(−x) is −sin x, and cos(−x) is cos x: of two such arguments one is canonical.
        if let (Some(even), Some(turned)) = (function.parity(), self.turned()) {
            return if even { turned.call(function) } else { -turned.call(function) };
        }
        if let Some(exact) = self.quarter_turns().and_then(|turns| function.at_quarter_turns(turns)) {
            return Self::integer(exact);
        }
        match self.node() {
            Node::Number(number) => match (function.exact(*number), number) {
                (Some(exact), _) => Self::from_number(exact),
                (None, Number::Real(number)) => Self::real(function.evaluate(*number)),
                _ => Self::of(Node::Call(function, self)),
            },
            Node::Call(Function::Exp, inner) if function == Function::Log => inner.clone(),
            _ => Self::of(Node::Call(function, self)),
        }
    }

    /// This with the other sign, if it is a product or a sum with a minus at its beginning.
    fn turned(&self) -> Option<Self> {
        let negative = |part: &Self| part.coefficient_and_rest().0.is_negative();
        match self.node() {
            Node::Product(_) if negative(self) => Some(-self.clone()),
            Node::Sum(terms) if negative(&terms[0]) => {
                Some(Self::sum(terms.iter().map(|term| -term.clone())))
            }
            _ => None,
        }
    }

    /// How many times π/2 it is, if a whole number.
    pub(crate) fn quarter_turns(&self) -> Option<i64> {
        let (coefficient, rest) = self.coefficient_and_rest();
        matches!(rest.node(), Node::Pi).then(|| coefficient.times(Number::integer(2)).whole()).flatten()
    }

    /// `sin(self + quarters·π/2)`, without the turn.
    pub(crate) fn sine_ahead(self, quarters: i64) -> Self {
        let (function, sign) = match quarters.rem_euclid(4) {
            0 => (Function::Sin, 1),
            1 => (Function::Cos, 1),
            2 => (Function::Sin, -1),
            _ => (Function::Cos, -1),
        };
        Self::integer(sign) * self.call(function)
    }

    fn is_whole(&self) -> bool {
        self.number().is_some_and(|number| number.whole().is_some())
    }

    /// The number in front and what it multiplies.
    pub(crate) fn coefficient_and_rest(&self) -> (Number, Self) {
        if let Node::Product(factors) = self.node()
            && let Some(number) = factors[0].number()
        {
            let rest = factors[1..].to_vec();
            return (number, Self::flat(rest, Node::Product));
        }
        match self.number() {
            Some(number) => (number, Self::integer(1)),
            None => (Number::ONE, self.clone()),
        }
    }

    /// What is raised to a power, and the power; 1 if there is none.
    pub(super) fn base_and_exponent(&self) -> (Self, Self) {
        match self.node() {
            Node::Power(base, exponent) => (base.clone(), exponent.clone()),
            _ => (self.clone(), Self::integer(1)),
        }
    }

    fn scaled(self, coefficient: Number) -> Self {
        if coefficient == Number::ONE {
            return self;
        }
        Self::product([Self::from_number(coefficient), self])
    }

    fn flat(mut parts: Vec<Self>, node: fn(Vec<Self>) -> Node) -> Self {
        if parts.len() == 1 { parts.remove(0) } else { Self::of(node(parts)) }
    }
}

/// Numbers added up by what they belong to, in the order of first appearance.
struct Merged {
    places: HashMap<Expression, usize>,
    list: Vec<(Expression, Number)>,
}

impl Merged {
    fn new() -> Self {
        Self { places: HashMap::new(), list: Vec::new() }
    }

    fn add(&mut self, key: Expression, number: Number) {
        match self.places.get(&key) {
            Some(place) => self.list[*place].1 = self.list[*place].1.plus(number),
            None => {
                self.places.insert(key.clone(), self.list.len());
                self.list.push((key, number));
            }
        }
    }

    fn into_vec(self) -> Vec<(Expression, Number)> {
        self.list
    }
}

/// The exponents of one base with those added that may be: whole ones among themselves, and all others if their sum
/// with them is not whole.
fn merge(base: &Expression, exponents: &[Expression]) -> Vec<Expression> {
    if exponents.len() == 1 {
        return exponents.to_vec();
    }
    let sum = Expression::sum(exponents.iter().cloned());
    let positive = match base.node() {
        Node::Number(number) => !number.is_negative(),
        node => matches!(node, Node::Pi | Node::Call(Function::Exp, _)),
    };
    if positive || !sum.is_whole() || exponents.iter().all(Expression::is_whole) {
        return vec![sum];
    }
    let (whole, mut other): (Vec<Expression>, Vec<Expression>) =
        exponents.iter().cloned().partition(Expression::is_whole);
    let whole = Expression::sum(whole);
    other.sort_by(order::of_factors);
    if !whole.is(Number::ZERO) {
        other.insert(0, whole);
    }
    other
}

impl Add for Expression {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::sum([self, other])
    }
}

impl Sub for Expression {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::sum([self, -other])
    }
}

impl Mul for Expression {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::product([self, other])
    }
}

impl Div for Expression {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        Self::product([self, other.powi(-1)])
    }
}

impl Neg for Expression {
    type Output = Self;

    fn neg(self) -> Self {
        Self::product([Self::integer(-1), self])
    }
}
