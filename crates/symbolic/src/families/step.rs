//! Functions with a corner or a step: `c·|x + b| + d` and `c·sgn(x + b) + d`.

use super::{Family, fitted, shifted};
use crate::expression::{Expression, Function};
use crate::fit::Curve;
use crate::fit::projection::Shape;

struct Step {
    function: Function,
}

/// Both.
pub(super) fn families() -> Vec<Box<dyn Family>> {
    [Function::Abs, Function::Sign].map(|function| Box::new(Step { function }) as Box<dyn Family>).into()
}

impl Shape for Step {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        values.iter_mut().zip(nodes).for_each(|(value, u)| *value = self.function.evaluate(u + theta[0]));
        for slope in slopes {
            for (slope, u) in slope.iter_mut().zip(nodes) {
                *slope = if self.function == Function::Abs { (u + theta[0]).signum() } else { 0.0 };
            }
        }
    }
}

impl Family for Step {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn bits(&self) -> f64 {
        6.0
    }

    fn constants(&self) -> usize {
        3
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        // The middles between neighbours: a step there takes no node along by accident.
        let mut nodes = curve.unit().to_vec();
        nodes.sort_by(f64::total_cmp);
        let middles = nodes.windows(2).map(|pair| vec![-0.5 * (pair[0] + pair[1])]);
        fitted(curve, self, middles, |theta| shifted(curve, 1.0, theta[0]).call(self.function))
    }
}
