//! Formulas of every kind, points of their domains, and what counts as the same values.

use kanode_symbolic::Formula;

/// Formulas with every function, and with every place in which notations differ.
pub(crate) const FORMULAS: &[&str] = &[
    "x",
    "7/3 - x",
    "-x^2",
    "(-x)^3/2",
    "1/2*x - 2/3",
    "x^-2 - 1/(x + y)",
    "x/y/z + x/(y/z)",
    "2^-x",
    "(x + y)^(z + 1)",
    "x^y^z - (x^y)^z",
    "sqrt(x + y)/sqrt(z)",
    "x^(1/3) + y^1.5 - z^-0.426",
    "exp(sin(pi*x) + y^2)",
    "exp(-x^2/2)/sqrt(2*pi)",
    "2*(x + y)*(x - y) - (y - z)",
    "1e-7*x + 2.5e17*y + 123456.789",
    "sin(x)*cos(y)*tan(z/4)",
    "asin(x/4) + acos(y/4) + atan(z)",
    "sinh(x) - cosh(y)*tanh(z)",
    "asinh(x) + acosh(1.1 + y^2) + atanh(z/9)",
    "abs(x - 1)*sign(y - 2)",
    "erf(x - 1) + erf(5*y)",
    "j0(3*x) + j1(y)",
    "log(x) + log10(y) + log2(z)",
    "x*(y - 3*x*(z + 2/(1 + exp(-x))))",
    "(x - y)/(x + y)*(-3)",
    "-(x + y)/2",
    "5*x^2*y^-3*pi",
    "sqrt(2)*x + 2^(1/3)*y - (1/3)^x",
    "(x^2 + y^2 + z^2)^(-3/2)",
    "exp(exp(x)/8) + exp(1)",
    "((x + 1)^2 + 1)^2",
    "sin(cos(x*y)^2)^3 + sin(cos(x*y)^2)",
    "softplus(x) + relu(y - 1) + logistic(z)",
    "gamma*beta + lambda^2",
    "x1 + x10*x2",
];

/// 1,000 points of the domain of a formula in [-1, 3]: rows of its variables.
pub(crate) fn points(formula: &Formula) -> Vec<f64> {
    let width = formula.variables().len();
    // A linear congruential generator is random enough, and the same everywhere (Numerical Recipes, "quick and dirty").
    let mut state = 12_345_u64;
    let mut next = || {
        state = (1_664_525 * state + 1_013_904_223) % (1 << 32);
        4.0 * state as f64 / (1_u64 << 32) as f64 - 1.0
    };
    let mut rows = Vec::new();
    while rows.len() < 1000 * width {
        let row: Vec<f64> = (0..width).map(|_| next()).collect();
        if formula.evaluate_point(&row).is_finite() {
            rows.extend(row);
        }
    }
    rows
}

/// Checks that values differ by less than 1e-12 of themselves. Where terms cancel, what is left has the rounding errors
/// of the terms: 1e-15 of the largest value is allowed on top.
pub(crate) fn same_values(expected: &[f64], found: &[f64], what: &str) {
    assert_eq!(expected.len(), found.len(), "{what}");
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (row, (expected, found)) in expected.iter().zip(found).enumerate() {
        let allowed = 1e-12 * expected.abs() + 1e-15 * largest;
        assert!((expected - found).abs() <= allowed, "row {row}: {expected:e} {found:e}\n{what}");
    }
}
