//! A JavaScript function of numbers.

use super::notation::Piece;
use super::program::{Base, Language, program};
use crate::expression::Function;
use crate::formula::Formula;

const LANGUAGE: Language = Language {
    reserved: &[
        "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete",
        "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements",
        "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public",
        "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "undefined", "var", "void",
        "while", "with", "yield", "Math", "NaN", "Infinity", "formula", "erf", "bessel",
    ],
    whole: |number| number.to_string(),
    pi: "Math.PI",
    call: |function| match function {
        Function::Exp => "Math.exp",
        Function::Log => "Math.log",
        Function::Sin => "Math.sin",
        Function::Cos => "Math.cos",
        Function::Tan => "Math.tan",
        Function::Asin => "Math.asin",
        Function::Acos => "Math.acos",
        Function::Atan => "Math.atan",
        Function::Sinh => "Math.sinh",
        Function::Cosh => "Math.cosh",
        Function::Tanh => "Math.tanh",
        Function::Asinh => "Math.asinh",
        Function::Acosh => "Math.acosh",
        Function::Atanh => "Math.atanh",
        Function::Abs => "Math.abs",
        Function::Sign => "Math.sign",
        Function::Erf => "erf",
        Function::BesselJ0 => "bessel(0)",
        Function::BesselJ1 => "bessel(1)",
    },
    helper: |function| match function {
        Function::Erf => Some(ERF),
        Function::BesselJ0 | Function::BesselJ1 => Some(BESSEL),
        _ => None,
    },
    root: "Math.sqrt",
    // -x ** 2 is a syntax error.
    power: |Base { base, exponent, .. }| Piece::atom(format!("Math.pow({}, {})", base.text, exponent.text)),
    fraction: None,
};

const ERF: &str = "\
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}
";

const BESSEL: &str = "\
function bessel(order) {
  return x => {
    const size = Math.abs(x)
    if (size === Infinity) return 0
    if (size > 1e6) {
      const phase = size - (order * Math.PI) / 2 - Math.PI / 4
      const wave = Math.cos(phase) - ((4 * order * order - 1) / (8 * size)) * Math.sin(phase)
      return (order === 1 ? Math.sign(x) : 1) * Math.sqrt(2 / (Math.PI * size)) * wave
    }
    const points = Math.floor(size + 30)
    let sum = 0
    for (let point = 0; point < points; point++) {
      const t = (Math.PI * (point + 0.5)) / points
      sum += Math.cos(order * t - x * Math.sin(t))
    }
    return sum / points
  }
}
";

pub(super) fn print(formula: &Formula) -> String {
    let program = program(formula, &LANGUAGE);
    let mut text: String = program.helpers.iter().map(|helper| format!("{helper}\n")).collect();
    text += &format!("function formula({}) {{\n", program.parameters.join(", "));
    for (name, part) in &program.parts {
        text += &format!("  const {name} = {part}\n");
    }
    text + &format!("  return {}\n}}\n", program.result)
}

#[cfg(test)]
mod tests {
    use crate::Formula;

    #[test]
    fn javascript_is_a_function() {
        let print = |text| Formula::parse(text, None).unwrap().print("javascript").unwrap();
        assert_eq!(print("-x^2/3 + pi*y"), "function formula(x, y) {\n  return -Math.pow(x, 2)/3 + Math.PI*y\n}\n");
        let shared = "function formula(`if`) {\n";
        assert!(!print("`if` + 1").contains(shared));
        let twice = print("sin(exp(x) + x)*cos(sin(exp(x) + x))");
        assert!(twice.contains("const t1 = Math.sin(x + Math.exp(x))") && twice.contains("t1*Math.cos(t1)"), "{twice}");
    }
}
