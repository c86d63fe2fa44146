//! The simplest laws, which a table has whatever else a search finds: a proportion, a line, a power law, a plane.

use super::features::constant;
use super::problem::{Problem, moments, usable};
use crate::expression::Expression;
use crate::fit::least_squares::{dot, least_squares};

/// Most columns of a plane.
const PLANE: usize = 6;

/// A law and the values of its constants.
type Law = (Expression, Vec<f64>);

/// For each form the law of the column that explains most, and the plane of all columns where they are few.
pub(super) fn laws(problem: &Problem) -> Vec<Law> {
    let one = vec![1.0; problem.rows()];
    let columns = || problem.columns.iter().zip(&problem.parts);
    let proportions = columns().filter_map(|(x, part)| {
        let (found, error) = least_squares(std::slice::from_ref(x), &problem.y)?;
        Some((error, (constant(0) * part.clone(), found)))
    });
    let lines = columns().filter_map(|(x, part)| {
        let (found, error) = least_squares(&[x.clone(), one.clone()], &problem.y)?;
        Some((error, (constant(0) * part.clone() + constant(1), found)))
    });
    let powers = columns().filter_map(|(x, part)| power(problem, x, part, &one));
    let best =
        |laws: Vec<(f64, Law)>| laws.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, law)| law);
    let mut laws: Vec<Law> =
        [proportions.collect(), lines.collect(), powers.collect()].into_iter().filter_map(best).collect();
    laws.extend(plane(problem, one));
    laws
}

/// `c·xᵏ` by a line through the logarithms.
fn power(problem: &Problem, x: &[f64], part: &Expression, one: &[f64]) -> Option<(f64, Law)> {
    let sign = moments(&problem.y).0.signum();
    if !x.iter().all(|x| *x > 0.0) || !problem.y.iter().all(|y| sign * y > 0.0) {
        return None;
    }
    let logarithms = [x.iter().map(|x| x.ln()).collect(), one.to_vec()];
    let target: Vec<f64> = problem.y.iter().map(|y| (sign * y).ln()).collect();
    let (found, _) = least_squares(&logarithms, &target)?;
    let (exponent, scale) = (found[0], sign * found[1].exp());
    let left: Vec<f64> = x.iter().zip(&problem.y).map(|(x, y)| y - scale * x.powf(exponent)).collect();
    usable(&left).then(|| {
        let law = constant(0) * part.clone().power(constant(1));
        (dot(&left, &left), (law, vec![scale, exponent]))
    })
}

fn plane(problem: &Problem, one: Vec<f64>) -> Option<Law> {
    let count = problem.columns.len();
    if !(2..=PLANE).contains(&count) || problem.rows() < count + 3 {
        return None;
    }
    let columns: Vec<Vec<f64>> = problem.columns.iter().cloned().chain([one]).collect();
    let (found, _) = least_squares(&columns, &problem.y)?;
    let terms = problem.parts.iter().enumerate().map(|(at, part)| constant(at) * part.clone());
    Some((Expression::sum(terms.chain([constant(count)])), found))
}

#[cfg(test)]
mod tests {
    use super::super::{testing::sample, whole};
    use super::*;
    use crate::model::{Model, error_of};

    #[test]
    fn each_form_is_there_with_the_column_that_explains_most() {
        let data = sample("2.5*y^1.5 + x/50", &[(1.0, 3.0); 2], 50, 0.0);
        let found: Vec<Model> =
            laws(&whole(&data)).iter().map(|(law, values)| Model::with_values(law.clone(), values)).collect();
        assert_eq!(found.len(), 4);
        assert!(found[..3].iter().all(|model| model.skeleton().depends_on("y")));
        let errors: Vec<f64> = found.iter().map(|model| error_of(model, &data)).collect();
        // A proportion, a line, nearly the law, a plane.
        assert!(errors[1] < errors[0] && errors[2] < 1e-4 && errors[3] < errors[1], "{errors:?}");
    }
}
