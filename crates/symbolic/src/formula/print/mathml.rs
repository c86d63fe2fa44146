//! Presentation MathML, for a web page.

use super::notation::{Level, Notation, Piece};
use crate::expression::{Function, Number};
use crate::formula::Formula;

struct MathMl;

pub(super) fn print(formula: &Formula) -> String {
    let inside = MathMl.write(formula.expression()).text;
    format!(r#"<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{inside}</mrow></math>"#)
}

/// The invisible sign of a function's application.
const APPLY: &str = "<mo>&#x2061;</mo>";

fn row(text: &str) -> String {
    format!("<mrow>{text}</mrow>")
}

impl Notation for MathMl {
    fn number(&self, number: Number) -> Piece {
        match number.exact() {
            Some(exact) if exact.denominator() > 1 => {
                let [top, bottom] = [exact.numerator(), exact.denominator()];
                Piece::new(format!("<mfrac><mn>{top}</mn><mn>{bottom}</mn></mfrac>"), Level::Product)
            }
            _ => Piece::atom(format!("<mn>{number}</mn>")),
        }
    }

    fn pi(&self) -> Piece {
        Piece::atom("<mi>π</mi>")
    }

    fn variable(&self, name: &str) -> Piece {
        let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        Piece::atom(format!("<mi>{name}</mi>"))
    }

    fn call(&self, function: Function, argument: Piece) -> Piece {
        let inside = argument.text;
        let name = match function {
            Function::Exp => return Piece::new(format!("<msup><mi>e</mi>{}</msup>", row(&inside)), Level::Power),
            Function::Abs => return Piece::atom(row(&format!("<mo>|</mo>{inside}<mo>|</mo>"))),
            Function::Log => "<mi>ln</mi>".to_owned(),
            Function::BesselJ0 => "<msub><mi>J</mi><mn>0</mn></msub>".to_owned(),
            Function::BesselJ1 => "<msub><mi>J</mi><mn>1</mn></msub>".to_owned(),
            _ => format!("<mi>{}</mi>", function.name()),
        };
        Piece::atom(row(&format!("{name}{APPLY}{}", self.parentheses(&inside))))
    }

    fn root(&self, radicand: Piece) -> Piece {
        Piece::atom(format!("<msqrt>{}</msqrt>", radicand.text))
    }

    fn power(&self, base: Piece, exponent: Piece, _: Option<Number>) -> Piece {
        let (base, exponent) = (row(&self.at_least(Level::Atom, base)), row(&exponent.text));
        Piece::new(format!("<msup>{base}{exponent}</msup>"), Level::Power)
    }

    fn parentheses(&self, text: &str) -> String {
        row(&format!("<mo>(</mo>{text}<mo>)</mo>"))
    }

    fn negative(&self, piece: Piece) -> Piece {
        Piece::new(format!("<mo>−</mo>{}", self.at_least(Level::Product, piece)), Level::Sign)
    }

    fn sum(&self, terms: Vec<(bool, String)>) -> String {
        let mut text = String::new();
        for (place, (negative, term)) in terms.into_iter().enumerate() {
            text += match (place, negative) {
                (0, false) => "",
                (_, false) => "<mo>+</mo>",
                (_, true) => "<mo>−</mo>",
            };
            text += &term;
        }
        text
    }

    fn product(&self, factors: Vec<String>) -> String {
        factors.join("<mo>·</mo>")
    }

    fn fraction(&self, top: Piece, bottom: Piece, _: bool) -> Piece {
        Piece::new(format!("<mfrac>{}{}</mfrac>", row(&top.text), row(&bottom.text)), Level::Product)
    }
}
