//! A C99 function of doubles.

use super::notation::Piece;
use super::program::{Base, Language, program};
use crate::expression::Function;
use crate::formula::Formula;

const LANGUAGE: Language = Language {
    reserved: &[
        "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
        "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
        "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "exp",
        "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "fabs",
        "erf", "sqrt", "pow", "floor", "formula", "sign_of", "bessel", "main",
    ],
    // 1/2 is 0.
    whole: |number| format!("{number}.0"),
    // M_PI is no part of C99.
    pi: "3.14159265358979323846",
    call: |function| match function {
        Function::Abs => "fabs",
        Function::Sign => "sign_of",
        Function::BesselJ0 => "bessel(0.0, ",
        Function::BesselJ1 => "bessel(1.0, ",
        other => other.name(),
    },
    helper: |function| match function {
        Function::Sign => Some("static double sign_of(double x) {\n  return (x > 0.0) - (x < 0.0);\n}\n"),
        Function::BesselJ0 | Function::BesselJ1 => Some(BESSEL),
        _ => None,
    },
    root: "sqrt",
    power: |Base { base, exponent, .. }| Piece::atom(format!("pow({}, {})", base.text, exponent.text)),
    fraction: None,
};

const BESSEL: &str = "\
static double bessel(double order, double x) {
  const double size = fabs(x);
  if (isinf(x)) return 0.0;
  if (size > 1e6) {
    const double phase = size - order*3.14159265358979323846/2.0 - 3.14159265358979323846/4.0;
    const double wave = cos(phase) - (4.0*order*order - 1.0)/(8.0*size)*sin(phase);
    return (order == 1.0 && x < 0.0 ? -1.0 : 1.0)*sqrt(2.0/(3.14159265358979323846*size))*wave;
  }
  const double points = floor(size + 30.0);
  double sum = 0.0;
  for (double point = 0.5; point < points; point += 1.0) {
    const double t = 3.14159265358979323846*point/points;
    sum += cos(order*t - x*sin(t));
  }
  return sum/points;
}
";

pub(super) fn print(formula: &Formula) -> String {
    let program = program(formula, &LANGUAGE);
    let mut text = "#include <math.h>\n\n".to_owned();
    text.extend(program.helpers.iter().map(|helper| format!("{helper}\n")));
    let parameters: Vec<String> = program.parameters.iter().map(|name| format!("double {name}")).collect();
    let parameters = if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") };
    text += &format!("double formula({parameters}) {{\n");
    for (name, part) in &program.parts {
        text += &format!("  const double {name} = {part};\n");
    }
    text + &format!("  return {};\n}}\n", program.result)
}
