//! What tests of this crate share: formulas of every kind.

use crate::{Expression, Formula};

/// The expression of a text.
pub(crate) fn parsed(text: &str) -> Expression {
    Formula::parse(text, None).unwrap_or_else(|error| panic!("{error}")).expression().clone()
}

/// Formulas of the variables x, y and z that have values near (0.6, 0.8, 0.8).
pub(crate) fn texts() -> &'static [&'static str] {
    &[
        "x",
        "3",
        "-x",
        "-x^2",
        "(-x)^3",
        "x^-2",
        "1/x - 1/(x + y)",
        "-1/2*x + 2/3",
        "x/y/z",
        "x/(y/z)",
        "2^-x",
        "(x + y)^(z + 1)",
        "x^y^z",
        "(x^y)^z",
        "sqrt(x + y)/sqrt(z)",
        "x^(1/3) + y^1.5 + z^0.426",
        "exp(sin(pi*x) + y^2)",
        "exp(-x^2/2)/sqrt(2*pi)",
        "2*(x + y)*(x - y) - (y - z)",
        "1e-7*x + 1e22*y + 0.1*z",
        "sin(x)*cos(y)*tan(z)",
        "asin(x/3) + acos(y/4) + atan(z)",
        "sinh(x) - cosh(y)*tanh(z)",
        "asinh(x) + acosh(1.1 + y^2) + atanh(z/9)",
        "abs(x - 1)*sign(y - 2)",
        "erf(x) + j0(y) - j1(z)",
        "log(x) + log10(y) + log2(z)",
        "x*(y - 3*x*(z + 2/(1 + exp(-x))))",
        "(x - y)/(x + y)*(-3)",
        "-(x + y)",
        "-(x + y)/2",
        "exp(-(x + y))",
        "1 - (x - (y - z))",
        "5*x^2*y^-3*pi",
        "sqrt(2)*x + 2^(1/3)*y",
        "(x^2 + y^2 + z^2)^(-3/2)",
        "exp(exp(x)) + exp(1)",
        "x^2*(-1/3)",
        "((x + 1)^2 + 1)^2",
        "sin(cos(x*y)^2)^3",
    ]
}

/// Uniform numbers in [0, 1) of a seed (SplitMix64).
pub(crate) fn uniform(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}

/// Standard normal numbers of a seed (Box and Muller 1958).
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f64> {
    let uniform = uniform(seed.wrapping_mul(0x2545_F491_4F6C_DD1D), 2 * count);
    let normal =
        |pair: &[f64]| (-2.0 * (1.0 - pair[0]).ln()).sqrt() * (std::f64::consts::TAU * pair[1]).cos();
    uniform.chunks(2).map(normal).collect()
}
