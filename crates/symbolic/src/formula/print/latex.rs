//! LaTeX for a mathematical environment.

use super::notation::{Level, Notation, Piece};
use crate::expression::{Function, Number};
use crate::formula::Formula;

struct Latex;

pub(super) fn print(formula: &Formula) -> String {
    Latex.write(formula.expression()).text
}

/// Greek letters that have a command of their name.
const GREEK: [&str; 33] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma",
    "Upsilon", "Phi", "Psi", "Omega", "pi",
];

impl Notation for Latex {
    fn number(&self, number: Number) -> Piece {
        let Some(exact) = number.exact() else {
            let text = number.to_string();
            return match text.split_once('e') {
                Some((mantissa, power)) => Piece::new(format!("{mantissa} \\cdot 10^{{{power}}}"), Level::Product),
                None => Piece::atom(text),
            };
        };
        match (exact.numerator(), exact.denominator()) {
            (whole, 1) => Piece::atom(whole.to_string()),
            (top, bottom) => Piece::new(format!("\\frac{{{top}}}{{{bottom}}}"), Level::Product),
        }
    }

    fn pi(&self) -> Piece {
        Piece::atom("\\pi")
    }

    /// A letter, a Greek letter or a word, with the digits at its end as an index.
    fn variable(&self, name: &str) -> Piece {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let (stem, index) = if stem.is_empty() { (name, "") } else { (stem, &name[stem.len()..]) };
        let stem = stem.strip_suffix('_').filter(|rest| !rest.is_empty() && !index.is_empty()).unwrap_or(stem);
        let letter = if GREEK.contains(&stem) && !(stem == "pi" && index.is_empty()) {
            format!("\\{stem}")
        } else if stem.chars().count() == 1 && stem.chars().all(char::is_alphanumeric) {
            stem.to_owned()
        } else {
            format!("\\mathrm{{{}}}", escaped(stem))
        };
        Piece::atom(if index.is_empty() { letter } else { format!("{letter}_{{{index}}}") })
    }

    fn call(&self, function: Function, argument: Piece) -> Piece {
        let inside = argument.text;
        Piece::atom(match function {
            Function::Abs => format!("\\left|{inside}\\right|"),
            Function::Exp => return Piece::new(format!("e^{{{inside}}}"), Level::Power),
            Function::BesselJ0 => format!("J_{{0}}\\left({inside}\\right)"),
            Function::BesselJ1 => format!("J_{{1}}\\left({inside}\\right)"),
            _ => {
                let name = match function {
                    Function::Asin => "\\arcsin",
                    Function::Acos => "\\arccos",
                    Function::Atan => "\\arctan",
                    Function::Log => "\\ln",
                    Function::Asinh => "\\operatorname{arsinh}",
                    Function::Acosh => "\\operatorname{arcosh}",
                    Function::Atanh => "\\operatorname{artanh}",
                    Function::Sign => "\\operatorname{sgn}",
                    Function::Erf => "\\operatorname{erf}",
                    Function::Sin => "\\sin",
                    Function::Cos => "\\cos",
                    Function::Tan => "\\tan",
                    Function::Sinh => "\\sinh",
                    Function::Cosh => "\\cosh",
                    _ => "\\tanh",
                };
                format!("{name}\\left({inside}\\right)")
            }
        })
    }

    fn root(&self, radicand: Piece) -> Piece {
        Piece::atom(format!("\\sqrt{{{}}}", radicand.text))
    }

    fn power(&self, base: Piece, exponent: Piece, _: Option<Number>) -> Piece {
        Piece::new(format!("{}^{{{}}}", self.at_least(Level::Atom, base), exponent.text), Level::Power)
    }

    fn parentheses(&self, text: &str) -> String {
        format!("\\left({text}\\right)")
    }

    fn product(&self, factors: Vec<String>) -> String {
        factors.join(" \\cdot ")
    }

    fn fraction(&self, top: Piece, bottom: Piece, _: bool) -> Piece {
        Piece::new(format!("\\frac{{{}}}{{{}}}", top.text, bottom.text), Level::Product)
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out += "\\backslash{}",
            '^' => out += "\\hat{}",
            '~' => out += "\\sim{}",
            ' ' => out += "\\ ",
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::Formula;

    #[test]
    fn latex_is_what_one_would_write() {
        for (text, expected) in [
            ("exp(sin(pi*x) + y^2)", r"e^{y^{2} + \sin\left(\pi \cdot x\right)}"),
            ("3*x/(2*y) - sin(alpha)", r"\frac{3 \cdot x}{2 \cdot y} - \sin\left(\alpha\right)"),
            ("-(x + 1)*x1", r"-x_{1} \cdot \left(x + 1\right)"),
            ("`50 % of_it`^2", r"\mathrm{50\ \%\ of\_it}^{2}"),
            ("1e-7*abs(x_12)", r"1 \cdot 10^{-7} \cdot \left|x_{12}\right|"),
            ("exp(x)^2", r"e^{2 \cdot x}"),
        ] {
            assert_eq!(Formula::parse(text, None).unwrap().print("latex").unwrap(), expected);
        }
    }
}
