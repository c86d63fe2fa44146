//! LaTeX and MathML, read back by readers of a few lines: what is written means the formula.

mod common;

use common::{FORMULAS, points, same_values};
use kanode_symbolic::Formula;

#[test]
fn latex_means_the_formula() {
    for text in FORMULAS {
        let formula = Formula::parse(text, None).unwrap();
        let latex = formula.print("latex").unwrap();
        let read = Formula::parse(&from_latex(&latex), Some(formula.variables()))
            .unwrap_or_else(|error| panic!("{latex} → {}: {error}", from_latex(&latex)));
        compare(&formula, &read, &latex);
    }
}

#[test]
fn mathml_means_the_formula() {
    for text in FORMULAS {
        let formula = Formula::parse(text, None).unwrap();
        let mathml = formula.print("mathml").unwrap();
        let mut rest = mathml.as_str();
        let plain = from_mathml(&mut rest);
        assert_eq!(rest, "", "{mathml}");
        let read = Formula::parse(&plain, Some(formula.variables()))
            .unwrap_or_else(|error| panic!("{mathml} → {plain}: {error}"));
        compare(&formula, &read, &mathml);
    }
}

fn compare(formula: &Formula, read: &Formula, written: &str) {
    let points = points(formula);
    let width = formula.variables().len();
    let [mut expected, mut found] = [vec![0.0; points.len() / width], vec![0.0; points.len() / width]];
    formula.evaluate(&points, &mut expected);
    read.evaluate(&points, &mut found);
    same_values(&expected, &found, written);
}

/// The notation of `Formula::parse` for the LaTeX that is written.
fn from_latex(latex: &str) -> String {
    let mut text = latex
        .replace("\\left|", "abs(")
        .replace("\\right|", ")")
        .replace("\\left(", "(")
        .replace("\\right)", ")")
        .replace("\\cdot", "*")
        .replace("\\ln", "log")
        .replace("J_{0}", "j0")
        .replace("J_{1}", "j1")
        .replace("\\operatorname{sgn}", "sign")
        .replace("e^{", "exp{");
    for word in ["ar", "arc"] {
        for name in ["sinh", "cosh", "tanh", "sin", "cos", "tan"] {
            text = text.replace(&format!("{word}{name}"), &format!("a{name}"));
        }
    }
    for command in ["\\operatorname", "\\mathrm"] {
        while let Some(at) = text.find(command) {
            let end = at + text[at..].find('}').unwrap();
            let name = text[at + command.len() + 1..end].to_owned();
            text.replace_range(at..=end, &name);
        }
    }
    while let Some(at) = text.find("_{") {
        let end = at + text[at..].find('}').unwrap();
        let index = text[at + 2..end].to_owned();
        text.replace_range(at..=end, &index);
    }
    while let Some(at) = text.find("\\frac") {
        let first = at + 5;
        let second = first + group(&text[first..]);
        let end = second + group(&text[second..]);
        let quotient = format!("({}/{})", &text[first..second], &text[second..end]);
        text.replace_range(at..end, &quotient);
    }
    text.replace('{', "(").replace('}', ")").replace('\\', " ")
}

/// The length of the group in braces that a text starts with.
fn group(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 {
            return at + 1;
        }
    }
    panic!("no end of {text}")
}

/// Reads one element of presentation MathML as the notation of `Formula::parse`.
fn from_mathml(rest: &mut &str) -> String {
    let (tag, after) = rest.strip_prefix('<').unwrap().split_once('>').unwrap();
    let name = tag.split(' ').next().unwrap();
    *rest = after;
    let mut parts = Vec::new();
    if matches!(name, "mi" | "mn" | "mo") {
        let (inside, after) = rest.split_once('<').unwrap();
        parts.push(inside.to_owned());
        *rest = &rest[rest.len() - after.len() - 1..];
    } else {
        while !rest.starts_with("</") {
            parts.push(from_mathml(rest));
        }
    }
    *rest = rest.strip_prefix(&format!("</{name}>")).unwrap();
    match (name, parts.as_slice()) {
        ("mo", [sign]) if sign == "&#x2061;" => String::new(),
        ("mi" | "mn" | "mo", [inside]) => inside.clone(),
        ("mfrac", [top, bottom]) => format!("({top}/{bottom})"),
        ("msup", [base, exponent]) if base == "e" => format!("exp{exponent}"),
        ("msup", [base, exponent]) => format!("{base}^{exponent}"),
        ("msub", [stem, index]) => format!("{}{index}", stem.to_lowercase()),
        ("msqrt", parts) => format!("sqrt({})", parts.concat()),
        ("mrow", [bar, inside @ .., _]) if bar == "|" => format!("abs({})", inside.concat()),
        ("mrow", [parenthesis, ..]) if parenthesis == "(" => parts.concat(),
        ("mrow" | "math", parts) => format!("({})", parts.concat()),
        _ => panic!("{name} of {parts:?}"),
    }
}
