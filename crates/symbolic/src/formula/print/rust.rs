//! A Rust function of `f64`.

use super::notation::Piece;
use super::program::{Base, Language, program};
use crate::expression::{Function, Number};
use crate::formula::Formula;

const LANGUAGE: Language = Language {
    reserved: &[
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
        "for", "gen", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
        "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while", "abstract",
        "become", "box", "do", "final", "macro", "override", "priv", "try", "typeof", "unsized", "virtual", "yield",
        "f64", "std", "formula", "sign", "erf", "bessel",
    ],
    whole: |number| format!("{number}.0"),
    pi: "std::f64::consts::PI",
    call: |function| match function {
        Function::Exp => "f64::exp",
        Function::Log => "f64::ln",
        Function::Sin => "f64::sin",
        Function::Cos => "f64::cos",
        Function::Tan => "f64::tan",
        Function::Asin => "f64::asin",
        Function::Acos => "f64::acos",
        Function::Atan => "f64::atan",
        Function::Sinh => "f64::sinh",
        Function::Cosh => "f64::cosh",
        Function::Tanh => "f64::tanh",
        Function::Asinh => "f64::asinh",
        Function::Acosh => "f64::acosh",
        Function::Atanh => "f64::atanh",
        Function::Abs => "f64::abs",
        Function::Sign => "sign",
        Function::Erf => "erf",
        Function::BesselJ0 => "bessel(0.0, ",
        Function::BesselJ1 => "bessel(1.0, ",
    },
    helper: |function| match function {
        Function::Sign => Some("fn sign(x: f64) -> f64 {\n    if x == 0.0 { 0.0 } else { x.signum() }\n}\n"),
        Function::Erf => Some(ERF),
        Function::BesselJ0 | Function::BesselJ1 => Some(BESSEL),
        _ => None,
    },
    root: "f64::sqrt",
    power: |Base { base, exponent, number, .. }| {
        let small = number.and_then(Number::whole).and_then(|whole| i32::try_from(whole).ok());
        Piece::atom(match small {
            Some(whole) => format!("f64::powi({}, {whole})", base.text),
            None => format!("f64::powf({}, {})", base.text, exponent.text),
        })
    },
    fraction: None,
};

const ERF: &str = "\
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}
";

const BESSEL: &str = "\
fn bessel(order: f64, x: f64) -> f64 {
    use std::f64::consts::PI;
    let size = x.abs();
    if size.is_infinite() {
        return 0.0;
    }
    if size > 1e6 {
        let phase = size - order * PI / 2.0 - PI / 4.0;
        let wave = phase.cos() - (4.0 * order * order - 1.0) / (8.0 * size) * phase.sin();
        return (if order == 1.0 { x.signum() } else { 1.0 }) * (2.0 / (PI * size)).sqrt() * wave;
    }
    let points = (size + 30.0).floor();
    let (mut point, mut sum) = (0.5, 0.0);
    while point < points {
        let t = PI * point / points;
        sum += (order * t - x * t.sin()).cos();
        point += 1.0;
    }
    sum / points
}
";

pub(super) fn print(formula: &Formula) -> String {
    let program = program(formula, &LANGUAGE);
    let mut text: String = program.helpers.iter().map(|helper| format!("{helper}\n")).collect();
    let parameters: Vec<String> = program.parameters.iter().map(|name| format!("{name}: f64")).collect();
    text += &format!("pub fn formula({}) -> f64 {{\n", parameters.join(", "));
    for (name, part) in &program.parts {
        text += &format!("    let {name} = {part};\n");
    }
    text + &format!("    {}\n}}\n", program.result)
}
