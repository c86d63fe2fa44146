//! Names of variables as identifiers of a programming language.

use crate::expression::Expression;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// For each variable an identifier of ASCII letters, digits and underscores, all different and none of them reserved.
/// Names that are such identifiers stay as they are.
pub(super) fn identifiers(variables: &[Arc<str>], reserved: &[&str]) -> HashMap<Arc<str>, String> {
    let mut taken: HashSet<String> = reserved.iter().map(|word| (*word).to_owned()).collect();
    let mut names = HashMap::new();
    // Those that can stay go first, so that no other name takes theirs.
    let (plain, other): (Vec<_>, Vec<_>) = variables.iter().partition(|name| is_identifier(name));
    for name in plain.into_iter().chain(other) {
        let mut made: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if !made.starts_with(|c: char| c.is_ascii_alphabetic()) {
            made.insert(0, 'v');
        }
        while !taken.insert(made.clone()) {
            made.push('_');
        }
        names.insert(Arc::clone(name), made);
    }
    names
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Parts that a program computes once because the formula needs them more often, parts before what they are part of.
pub(super) fn repeated(expression: &Expression) -> Vec<Expression> {
    /// Shorter parts are as fast, and easier to read, where they stand.
    const SHORT: f64 = 6.0;
    let mut uses: HashMap<Expression, usize> = HashMap::new();
    expression.walk(|part| {
        part.each_part(|inner| *uses.entry(inner.clone()).or_default() += 1);
    });
    let mut found = Vec::new();
    expression.walk(|part| {
        if uses.get(part).is_some_and(|count| *count > 1) && part.complexity() >= SHORT {
            found.push(part.clone());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_different_and_not_reserved() {
        let names = ["if", "x 1", "x_1", "2x", "größe", "a"].map(Arc::from);
        let found = identifiers(&names, &["if"]);
        let made = names.each_ref().map(|name| found[name].as_str());
        assert_eq!(made, ["if_", "x_1_", "x_1", "v2x", "gr__e", "a"]);
    }
}
