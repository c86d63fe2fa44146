use super::*;
use crate::families::{Custom, CustomError, default_families, family};
use crate::testing::parsed;

/// A name, the family that must come first, an interval, and the truth.
type Truth = (&'static str, &'static str, f64, f64, fn(f64) -> f64);

/// One or more functions of every family, in and out of the middle of what the seeds cover.
const TRUTHS: &[Truth] = &[
    ("3x − 2", "x", -1.0, 1.0, |x| 3.0 * x - 2.0),
    ("(x − .3)²", "x^2", -1.0, 1.0, |x| (x - 0.3).powi(2)),
    ("(x + 2)³", "x^3", -4.0, 1.0, |x| (x + 2.0).powi(3)),
    ("x⁴", "x^4", -1.0, 2.0, |x| x.powi(4)),
    ("(x − 1)⁵", "x^5", -1.0, 4.0, |x| (x - 1.0).powi(5)),
    ("1/x", "1/x", 0.1, 3.0, |x| 1.0 / x),
    ("(x + 3)⁻²", "1/x^2", -2.5, 3.0, |x| (x + 3.0).powi(-2)),
    ("(1 − x)⁻³", "1/x^3", -3.0, 0.8, |x| (1.0 - x).powi(-3)),
    ("√x from its end", "sqrt(x)", 0.0, 4.0, f64::sqrt),
    ("√(1.2 − x)", "sqrt(x)", -1.0, 1.0, |x| (1.2 - x).sqrt()),
    ("1/√x", "1/sqrt(x)", 0.05, 2.0, |x| 1.0 / x.sqrt()),
    ("x^1.5", "x^(3/2)", 0.0, 3.0, |x| x.powf(1.5)),
    ("∛x", "x^(1/3)", 0.0, 8.0, f64::cbrt),
    ("x^0.426", "x^p", 0.1, 5.0, |x| x.powf(0.426)),
    ("e^1.2345x", "exp", -1.0, 1.0, |x| (1.2345 * x).exp()),
    ("e^−8x", "exp", 0.0, 2.0, |x| (-8.0 * x).exp()),
    ("ln x", "log", 0.1, 100.0, f64::ln),
    ("ln −x", "log", -5.0, -0.01, |x| (-x).ln()),
    ("ln (x + 1.4)", "log", 0.0, 2.0, |x| (x + 1.4).ln()),
    ("sin 13x", "sin", -1.0, 1.0, |x| (13.0 * x).sin()),
    ("sin 200x", "sin", 0.0, 1.0, |x| (200.0 * x).sin()),
    ("1e-8 sin x", "sin", -3.0, 3.0, |x| 1e-8 * x.sin()),
    ("1e8 sin x", "sin", -3.0, 3.0, |x| 1e8 * x.sin()),
    ("cos 1e-6x", "sin", 0.0, 5e6, |x| (1e-6 * x).cos()),
    ("a quarter wave", "sin", 0.0, 1.0, |x| (0.5 * x).sin()),
    ("tan to its poles", "tan", -1.55, 1.55, f64::tan),
    ("tan x/2", "tan", -2.0, 1.0, |x| (0.5 * x).tan()),
    ("tanh (3x − 1)", "tanh", -1.0, 2.0, |x| (3.0 * x - 1.0).tanh()),
    ("logistic", "tanh", -1.0, 1.0, |x| 1.0 / (1.0 + (-5.0 * x).exp())),
    ("atan 4x", "atan", -2.0, 2.0, |x| (4.0 * x).atan()),
    ("a bell", "gaussian", -2.0, 3.0, |x| (-(x - 0.4).powi(2)).exp()),
    ("asin .9x", "asin", -1.0, 1.0, |x| (0.9 * x).asin()),
    ("atanh .95x", "atanh", -1.0, 1.0, |x| (0.95 * x).atanh()),
    ("|x − .37|", "abs", -1.0, 1.0, |x| (x - 0.37).abs()),
    ("sgn (x + .2)", "sign", -1.0, 1.0, |x| (x + 0.2).signum()),
    ("2.5", "constant", -1.0, 1.0, |_| 2.5),
    ("a parabola on a plateau", "x^2", 1e3, 1e3 + 10.0, |x| 1e6 + (x - 1e3).powi(2)),
];

fn curve_of((_, _, low, high, truth): Truth, noise: f64, seed: u64) -> Curve {
    let x: Vec<f64> = (0..200).map(|i| low + (high - low) * (f64::from(i) + 0.5) / 200.0).collect();
    let clean: Vec<f64> = x.iter().map(|x| truth(*x)).collect();
    let spread = Curve::new(&x, &clean).unwrap();
    let size = if spread.is_constant() { 0.0 } else { spread.spread() };
    let y: Vec<f64> =
        clean.iter().zip(crate::testing::noise(seed, 200)).map(|(y, one)| y + noise * size * one).collect();
    Curve::new(&x, &y).unwrap()
}

/// How many of the list are not first, with what is.
fn misses(noise: f64, seed: u64) -> Vec<String> {
    let families = default_families();
    let known = Noise { floor: if noise == 0.0 { 1e-24 } else { 0.1 * noise * noise }, observations: 200.0 };
    let mut missed = Vec::new();
    for (place, truth) in TRUTHS.iter().enumerate() {
        let fits = suggest(&curve_of(*truth, noise, seed + 1000 * place as u64), &families, known);
        if fits[0].family != truth.1 {
            let place = fits.iter().position(|fit| fit.family == truth.1);
            missed.push(format!(
                "{}: {} ({:e}); the truth at {place:?}",
                truth.0, fits[0].family, fits[0].error
            ));
        }
    }
    missed
}

#[test]
fn the_true_family_is_first_for_at_least_36_of_37_whatever_the_noise() {
    for noise in [0.0, 1e-6, 1e-3, 1e-2] {
        for seed in [1, 2, 3] {
            let missed = misses(noise, seed);
            assert!(missed.len() <= 1, "noise {noise}, seed {seed}: {missed:#?}");
        }
    }
}

#[test]
fn without_noise_the_constants_are_those_of_the_truth() {
    let exact = Noise { floor: 1e-24, observations: 200.0 };
    for truth in TRUTHS {
        let fits = suggest(&curve_of(*truth, 0.0, 0), &default_families(), exact);
        assert!(fits[0].error < 1e-20, "{}: {:e} {:?}", truth.0, fits[0].error, fits[0].expression);
    }
}

#[test]
fn units_change_nothing_but_the_constants() {
    let exact = Noise { floor: 1e-24, observations: 200.0 };
    for truth in TRUTHS.iter().filter(|truth| truth.1 != "constant") {
        let curve = curve_of(*truth, 1e-3, 5);
        let y: Vec<f64> = curve.centred().iter().map(|y| 3e-9 * y).collect();
        let x: Vec<f64> = curve.x().iter().map(|x| 1e7 * x).collect();
        let [a, b] = [curve.clone(), Curve::new(&x, &y).unwrap()].map(|curve| {
            let fits = suggest(&curve, &default_families(), Noise { floor: 1e-7, ..exact });
            (fits[0].family.clone(), fits[0].error)
        });
        assert_eq!(a.0, b.0, "{}", truth.0);
        assert!((a.1 / b.1 - 1.0).abs() < 1e-4, "{}: {:e} {:e}", truth.0, a.1, b.1);
    }
}

#[test]
fn a_family_that_is_not_defined_on_the_interval_is_fitted_beside_it_or_left_out() {
    // |x| is defined everywhere, and 1/x² has no pole inside whatever its shift.
    let curve = curve_of(("", "", -1.0, 1.0, f64::abs), 0.0, 0);
    for fit in suggest(&curve, &default_families(), Noise { floor: 1e-24, observations: 200.0 }) {
        let inside = std::collections::HashMap::from([("x", crate::Interval::new(-0.99, 0.99))]);
        assert!(fit.expression.enclosure(&inside).defined, "{}: {:?}", fit.family, fit.expression);
    }
}

#[test]
fn custom_families_are_found_with_their_constants() {
    let x: Vec<f64> = (0..150).map(|i| 0.02 + f64::from(i) / 30.0).collect();
    let exact = Noise { floor: 1e-24, observations: 150.0 };
    for (text, truth) in [
        ("x*exp(-b*x)", "3*x*exp(-1.7*x) + 0.25"),
        ("x^n/(k^n + x^n)", "2*x^3/(8 + x^3) - 1"),
        ("x*log(x)", "1 - 2*x*log(x)"),
        ("p*(x*exp(-b*x) + q) + r", "3*x*exp(-1.7*x) + 0.25"),
        ("exp(-g*x)*sin(w*x)", "exp(-0.3*x)*sin(2.5*x)"),
    ] {
        let y = values_on(&x, &parsed(truth)).unwrap();
        let curve = Curve::new(&x, &y).unwrap();
        let fit = fit(&curve, &Custom::new(&parsed(text)).unwrap(), exact).unwrap();
        assert!(fit.error < 1e-20, "{text}: {:e} {:?}", fit.error, fit.expression);
    }
}

#[test]
fn an_expression_that_is_no_family_says_why() {
    let error = |text| Custom::new(&parsed(text)).err();
    assert_eq!(error("a + b"), Some(CustomError::Variable));
    let names = "a, b, c, d, f".to_owned();
    assert_eq!(error("sin(a*x + b)^c*exp(d*x^f)"), Some(CustomError::Constants { found: 5, names }));
    assert_eq!(Custom::new(&parsed("a*sin(b*x) + c")).unwrap().constants(), 3);
}

#[test]
fn optional_families_have_names_and_find_themselves() {
    let x: Vec<f64> = (0..150).map(|i| 0.02 + f64::from(i) / 30.0).collect();
    for (name, truth) in [
        ("sinh", "sinh(x - 2)"),
        ("cosh", "cosh(0.7*x - 2)"),
        ("softplus", "softplus(3*x - 6) - 1"),
        ("relu", "2*relu(x - 1.5)"),
        ("erf", "erf(x - 2)/3"),
        ("x*log(x)", "x*log(0.4*x)"),
        ("michaelis-menten", "5*x/(x + 0.6)"),
        ("hill", "x^2.2/(3 + x^2.2)"),
        ("j0", "j0(3*x)"),
    ] {
        let curve = Curve::new(&x, &values_on(&x, &parsed(truth)).unwrap()).unwrap();
        let fit =
            fit(&curve, family(name).unwrap().as_ref(), Noise { floor: 1e-24, observations: 150.0 }).unwrap();
        assert!(fit.error < 1e-16, "{name}: {:e} {:?}", fit.error, fit.expression);
    }
}
