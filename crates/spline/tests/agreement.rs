//! Properties that hold for every spline: the table agrees with the Cox–de Boor oracle in values and in all
//! derivatives, inside, at and outside the domain, and the basis functions behave as basis functions must.

use kanode_spline::{CellTable, KnotEnds, Knots, Outside, SplineError, cox_de_boor, cox_de_boor_derivative};
use proptest::prelude::*;

/// Largest difference allowed between table and oracle, relative to the largest basis function (or derivative) of
/// the cell. The oracle is accurate to 1e-15; Horner's scheme at degree 5 sums terms of up to ten times the result.
const TOLERANCE: f64 = 1e-13;

const OUTSIDES: [Outside; 3] = [Outside::Linear, Outside::Constant, Outside::Zero];

/// A spline, from which table and oracle are made.
#[derive(Clone, Debug)]
struct Case {
    knots: Knots,
    outside: Outside,
}

impl Case {
    fn table(&self) -> CellTable {
        CellTable::new(&self.knots, self.outside)
    }

    /// The knots at both ends, some of those between, and their neighbours in floating point.
    fn knot_points(&self) -> Vec<f64> {
        let vector = self.knots.vector();
        let stride = vector.len() / 12 + 1;
        let edge = self.knots.degree() + 2;
        let ends = vector.iter().take(edge).chain(vector.iter().rev().take(edge));
        ends.chain(vector.iter().step_by(stride)).flat_map(|&t| [t.next_down(), t, t.next_up()]).collect()
    }

    /// Fractions of the domain (0 at `a`, 1 at `b`) as points.
    fn points(&self, fractions: &[f64]) -> Vec<f64> {
        let (a, b) = self.knots.domain();
        fractions.iter().map(|f| a + f * (b - a)).collect()
    }
}

fn grids() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..=8usize, 3 => 9..=64usize, 1 => 65..=4096usize, 1 => Just(4096usize)]
}

fn ends() -> impl Strategy<Value = KnotEnds> {
    prop_oneof![Just(KnotEnds::Clamped), Just(KnotEnds::Extended)]
}

fn domains() -> impl Strategy<Value = (f64, f64)> {
    (-5.0..5.0, -6.0..6.0f64).prop_map(|(a, exponent): (f64, f64)| (a, a + 10f64.powf(exponent)))
}

fn uniform() -> impl Strategy<Value = Knots> {
    (domains(), grids(), 1..=5usize, ends())
        .prop_map(|((a, b), grid, degree, ends)| Knots::uniform(a, b, grid, degree, ends).unwrap())
}

/// Breaks with gaps that differ by up to three orders of magnitude.
fn adaptive() -> impl Strategy<Value = Knots> {
    let gaps = grids().prop_flat_map(|grid| prop::collection::vec(-3.0..0.0f64, grid));
    (domains(), gaps, 1..=5usize, ends()).prop_map(|((a, b), gaps, degree, ends)| {
        let gaps: Vec<f64> = gaps.into_iter().map(|exponent| 10f64.powf(exponent)).collect();
        let total: f64 = gaps.iter().sum();
        let mut at = 0.0;
        let inner = gaps.iter().map(|gap| {
            let x = a + (b - a) * at / total;
            at += gap;
            x
        });
        Knots::with_breaks(inner.chain([b]).collect(), degree, ends).unwrap()
    })
}

fn cases() -> impl Strategy<Value = Case> {
    cases_of(&OUTSIDES)
}

fn cases_of(outsides: &'static [Outside]) -> impl Strategy<Value = Case> {
    (prop_oneof![uniform(), adaptive()], prop::sample::select(outsides))
        .prop_map(|(knots, outside)| Case { knots, outside })
}

/// From one domain's width below the domain to one above it, so that decay and what follows it are covered.
fn fractions() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(
        prop_oneof![3 => 0.0..=1.0, 2 => -1.0..2.0, 1 => -0.1..0.1, 1 => 0.9..1.1, 1 => -50.0..50.0],
        16,
    )
}

/// All basis functions from the table.
fn dense(table: &CellTable, order: usize, x: f64) -> Vec<f64> {
    let mut weights = vec![0.0; table.degree() + 1];
    let row = table.derivative_weights(order, x, &mut weights);
    let mut bases = vec![0.0; table.basis_count()];
    bases[row..][..weights.len()].copy_from_slice(&weights);
    bases
}

fn norm(bases: &[f64]) -> f64 {
    bases.iter().fold(0.0, |largest, n| largest.max(n.abs()))
}

/// The size of the basis functions (or derivatives) in the cell of `x`: the largest at `x` and at both ends.
fn scale(case: &Case, table: &CellTable, order: usize, x: f64) -> f64 {
    let cell = table.cell(table.find(x));
    let size = |x| norm(&cox_de_boor_derivative(&case.knots, case.outside, order, x));
    size(x).max(size(cell.origin)).max(size(cell.origin + cell.inverse_width.recip()))
}

fn check_agreement(case: &Case, points: &[f64]) -> Result<(), TestCaseError> {
    let table = case.table();
    for &x in points {
        for order in 0..=case.knots.degree() + 1 {
            let oracle = cox_de_boor_derivative(&case.knots, case.outside, order, x);
            let found = dense(&table, order, x);
            let allowed = TOLERANCE * scale(case, &table, order, x);
            for (i, (f, o)) in found.iter().zip(&oracle).enumerate() {
                prop_assert!(
                    (f - o).abs() <= allowed,
                    "x {x}, order {order}, basis {i}: {f} but {o} ± {allowed:e}"
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn table_agrees_with_the_oracle_everywhere(case in cases(), fractions in fractions()) {
        check_agreement(&case, &case.points(&fractions))?;
    }

    #[test]
    fn table_agrees_with_the_oracle_at_knots_and_beside_them(case in cases()) {
        check_agreement(&case, &case.knot_points())?;
    }

    #[test]
    fn bases_sum_to_one_and_are_not_negative_in_the_domain(case in cases(), fractions in fractions()) {
        let (a, b) = case.knots.domain();
        let table = case.table();
        let points = case.points(&fractions).into_iter().chain(case.knot_points());
        for x in points.map(|x| x.clamp(a, b)) {
            let bases = dense(&table, 0, x);
            prop_assert!((bases.iter().sum::<f64>() - 1.0).abs() < TOLERANCE, "at {x}");
            prop_assert!(bases.iter().all(|&n| n > -TOLERANCE), "at {x}");
            prop_assert!((cox_de_boor(&case.knots, case.outside, x).iter().sum::<f64>() - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn bases_sum_to_one_outside_unless_zero(
        case in cases_of(&[Outside::Linear, Outside::Constant]),
        fractions in fractions(),
    ) {
        let table = case.table();
        for x in case.points(&fractions) {
            let bases = dense(&table, 0, x);
            prop_assert!((bases.iter().sum::<f64>() - 1.0).abs() <= TOLERANCE * norm(&bases).max(1.0), "at {x}");
        }
    }

    #[test]
    fn every_x_is_in_the_cell_that_starts_at_or_before_it(case in cases(), fractions in fractions()) {
        let table = case.table();
        let (a, b) = case.knots.domain();
        let starts = table.starts();
        prop_assert_eq!(starts.len(), table.cell_count());
        prop_assert!(starts.is_sorted());
        for x in case.points(&fractions).into_iter().chain(case.knot_points()) {
            let c = table.find(x);
            let cell = table.cell(c);
            prop_assert_eq!(cell.start, starts[c]);
            prop_assert!(cell.start <= x && starts.get(c + 1).is_none_or(|&next| x < next));
            prop_assert!(cell.row + table.degree() < table.basis_count());
            if (a..=b).contains(&x) {
                let u = (x - cell.origin) * cell.inverse_width;
                prop_assert!((0.0..=1.0 + 1e-15).contains(&u), "u = {} at {}", u, x);
            }
        }
    }

    #[test]
    fn nan_and_infinity_give_nan(case in cases()) {
        let table = case.table();
        let mut weights = vec![0.0; table.degree() + 1];
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for order in 0..=table.degree() + 1 {
                let row = table.derivative_weights(order, x, &mut weights);
                prop_assert!(row + table.degree() < table.basis_count());
                prop_assert!(weights.iter().all(|w| w.is_nan()));
                prop_assert!(cox_de_boor_derivative(&case.knots, case.outside, order, x).iter().all(|n| n.is_nan()));
            }
        }
    }

    #[test]
    fn accepted_knots_are_ordered_and_refused_breaks_are_named(
        breaks in prop::collection::vec(prop_oneof![4 => -10.0..10.0f64, 1 => prop::num::f64::ANY], 0..6),
        sorted: bool,
        ends in ends(),
    ) {
        let mut breaks = breaks;
        if sorted {
            breaks.sort_by(f64::total_cmp);
        }
        match Knots::with_breaks(breaks.clone(), 3, ends) {
            Ok(knots) => {
                prop_assert_eq!(knots.breaks(), &breaks[..]);
                prop_assert!(knots.vector().is_sorted());
                for outside in OUTSIDES {
                    let table = CellTable::new(&knots, outside);
                    for c in 0..table.cell_count() {
                        prop_assert!(table.coefficients(c).iter().all(|c| c.is_finite()));
                        prop_assert!(table.cell(c).inverse_width.is_finite());
                    }
                }
            }
            Err(SplineError::Breaks { index, before, after }) => {
                prop_assert_eq!(before.to_bits(), breaks[index - 1].to_bits());
                prop_assert_eq!(after.to_bits(), breaks[index].to_bits());
            }
            Err(SplineError::Domain { .. } | SplineError::Grid { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn every_degree_end_and_outside_agrees_on_the_smallest_and_largest_grids() {
    let fractions =
        [-3.0, -1.0, -0.3, -1e-3, 0.0, 1e-9, 0.25, 1.0 / 3.0, 0.5, 0.999, 1.0, 1.0 + 1e-3, 1.3, 2.0, 4.0];
    for degree in 1..=5 {
        for grid in [1, 2, 3, 5, 200, 4096] {
            for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
                let knots = Knots::uniform(-1.0, 2.0, grid, degree, ends).unwrap();
                for outside in OUTSIDES {
                    let case = Case { knots: knots.clone(), outside };
                    check_agreement(&case, &case.points(&fractions)).unwrap();
                    check_agreement(&case, &case.knot_points()).unwrap();
                }
            }
        }
    }
}

/// What efficient-kan computes (`KANLinear.b_splines` of github.com/Blealtan/efficient-kan), transcribed: half-open
/// bases on the extended grid `arange(-k, G + k + 1)·h + a`.
fn efficient_kan(a: f64, b: f64, grid: usize, degree: usize, x: f64) -> Vec<f64> {
    let h = (b - a) / grid as f64;
    let t: Vec<f64> = (0..=grid + 2 * degree).map(|j| (j as f64 - degree as f64) * h + a).collect();
    let mut bases: Vec<f64> = t.windows(2).map(|t| f64::from(x >= t[0] && x < t[1])).collect();
    for k in 1..=degree {
        bases = (0..bases.len() - 1)
            .map(|i| {
                (x - t[i]) / (t[i + k] - t[i]) * bases[i]
                    + (t[i + k + 1] - x) / (t[i + k + 1] - t[i + 1]) * bases[i + 1]
            })
            .collect();
    }
    bases
}

#[test]
fn zero_outside_extended_knots_is_efficient_kan() {
    for degree in 1..=5 {
        for grid in [1, 2, 5, 20] {
            let knots = Knots::uniform(-1.0, 1.0, grid, degree, KnotEnds::Extended).unwrap();
            let table = CellTable::new(&knots, Outside::Zero);
            // Far below the last extended knot to far above it, not on knots and on them.
            for x in (-4800..=4800).map(|i| f64::from(i) / 400.0) {
                let expected = efficient_kan(-1.0, 1.0, grid, degree, x);
                for found in [dense(&table, 0, x), cox_de_boor(&knots, Outside::Zero, x)] {
                    assert_eq!(found.len(), expected.len());
                    for (f, e) in found.iter().zip(&expected) {
                        assert!((f - e).abs() < 1e-13, "degree {degree}, grid {grid}, x {x}: {f} but {e}");
                    }
                }
            }
        }
    }
}

#[test]
fn local_form_keeps_its_digits_in_f32_on_two_hundred_intervals() {
    for (degree, ends) in [(3, KnotEnds::Clamped), (3, KnotEnds::Extended), (5, KnotEnds::Clamped)] {
        let knots = Knots::uniform(-1.0, 1.0, 200, degree, ends).unwrap();
        let table = CellTable::new(&knots, Outside::Linear);
        for i in -5000..=5000i16 {
            let x = f32::from(i) / 5000.0;
            let c = table.find(f64::from(x));
            let cell = table.cell(c);
            let u = (x - cell.origin as f32) * cell.inverse_width as f32;
            let coefficients = table.coefficients(c);
            let oracle = cox_de_boor(&knots, Outside::Linear, f64::from(x));
            for slot in 0..=degree {
                let horner = |sum: f32, power| sum * u + coefficients[power * (degree + 1) + slot] as f32;
                let found = (0..=degree).rev().fold(0.0, horner);
                assert!((f64::from(found) - oracle[cell.row + slot]).abs() < 1e-5, "degree {degree}, x {x}");
            }
        }
    }
}
