use super::*;
use kanode_network::{Scaler, Specification};

fn network(degree: usize) -> Network<f64> {
    let specification =
        Specification { degree, products: vec![vec![2], vec![]], ..Specification::of(&[3, 3, 2]) };
    let mut network = Network::new(specification).unwrap();
    let scaler = Scaler {
        input_mean: vec![0.2, -0.1, 0.0],
        input_scale: vec![0.5, 2.0, 1.0],
        target_mean: vec![1.0, -2.0],
        target_scale: vec![3.0, 0.7],
    };
    network.set_scaler(Some(scaler)).unwrap();
    network
}

fn rows(count: usize) -> Vec<f64> {
    (0..3 * count).map(|i| (i * 37 % 101) as f64 / 120.0 - 0.4).collect()
}

fn of(network: &Network<f64>, x: &[f64], order: Order) -> Derivatives {
    derivatives(network, x, x.len() / 3, order, &|| false).unwrap()
}

#[test]
fn derivatives_are_those_of_finite_differences_in_the_users_units() {
    // Degree 5: the differences do not meet a jump. Values of size 1.
    const STEP: f64 = 1e-4;
    const TOLERANCE: f64 = 1e-5;
    let (network, x) = (network(5), rows(40));
    let found = of(&network, &x, Order::Second);
    assert_eq!((found.value.len(), found.first.len(), found.second.len()), (80, 240, 720));
    assert_eq!(of(&network, &x, Order::First), Derivatives { second: Vec::new(), ..found.clone() });
    for i in 0..3 {
        let moved = |shift: f64| {
            let moved = x.iter().enumerate().map(|(at, x)| if at % 3 == i { x + shift } else { *x });
            of(&network, &moved.collect::<Vec<_>>(), Order::First)
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        for at in 0..80 {
            let expected = (up.value[at] - down.value[at]) / (2.0 * STEP);
            assert!((found.first[3 * at + i] - expected).abs() < TOLERANCE * (1.0 + expected.abs()));
            for j in 0..3 {
                let expected = (up.first[3 * at + j] - down.first[3 * at + j]) / (2.0 * STEP);
                let second = found.second[9 * at + 3 * i + j];
                assert!(
                    (second - expected).abs() < TOLERANCE * (1.0 + expected.abs()),
                    "{second} {expected}"
                );
                assert_eq!(second, found.second[9 * at + 3 * j + i]);
            }
        }
    }
}

#[test]
fn blocks_make_no_difference() {
    let (network, x) = (network(3), rows(3000));
    let all = of(&network, &x, Order::Second);
    for row in [0, 1500, 2999] {
        let one = of(&network, &x[3 * row..3 * row + 3], Order::Second);
        assert_eq!(one.value, all.value[2 * row..2 * row + 2]);
        assert_eq!(one.second, all.second[18 * row..18 * row + 18]);
    }
}

#[test]
fn what_can_not_be_had_is_refused() {
    let asked = |degree, x: &[f64], rows, order| derivatives(&network(degree), x, rows, order, &|| false);
    assert_eq!(asked(2, &rows(1), 1, Order::Second), Err(PhysicsError::Degree { degree: 2 }));
    assert!(asked(1, &rows(1), 1, Order::First).is_ok());
    assert!(matches!(asked(3, &rows(1), 2, Order::First), Err(PhysicsError::Rows(_))));
    assert!(matches!(asked(3, &[0.0, f64::NAN, 0.0], 1, Order::First), Err(PhysicsError::Rows(_))));
    let cancelled = derivatives(&network(3), &rows(1), 1, Order::First, &|| true);
    assert_eq!(cancelled, Err(PhysicsError::Cancelled));
    assert!(matches!(asked(3, &[1e308; 3], 1, Order::Second), Err(PhysicsError::Overflow { row: 0, .. })));
    assert_eq!(asked(3, &[], 0, Order::Second), Ok(Derivatives::default()));
}
