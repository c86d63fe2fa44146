//! A Python function of numbers or NumPy arrays.

use super::notation::{Level, Piece};
use super::program::{Base, Language, program};
use crate::expression::Function;
use crate::formula::Formula;

/// Python's keywords, and what programs here import.
pub(super) const RESERVED: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "math", "np", "sp", "formula", "erf",
    "bessel",
];

const LANGUAGE: Language = Language {
    reserved: RESERVED,
    whole: |number| number.to_string(),
    pi: "np.pi",
    call: |function| match function {
        Function::Exp => "np.exp",
        Function::Log => "np.log",
        Function::Sin => "np.sin",
        Function::Cos => "np.cos",
        Function::Tan => "np.tan",
        Function::Asin => "np.arcsin",
        Function::Acos => "np.arccos",
        Function::Atan => "np.arctan",
        Function::Sinh => "np.sinh",
        Function::Cosh => "np.cosh",
        Function::Tanh => "np.tanh",
        Function::Asinh => "np.arcsinh",
        Function::Acosh => "np.arccosh",
        Function::Atanh => "np.arctanh",
        Function::Abs => "np.abs",
        Function::Sign => "np.sign",
        Function::Erf => "erf",
        Function::BesselJ0 => "bessel(0)",
        Function::BesselJ1 => "bessel(1)",
    },
    helper: |function| match function {
        Function::Erf => Some("erf = np.vectorize(math.erf)\n"),
        Function::BesselJ0 | Function::BesselJ1 => Some(BESSEL),
        _ => None,
    },
    root: "np.sqrt",
    power,
    fraction: None,
};

const BESSEL: &str = "\
def bessel(order):
    @np.vectorize
    def at(x):
        size = abs(x)
        if not size < np.inf:
            return 0.0 if size == np.inf else x
        if size > 1e6:
            phase = size - order*np.pi/2 - np.pi/4
            wave = np.cos(phase) - (4*order*order - 1)/(8*size)*np.sin(phase)
            return (np.sign(x) if order == 1 else 1.0)*np.sqrt(2/(np.pi*size))*wave
        points = int(size + 30)
        t = np.pi*(np.arange(points) + 0.5)/points
        return np.mean(np.cos(order*t - x*np.sin(t)))
    return at

";

/// `base**exponent`, which binds tighter than a sign before it, but not than one after it.
pub(super) fn power(Base { base, exponent, parenthesise, .. }: Base<'_>) -> Piece {
    let text = format!("{}**{}", parenthesise(Level::Atom, base), parenthesise(Level::Atom, exponent));
    Piece::new(text, Level::Power)
}

pub(super) fn print(formula: &Formula) -> String {
    let program = program(formula, &LANGUAGE);
    let math = if program.helpers.iter().any(|helper| helper.contains("math.")) { "import math\n" } else { "" };
    let mut text = format!("{math}import numpy as np\n\n\n");
    text.extend(program.helpers.iter().map(|helper| format!("{helper}\n")));
    text += &format!("def formula({}):\n", program.parameters.join(", "));
    for (name, part) in &program.parts {
        text += &format!("    {name} = {part}\n");
    }
    text + &format!("    return {}\n", program.result)
}
