//! A Python program that makes the formula with SymPy, exact numbers exact. Symbols have the names of the variables,
//! whatever they are called in Python; `sp.` keeps them apart from SymPy's own names, such as `I` and `gamma`.

use super::program::{Language, program};
use super::python::{RESERVED, power};
use crate::expression::Function;
use crate::formula::Formula;

const LANGUAGE: Language = Language {
    reserved: RESERVED,
    whole: |number| number.to_string(),
    pi: "sp.pi",
    call: |function| match function {
        Function::Exp => "sp.exp",
        Function::Log => "sp.log",
        Function::Sin => "sp.sin",
        Function::Cos => "sp.cos",
        Function::Tan => "sp.tan",
        Function::Asin => "sp.asin",
        Function::Acos => "sp.acos",
        Function::Atan => "sp.atan",
        Function::Sinh => "sp.sinh",
        Function::Cosh => "sp.cosh",
        Function::Tanh => "sp.tanh",
        Function::Asinh => "sp.asinh",
        Function::Acosh => "sp.acosh",
        Function::Atanh => "sp.atanh",
        Function::Abs => "sp.Abs",
        Function::Sign => "sp.sign",
        Function::Erf => "sp.erf",
        Function::BesselJ0 => "bessel(0)",
        Function::BesselJ1 => "bessel(1)",
    },
    helper: |function| match function {
        Function::BesselJ0 | Function::BesselJ1 => Some("def bessel(order):\n    return lambda x: sp.besselj(order, x)\n"),
        _ => None,
    },
    root: "sp.sqrt",
    power,
    fraction: Some(|top, bottom| format!("sp.Rational({top}, {bottom})")),
};

pub(super) fn print(formula: &Formula) -> String {
    let program = program(formula, &LANGUAGE);
    let mut text = "import sympy as sp\n\n".to_owned();
    text.extend(program.helpers.iter().map(|helper| format!("\n{helper}\n\n")));
    for (name, identifier) in formula.variables().iter().zip(&program.parameters) {
        let name = serde_json::Value::from(&**name);
        text += &format!("{identifier} = sp.Symbol({name})\n");
    }
    for (name, part) in &program.parts {
        text += &format!("{name} = {part}\n");
    }
    text + &format!("formula = sp.sympify({})\n", program.result)
}
