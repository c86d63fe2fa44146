//! What formats that are programs have in common: parameters, parts that are computed once, helpers for functions that a
//! language lacks.

use super::identifiers::{identifiers, repeated};
use super::notation::{Level, Notation, Piece};
use crate::expression::{Expression, Function, Node, Number};
use crate::formula::Formula;
use std::collections::HashMap;
use std::sync::Arc;

/// A programming language.
pub(super) struct Language {
    /// Words that are no names of variables, those of helpers among them. A name `t` and a number is reserved anyway.
    pub(super) reserved: &'static [&'static str],
    /// A literal for a whole number.
    pub(super) whole: fn(i64) -> String,
    /// π.
    pub(super) pi: &'static str,
    /// The function to call, up to its parenthesis, or past it where there is another argument before: `bessel(0.0, `.
    pub(super) call: fn(Function) -> &'static str,
    /// Source of a function that the language lacks.
    pub(super) helper: fn(Function) -> Option<&'static str>,
    /// The square root.
    pub(super) root: &'static str,
    /// A power.
    pub(super) power: fn(Base<'_>) -> Piece,
    /// An exact fraction; None to write a quotient.
    pub(super) fraction: Option<fn(i64, i64) -> String>,
}

/// Parts of a power.
pub(super) struct Base<'a> {
    pub(super) base: Piece,
    pub(super) exponent: Piece,
    pub(super) number: Option<Number>,
    pub(super) parenthesise: &'a dyn Fn(Level, Piece) -> String,
}

/// The text of a program's parts.
pub(super) struct Program {
    /// Parameters, in the order of the variables.
    pub(super) parameters: Vec<String>,
    /// Sources of helpers.
    pub(super) helpers: Vec<&'static str>,
    /// Names and texts of parts that are computed first.
    pub(super) parts: Vec<(String, String)>,
    /// The result.
    pub(super) result: String,
}

struct Writer<'a> {
    language: &'a Language,
    names: HashMap<Arc<str>, String>,
    shared: HashMap<Expression, String>,
}

/// Writes a formula in a language.
pub(super) fn program(formula: &Formula, language: &Language) -> Program {
    let expression = formula.expression();
    let candidates = repeated(expression);
    let locals: Vec<String> = (1..=candidates.len()).map(|number| format!("t{number}")).collect();
    let reserved: Vec<&str> =
        language.reserved.iter().copied().chain(locals.iter().map(String::as_str)).collect();
    let names = identifiers(formula.variables(), &reserved);
    let parameters = formula.variables().iter().map(|name| names[name].clone()).collect();
    let mut writer = Writer { language, names, shared: HashMap::new() };
    let mut parts = Vec::new();
    for (part, name) in candidates.iter().zip(locals) {
        parts.push((name.clone(), writer.write_whole(part).text));
        writer.shared.insert(part.clone(), name);
    }
    let mut helpers = Vec::new();
    expression.walk(|part| {
        if let Node::Call(function, _) = part.node() {
            helpers.extend((language.helper)(*function));
        }
    });
    helpers.sort_unstable();
    helpers.dedup();
    Program { parameters, helpers, parts, result: writer.write(expression).text }
}

impl Notation for Writer<'_> {
    fn number(&self, number: Number) -> Piece {
        match (number.exact(), self.language.fraction) {
            (None, _) => Piece::atom(format!("{:e}", number.to_f64())).tidied(number),
            (Some(exact), _) if exact.denominator() == 1 => {
                Piece::atom((self.language.whole)(exact.numerator()))
            }
            (Some(exact), Some(fraction)) => Piece::atom(fraction(exact.numerator(), exact.denominator())),
            (Some(exact), None) => {
                let [top, bottom] = [exact.numerator(), exact.denominator()].map(self.language.whole);
                Piece::new(format!("{top}/{bottom}"), Level::Product)
            }
        }
    }

    fn pi(&self) -> Piece {
        Piece::atom(self.language.pi)
    }

    fn variable(&self, name: &str) -> Piece {
        Piece::atom(self.names[name].clone())
    }

    fn call(&self, function: Function, argument: Piece) -> Piece {
        let callee = (self.language.call)(function);
        let open = if callee.ends_with(' ') { "" } else { "(" };
        Piece::atom(format!("{callee}{open}{})", argument.text))
    }

    fn root(&self, radicand: Piece) -> Piece {
        Piece::atom(format!("{}({})", self.language.root, radicand.text))
    }

    fn power(&self, base: Piece, exponent: Piece, number: Option<Number>) -> Piece {
        let parenthesise = &|level, piece| self.at_least(level, piece);
        (self.language.power)(Base { base, exponent, number, parenthesise })
    }

    fn splits_numbers(&self) -> bool {
        self.language.fraction.is_none()
    }

    fn shared(&self, part: &Expression) -> Option<Piece> {
        self.shared.get(part).cloned().map(Piece::atom)
    }
}

impl Piece {
    /// A floating-point number without an exponent where it is readable without one.
    fn tidied(self, number: Number) -> Self {
        let size = number.to_f64().abs();
        if !(1e-5..1e15).contains(&size) {
            return self;
        }
        let text = size.to_string();
        // Whole floating-point numbers of this size are exact and don't come here.
        Self { text, ..self }
    }
}
