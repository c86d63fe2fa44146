//! How an expression becomes text in any notation: what is a fraction, what has a minus in front, and where parentheses
//! are needed.

use crate::expression::{Expression, Function, Node, Number};

/// How tightly a piece of text holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// A sum.
    Sum,
    /// A sign in front of something.
    Sign,
    /// A product or a quotient.
    Product,
    /// A power.
    Power,
    /// Anything that needs no parentheses anywhere.
    Atom,
}

/// A piece of text.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) level: Level,
}

impl Piece {
    pub(super) fn new(text: impl Into<String>, level: Level) -> Self {
        Self { text: text.into(), level }
    }

    pub(super) fn atom(text: impl Into<String>) -> Self {
        Self::new(text, Level::Atom)
    }
}

/// A way to write formulas.
pub(super) trait Notation {
    /// A number that is not negative.
    fn number(&self, number: Number) -> Piece;
    fn pi(&self) -> Piece;
    fn variable(&self, name: &str) -> Piece;
    fn call(&self, function: Function, argument: Piece) -> Piece;
    fn root(&self, radicand: Piece) -> Piece;
    /// `exponent` is the number that the exponent is, if it is one.
    fn power(&self, base: Piece, exponent: Piece, number: Option<Number>) -> Piece;

    fn parentheses(&self, text: &str) -> String {
        format!("({text})")
    }

    fn negative(&self, piece: Piece) -> Piece {
        Piece::new(format!("-{}", self.at_least(Level::Product, piece)), Level::Sign)
    }

    fn sum(&self, terms: Vec<(bool, String)>) -> String {
        let mut text = String::new();
        for (place, (negative, term)) in terms.into_iter().enumerate() {
            text += match (place, negative) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            text += &term;
        }
        text
    }

    /// `factors` have the level of a product at least.
    fn product(&self, factors: Vec<String>) -> String {
        factors.join("*")
    }

    /// `top` and `bottom` are products; the bottom of one factor, if `single`.
    fn fraction(&self, top: Piece, bottom: Piece, single: bool) -> Piece {
        let bottom =
            if single { self.at_least(Level::Power, bottom) } else { self.parentheses(&bottom.text) };
        Piece::new(format!("{}/{bottom}", self.at_least(Level::Product, top)), Level::Product)
    }

    /// Whether 3/2·x may be written as 3·x/2.
    fn splits_numbers(&self) -> bool {
        true
    }

    /// A name that stands for a whole part.
    fn shared(&self, _part: &Expression) -> Option<Piece> {
        None
    }

    /// The text, in parentheses if it holds together less than `level`.
    fn at_least(&self, level: Level, piece: Piece) -> String {
        if piece.level >= level { piece.text } else { self.parentheses(&piece.text) }
    }

    /// Writes an expression.
    fn write(&self, expression: &Expression) -> Piece {
        self.shared(expression).unwrap_or_else(|| self.write_whole(expression))
    }

    /// As [`Notation::write`], for a part that has a name.
    fn write_whole(&self, expression: &Expression) -> Piece {
        match expression.node() {
            Node::Number(number) => match signed(*number) {
                (true, size) => self.negative(self.number(size)),
                (false, size) => self.number(size),
            },
            Node::Pi => self.pi(),
            Node::Variable(name) => self.variable(name),
            Node::Sum(terms) => {
                let terms = terms.iter().map(|term| {
                    let (negative, term) = size_of(term);
                    let piece = self.write(&term);
                    (negative, self.at_least(Level::Product, piece))
                });
                Piece::new(self.sum(terms.collect()), Level::Sum)
            }
            Node::Product(_) => match size_of(expression) {
                (true, size) => self.negative(self.write(&size)),
                (false, size) => self.write_product(&size),
            },
            Node::Power(base, exponent) => match exponent.number() {
                Some(number) if number.is_negative() => self.write_product(expression),
                number => self.write_power(base, exponent, number),
            },
            Node::Call(function, argument) => self.call(*function, self.write(argument)),
        }
    }

    fn write_power(&self, base: &Expression, exponent: &Expression, number: Option<Number>) -> Piece {
        if number == Some(Number::ratio(1, 2)) {
            return self.root(self.write(base));
        }
        self.power(self.write(base), self.write(exponent), number)
    }

    /// A product or a power with a negative exponent, without a sign.
    fn write_product(&self, expression: &Expression) -> Piece {
        let factors = match expression.node() {
            Node::Product(factors) => factors.as_slice(),
            _ => std::slice::from_ref(expression),
        };
        let (mut top, mut bottom) = (Vec::new(), Vec::new());
        for factor in factors {
            match (factor.node(), factor.number().and_then(Number::exact)) {
                (_, Some(number)) if self.splits_numbers() => {
                    let parts = [number.numerator(), number.denominator()].map(Number::integer);
                    let [above, below] = parts.map(|part| (part != Number::ONE).then(|| self.number(part)));
                    top.extend(above);
                    bottom.extend(below);
                }
                (Node::Power(base, exponent), _) => match exponent.number() {
                    Some(number) if number.is_negative() && self.shared(factor).is_none() => {
                        let inverse = base.clone().power(-exponent.clone());
                        bottom.push(self.write(&inverse));
                    }
                    _ => top.push(self.write(factor)),
                },
                _ => top.push(self.write(factor)),
            }
        }
        if top.is_empty() {
            top.push(self.number(Number::ONE));
        }
        let top = self.joined(top);
        if bottom.is_empty() {
            return top;
        }
        let single = bottom.len() == 1;
        let bottom = self.joined(bottom);
        self.fraction(top, bottom, single)
    }

    fn joined(&self, mut factors: Vec<Piece>) -> Piece {
        if factors.len() == 1 {
            return factors.remove(0);
        }
        // A quotient may only come first: a·(b/c) is not meant to be read as (a·b)/c by whoever compares texts.
        let text = |(place, factor): (usize, Piece)| {
            self.at_least(if place == 0 { Level::Product } else { Level::Power }, factor)
        };
        Piece::new(self.product(factors.into_iter().enumerate().map(text).collect()), Level::Product)
    }
}

/// Whether a number is negative, and its size.
fn signed(number: Number) -> (bool, Number) {
    if number.is_negative() { (true, number.negated()) } else { (false, number) }
}

/// Whether a number in front of a term is negative, and the term without the sign.
fn size_of(term: &Expression) -> (bool, Expression) {
    let number = match term.node() {
        Node::Product(factors) => factors[0].number(),
        _ => term.number(),
    };
    if number.is_some_and(Number::is_negative) { (true, -term.clone()) } else { (false, term.clone()) }
}
