//! JSON of the graph: what is shared in the formula is shared in the file, so its length is that of the graph.
//!
//! `{"variables": ["x"], "nodes": [["variable", "x"], ["number", 2], ["power", 0, 1]]}`: each node names earlier ones by
//! their places, and the last is the formula. Numbers are JSON numbers or `["ratio", numerator, denominator]`; `["pi"]`,
//! `["sum", …]`, `["product", …]` and `["call", "sin", place]` are the rest.

use crate::expression::{Expression, Function, Node, Number};
use crate::formula::{Formula, FormulaError};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) fn print(formula: &Formula) -> String {
    let mut places: HashMap<Expression, usize> = HashMap::new();
    let mut nodes: Vec<Value> = Vec::new();
    formula.expression().walk(|part| {
        let list = |kind: &str, parts: &[Expression]| {
            std::iter::once(json!(kind)).chain(parts.iter().map(|part| json!(places[part]))).collect()
        };
        nodes.push(match part.node() {
            Node::Number(Number::Real(number)) => json!(["number", number]),
            Node::Number(Number::Exact(exact)) if exact.denominator() == 1 => json!(["number", exact.numerator()]),
            Node::Number(Number::Exact(exact)) => json!(["ratio", exact.numerator(), exact.denominator()]),
            Node::Pi => json!(["pi"]),
            Node::Variable(name) => json!(["variable", &**name]),
            Node::Sum(terms) => list("sum", terms),
            Node::Product(factors) => list("product", factors),
            Node::Power(base, exponent) => json!(["power", places[base], places[exponent]]),
            Node::Call(function, argument) => json!(["call", function.name(), places[argument]]),
        });
        places.insert(part.clone(), nodes.len() - 1);
    });
    let variables: Vec<&str> = formula.variables().iter().map(|name| &**name).collect();
    json!({ "variables": variables, "nodes": nodes }).to_string()
}

/// Reads what [`print`] writes.
pub(in crate::formula) fn read(text: &str) -> Result<Formula, FormulaError> {
    let fault = |what: String| FormulaError::Json { what };
    let document: Value = serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
    let list = |name: &str| {
        document.get(name).and_then(Value::as_array).ok_or_else(|| fault(format!("expected a list '{name}'")))
    };
    let name = |value: &Value| {
        value.as_str().map(Arc::from).ok_or_else(|| fault("expected names in 'variables'".to_owned()))
    };
    let variables: Vec<Arc<str>> = list("variables")?.iter().map(name).collect::<Result<_, _>>()?;
    let mut nodes: Vec<Expression> = Vec::new();
    let mut depths: Vec<usize> = Vec::new();
    for (place, node) in list("nodes")?.iter().enumerate() {
        let made = node.as_array().and_then(|parts| read_node(parts, &nodes));
        let made = made.ok_or_else(|| fault(format!("node {place} is {node}")))?;
        // Formulas are printed and freed by recursion over their depth.
        let leaf = matches!(made.node(), Node::Number(_) | Node::Pi | Node::Variable(_));
        let inner = node.as_array().filter(|_| !leaf).into_iter().flatten();
        let inner = inner.filter_map(Value::as_u64).filter_map(|at| depths.get(at as usize));
        let depth = 1 + inner.max().copied().unwrap_or(0);
        if depth > DEPTH {
            return Err(fault(format!("more than {DEPTH} parts inside each other")));
        }
        depths.push(depth);
        nodes.push(made);
    }
    let expression = nodes.pop().ok_or_else(|| fault("expected at least one node".to_owned()))?;
    Formula::new(expression, Some(variables))
}

/// How many parts may be inside each other.
const DEPTH: usize = 1000;

fn read_node(parts: &[Value], nodes: &[Expression]) -> Option<Expression> {
    let (kind, rest) = parts.split_first()?;
    let at = |value: &Value| nodes.get(usize::try_from(value.as_u64()?).ok()?).cloned();
    let all = || rest.iter().map(at).collect::<Option<Vec<_>>>().filter(|parts| parts.len() > 1);
    let term = |value: &Value| value.as_i64().filter(|term| *term != i64::MIN);
    Some(match (kind.as_str()?, rest) {
        ("number", [number]) => match term(number) {
            Some(whole) => Expression::integer(whole),
            None => Expression::real(number.as_f64()?),
        },
        ("ratio", [top, bottom]) => Expression::ratio(term(top)?, term(bottom)?),
        ("pi", []) => Expression::pi(),
        ("variable", [name]) => Expression::variable(name.as_str()?),
        ("sum", _) => Expression::sum(all()?),
        ("product", _) => Expression::product(all()?),
        ("power", [base, exponent]) => at(base)?.power(at(exponent)?),
        ("call", [name, argument]) => {
            let name = name.as_str()?;
            let function = Function::ALL.into_iter().find(|function| function.name() == name)?;
            at(argument)?.call(function)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texts;

    #[test]
    fn json_reads_back_as_the_same_formula() {
        for text in texts() {
            let names = ["z", "y", "x", "w"].map(Arc::from);
            let formula = Formula::parse(text, Some(&names)).unwrap();
            assert_eq!(read(&print(&formula)), Ok(formula), "{text}");
        }
    }

    #[test]
    fn json_of_something_else_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"variables": [], "nodes": []}"#,
            r#"{"variables": [1], "nodes": [["pi"]]}"#,
            r#"{"variables": [], "nodes": [["sum", 0, 0]]}"#,
            r#"{"variables": [], "nodes": [["pi"], ["sum", 0]]}"#,
            r#"{"variables": [], "nodes": [["pi"], ["call", "eval", 0]]}"#,
            r#"{"variables": [], "nodes": [["ratio", 1, -9223372036854775808]]}"#,
        ] {
            assert!(matches!(read(text), Err(FormulaError::Json { .. })), "{text}");
        }
        let zero = r#"{"variables": [], "nodes": [["ratio", 1, 0]]}"#;
        assert_eq!(read(zero), Err(FormulaError::NotFinite));
        let chain: Vec<String> = (0..100_000).map(|at| format!(r#"["call", "sin", {at}]"#)).collect();
        let deep = format!(r#"{{"variables": ["x"], "nodes": [["variable", "x"], {}]}}"#, chain.join(", "));
        assert!(matches!(read(&deep), Err(FormulaError::Json { .. })));
    }
}
