use super::*;
use crate::testing::parsed;
use std::sync::Arc;

fn candidate(text: &str, error: f64) -> Candidate {
    Candidate::new(Model::of(&parsed(text)), error, Description::of_noisy(100))
}

#[test]
fn the_front_keeps_what_nothing_shorter_matches() {
    let front = Front::of([
        candidate("x", 0.5),
        candidate("x^2 + 0.37*x", 0.6),
        candidate("sin(x)", 0.1),
        candidate("sin(x) + 0.1234*x + 0.3217*x^2", 0.099),
    ])
    .unwrap();
    let texts: Vec<String> =
        front.candidates().iter().map(|one| format!("{:?}", one.model.expression())).collect();
    assert_eq!(texts[..2], ["x", "sin(x)"]);
    assert_eq!((front.best(), front.most_accurate()), (1, 2));
    assert!(Front::of([]).is_none());
}

#[test]
fn what_rounding_leaves_of_no_constant_is_left_out() {
    let x: Vec<f64> = (0..50).map(|row| 0.1 + 0.05 * f64::from(row)).collect();
    let description = Description::of_exact(50);
    let found = |text: &str, slope: f64| {
        let y = x.iter().map(|x| 1.37 * x * x + slope * x).collect();
        let sample = Sample::new(vec![Arc::from("x")], vec![x.clone()], y, None).unwrap();
        let model = Model::of(&parsed(text));
        let error = error_of(&model, &sample);
        let shorter = shortened(&Candidate::new(model, error, description), &sample, description);
        shorter.model.expression()
    };
    assert_eq!(found("1.37*x^2 + 2.3e-15", 0.0), parsed("1.37*x^2"));
    assert_eq!(found("1.37*x^2 + 1.3e-10*x", 1.3e-10), parsed("x*(1.37*x + 1.3e-10)"));
}

#[test]
fn formulas_that_differ_by_rounding_are_there_once() {
    let exact = Candidate::new(Model::of(&parsed("2*x + 1")), 3e-31, Description::of_exact(100));
    let free =
        Candidate::new(Model::of(&parsed("2.000000000000001*x + 1")), 1e-31, Description::of_exact(100));
    for pair in [[exact.clone(), free.clone()], [free, exact.clone()], [exact.clone(), exact]] {
        let front = Front::of(pair).unwrap();
        assert_eq!(front.candidates().len(), 1, "{front:?}");
        assert_eq!(front.candidates()[0].model.free(), 0);
    }
}

#[test]
fn a_table_shows_no_formula_twice() {
    let noisy =
        |text: &str, error: f64| Candidate::new(Model::of(&parsed(text)), error, Description::of_exact(100));
    let exact = noisy("x^2", 1.0e-4);
    let fitted = noisy("1.000001234*x^2", 0.9e-4);
    let other = noisy("1.00234*x^2 + 0.37", 0.8e-4);
    let front = Front::of([fitted, other, exact]).unwrap();
    let texts: Vec<String> =
        front.candidates().iter().map(|one| format!("{:?}", one.model.expression())).collect();
    assert_eq!(texts, ["x^2", "1.00234*x^2 + 0.37"]);
    assert_eq!(front.best(), 0);
}

#[test]
fn as_many_constants_as_rows_explain_nothing() {
    let described = |text: &str, error: f64, rows: usize| {
        Candidate::new(Model::of(&parsed(text)), error, Description::of_exact(rows))
    };
    // Curves through all of the rows, and beside them what explains no more than is there.
    let waves = "78.575*sin(1.51*x) + 155.57*cos(12.3*x) - 50.902";
    for (rows, error) in [(3, 1e-31), (5, 1e-28), (6, 1e-26)] {
        let (through, line) = (described(waves, error, rows), described("2.1*x + 0.03", 1e-3, rows));
        assert!(!through.is_exact() && line.bits < through.bits, "{rows}");
    }
    assert!(described("2*x", 0.0, 3).is_exact() && described("2.13*x", 1e-30, 3).is_exact());
    assert!(described(waves, 1e-28, 12).is_exact());
    // With many rows a constant costs what it always did.
    let model = Model::of(&parsed(waves));
    let many = Description::of_exact(400);
    let formula = UNIT * model.length() + 0.5 * 400_f64.log2() * 5.0;
    assert!((many.bits(&model, 1e-6) - (formula + 200.0 * 1e-6_f64.log2())).abs() < 1e-6);
}

#[test]
fn orders_of_arrival_change_nothing() {
    let all = [candidate("x", 0.5), candidate("y", 0.5), candidate("sin(x)", 0.1), candidate("2*x", 0.4)];
    let texts =
        |front: Front| front.candidates().iter().map(|one| (one.complexity, one.error)).collect::<Vec<_>>();
    let forwards = texts(Front::of(all.clone()).unwrap());
    assert_eq!(forwards, texts(Front::of(all.into_iter().rev()).unwrap()));
}

#[test]
fn a_close_fit_of_many_constants_is_not_exact() {
    let is_exact = |error, free| Description::of_exact(16).is_exact(error, free, free);
    assert!(is_exact(1e-22, 6) && !is_exact(1e-22, 7) && is_exact(1e-28, 7));
    assert!(!is_exact(1e-28, 8) && !is_exact(1e-20, 1));
}

#[test]
fn constants_that_vanish_cost_nothing() {
    let x: Vec<Vec<f64>> =
        [0.37, 0.61].map(|step| (0..20).map(|row| (f64::from(row) * step).sin()).collect()).to_vec();
    let y = x[0].iter().zip(&x[1]).map(|(x, y)| (1.5 * x).sin() * (0.5 * y).cos()).collect();
    let sample = Sample::new(["x", "y"].map(Arc::from).to_vec(), x, y, None).unwrap();
    let start = parsed("1.000001*sin(1.499999*x + 1e-7)*cos(0.500001*y + 2e-7) + 1e-8");
    let found = Front::of(variants(&Model::of(&start), &sample, Description::of_exact(20))).unwrap();
    let best = &found.candidates()[found.best()];
    assert_eq!(best.model.expression(), parsed("sin(3*x/2)*cos(y/2)"));
}

#[test]
fn a_formula_led_through_few_rows_is_no_law() {
    let description = Description::of_exact(3);
    assert!(description.is_exact(1e-30, 0, 2) && !description.is_exact(1e-30, 0, 3));
    let of = |text: &str, error: f64| Candidate::new(Model::of(&parsed(text)), error, description).bits;
    let through = of("1.37*exp(0.21*x) + 2.17*cos(1.31*x)", 1e-32);
    assert!(through > of("0.77", 1.0));
    assert!(of("1.37*x + 0.21", 1e-32) < of("0.77", 1.0));
    // With rows enough nothing changes.
    let many = Description::of_exact(1000);
    assert_eq!(many.of_error(1e-9, 8), many.of_error(1e-9, 0));
}

#[test]
fn the_archive_has_room_for_the_best() {
    let mut archive = Archive::new(2);
    for (text, error) in [("x", 0.5), ("x^2", 0.1), ("sin(x)", 0.2), ("exp(x)", f64::NAN)] {
        archive.add(candidate(text, error));
    }
    let errors: Vec<f64> = archive.candidates().iter().map(|one| one.error).collect();
    assert_eq!(errors, [0.1, 0.2]);
}

#[test]
fn finishing_recognises_constants_in_the_form_that_has_them() {
    let x: Vec<f64> = (0..50).map(|row| 0.1 + 0.05 * f64::from(row)).collect();
    let y = x.iter().map(|x| (3.0 * x * x + 2.0).sqrt()).collect();
    let sample = Sample::new(vec![Arc::from("x")], vec![x], y, None).unwrap();
    let mut archive = Archive::new(4);
    let description = Description::of_exact(50);
    archive.add(Candidate::new(Model::of(&parsed("1.74*sqrt(x^2 + 0.66)")), 1e-3, description));
    let front = finish(&archive, &sample, description, 4, &|_| true, &|| false).unwrap();
    let best = &front.candidates()[front.best()];
    assert_eq!(best.model.expression(), parsed("sqrt(3*x^2 + 2)"));
    assert!(best.is_exact());
    // Behind a better one it is fitted too, unless it is late.
    archive.add(Candidate::new(Model::of(&parsed("x")), 1e-6, description));
    let found = |late: bool| finish(&archive, &sample, description, 4, &|_| true, &|| late).unwrap();
    let exact = |front: Front| front.candidates().iter().any(Candidate::is_exact);
    assert!(exact(found(false)) && !exact(found(true)));
}
