use super::residual::{Point, Residual, Work};
use super::*;
use proptest::prelude::*;

const SHAPE: Shape = Shape { outputs: 2, inputs: 3, columns: 1, degree: 3 };

/// Every operation, with arguments for which each is smooth.
fn everything() -> Tape {
    Tape::new(vec![
        Op::Output { output: 0 },
        Op::Derivative { output: 1, by: vec![2] },
        Op::Derivative { output: 0, by: vec![2, 0] },
        Op::Derivative { output: 0, by: vec![2, 2] },
        Op::Coordinate { input: 1 },
        Op::Data { column: 0 },
        Op::Constant { value: 3.0 },
        Op::Add { a: 0, b: 6 },
        Op::Sqrt { a: 7 },
        Op::Log { a: 7 },
        Op::Power { a: 7, exponent: 1.5 },
        Op::Power { a: 1, exponent: 3.0 },
        Op::Multiply { a: 8, b: 9 },
        Op::Divide { a: 11, b: 10 },
        Op::Subtract { a: 12, b: 13 },
        Op::Sin { a: 2 },
        Op::Cos { a: 3 },
        Op::Exp { a: 15 },
        Op::Tanh { a: 16 },
        Op::Negate { a: 17 },
        Op::Multiply { a: 18, b: 4 },
        Op::Multiply { a: 19, b: 5 },
        Op::Add { a: 20, b: 21 },
        Op::Add { a: 22, b: 14 },
    ])
}

fn evaluate(tape: &Tape, jets: &[f64], x: &[f64], data: &[f64]) -> (f64, Vec<f64>) {
    let residual = Residual::new(tape, &SHAPE).unwrap();
    let mut seed = vec![7.0; jets.len()];
    let mut work = Work::default();
    let value = residual.differentiate(&Point { jets, x, data }, &mut work, &mut seed);
    (value, seed)
}

#[test]
fn the_value_is_that_of_the_formula() {
    // Jets of directions [0, 2] and pairs (0, 1), (1, 1): u, u_0, u_2, u_02, u_22 of both outputs.
    let jets = [0.5, 9.0, 9.0, 0.3, -0.4, 9.0, 9.0, 0.7, 9.0, 9.0];
    let (found, _) = evaluate(&everything(), &jets, &[9.0, 1.1, 9.0], &[-0.6]);
    let s: f64 = 3.5;
    let expected = (-0.4f64).cos().tanh() * 1.1 - (0.3f64).sin().exp() * -0.6 + s.sqrt() * s.ln()
        - 0.7f64.powi(3) / s.powf(1.5);
    assert!((found - expected).abs() < 1e-14, "{found} {expected}");
}

#[test]
fn the_jet_has_what_the_tape_needs_and_no_more() {
    let residual = Residual::new(&everything(), &SHAPE).unwrap();
    assert_eq!(
        (&residual.jet().directions[..], &residual.jet().pairs[..]),
        (&[0, 2][..], &[(0, 1), (1, 1)][..])
    );
    let value = Tape::new(vec![Op::Output { output: 1 }]);
    assert_eq!(Residual::new(&value, &SHAPE).unwrap().jet().len(), 1);
}

proptest! {
    #[test]
    fn slopes_are_those_of_finite_differences(
        jets in prop::collection::vec(-1.5..1.5f64, 10),
        x in prop::collection::vec(-2.0..2.0f64, 3),
        data in -2.0..2.0f64,
    ) {
        // Smooth functions of size 1 to 10 on this box: a step of 1e-5 errs by its square and by rounding over it.
        const STEP: f64 = 1e-5;
        const TOLERANCE: f64 = 1e-6;
        let tape = everything();
        let (_, slopes) = evaluate(&tape, &jets, &x, &[data]);
        for (slot, slope) in slopes.iter().enumerate() {
            let at = |shift: f64| {
                let mut jets = jets.clone();
                jets[slot] += shift;
                evaluate(&tape, &jets, &x, &[data]).0
            };
            let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            prop_assert!((slope - expected).abs() <= TOLERANCE * (1.0 + expected.abs()), "{slot} {slope} {expected}");
        }
    }
}

#[test]
fn a_power_of_zero_has_no_slope_even_at_zero() {
    let tape = Tape::new(vec![Op::Output { output: 0 }, Op::Power { a: 0, exponent: 0.0 }]);
    assert_eq!(evaluate(&tape, &[0.0, 0.0], &[0.0; 3], &[0.0]), (1.0, vec![0.0, 0.0]));
    let square = Tape::new(vec![Op::Output { output: 0 }, Op::Power { a: 0, exponent: 2.0 }]);
    assert_eq!(evaluate(&square, &[-3.0, 0.0], &[0.0; 3], &[0.0]), (9.0, vec![-6.0, 0.0]));
}

#[test]
fn json_is_a_list_of_operations() {
    let json =
        r#"[{"op":"derivative","output":0,"by":[1]},{"op":"constant","value":2},{"op":"add","a":0,"b":1}]"#;
    let tape: Tape = serde_json::from_str(json).unwrap();
    assert_eq!(tape.ops()[2], Op::Add { a: 0, b: 1 });
    let text = serde_json::to_string(&everything()).unwrap();
    assert_eq!(serde_json::from_str::<Tape>(&text).unwrap(), everything());
    assert!(serde_json::from_str::<Tape>(r#"[{"op":"integral","a":0}]"#).is_err());
    assert!(serde_json::from_str::<Tape>(r#"[{"op":"sin","a":0,"b":1}]"#).is_err());
}

#[test]
fn what_does_not_exist_is_refused() {
    let refused = |ops: Vec<Op>| Tape::new(ops).check(&SHAPE).unwrap_err();
    let index = |what, count, found| TapeError::Index { place: 0, what, count, found };
    assert_eq!(refused(vec![]), TapeError::Empty);
    assert_eq!(refused(vec![Op::Sin { a: 0 }]), TapeError::Argument { place: 0, argument: 0 });
    assert_eq!(refused(vec![Op::Add { a: 0, b: usize::MAX }]), TapeError::Argument { place: 0, argument: 0 });
    assert_eq!(refused(vec![Op::Output { output: 2 }]), index("output", 2, 2));
    assert_eq!(refused(vec![Op::Coordinate { input: 3 }]), index("input", 3, 3));
    assert_eq!(refused(vec![Op::Data { column: 1 }]), index("data column", 1, 1));
    assert_eq!(refused(vec![Op::Derivative { output: 0, by: vec![0, 3] }]), index("input", 3, 3));
    for by in [vec![], vec![0, 0, 0]] {
        let found = by.len();
        assert_eq!(refused(vec![Op::Derivative { output: 0, by }]), TapeError::Order { place: 0, found });
    }
    let nan = refused(vec![Op::Constant { value: f64::NAN }]);
    assert!(matches!(nan, TapeError::Number { place: 0, .. }));
    let power = refused(vec![Op::Output { output: 0 }, Op::Power { a: 0, exponent: f64::INFINITY }]);
    assert!(matches!(power, TapeError::Number { place: 1, .. }));
}

#[test]
fn second_derivatives_need_cubic_splines() {
    let tape = Tape::new(vec![Op::Derivative { output: 0, by: vec![1, 1] }]);
    for degree in [1, 2] {
        let found = tape.check(&Shape { degree, ..SHAPE });
        assert_eq!(found, Err(TapeError::Degree { place: 0, degree }));
    }
    assert_eq!(tape.check(&SHAPE), Ok(()));
    let first = Tape::new(vec![Op::Derivative { output: 0, by: vec![1] }]);
    assert_eq!(first.check(&Shape { degree: 1, ..SHAPE }), Ok(()));
}
