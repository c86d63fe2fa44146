//! A network that computes a formula, what pykan calls its compiler: sums are nodes, products are product nodes, and all
//! that happens to one number is an edge.

use crate::edge_formula::EdgeFormula;
use crate::expression::{Enclosure, Expression, Function, Interval, Node};
use crate::formula::Formula;
use kanode_engine::{Base, Loss};
use kanode_network::{EdgeId, Names, Network, NetworkError, Parts, Specification};
use kanode_spline::Knots;
use std::collections::HashMap;
use std::sync::Arc;

/// Most nodes of a layer, and layers: a formula that needs more is no small law.
const MOST: usize = 500;

/// The network of a formula, whose inputs are its variables and are expected within the bounds given, one for each. The
/// formula's inexact numbers are parameters. There is no scaler.
///
/// # Errors
/// [`NetworkError::Length`] for bounds that are not as many as variables, or a formula that needs more than 500 nodes or
/// layers, or has no variables; [`NetworkError::InputDomain`] for bounds that are none.
pub fn network_of(formula: &Formula, bounds: &[(f64, f64)]) -> Result<Network<f64>, NetworkError> {
    let variables = formula.variables();
    let expected = variables.len().max(1);
    if bounds.len() != expected || variables.is_empty() {
        return Err(NetworkError::Length { what: "bounds of variables", expected, found: bounds.len() });
    }
    if let Some(input) = bounds.iter().position(|(a, b)| !(a < b && a.is_finite() && b.is_finite())) {
        let (a, b) = bounds[input];
        return Err(NetworkError::InputDomain { input, a, b });
    }
    let mut plan = Plan::new(variables);
    plan.add_output(&plain(formula.expression()))?;
    plan.network(formula, bounds)
}

/// The same without exponents that are not numbers: `a^b` is `exp(b·log a)`.
fn plain(expression: &Expression) -> Expression {
    let mut known: HashMap<Expression, Expression> = HashMap::new();
    expression.walk(|part| {
        let made = part.with_parts(|inner| known[inner].clone());
        let made = match made.node() {
            Node::Power(base, exponent)
                if exponent.number().is_none() && !exponent.variables().is_empty() =>
            {
                (exponent.clone() * base.clone().call(Function::Log)).call(Function::Exp)
            }
            _ => made,
        };
        known.insert(part.clone(), made);
    });
    known.remove(expression).unwrap_or_else(|| expression.clone())
}

/// An edge: what is done to a value, an expression of x, and whose value that is.
type Term = (Expression, Expression);

/// What a node is made of: terms of one sum, or of the factors of a product.
#[derive(Clone, Debug)]
struct Made {
    value: Expression,
    sums: Vec<Vec<Term>>,
}

/// Layers of nodes; the first are the inputs.
struct Plan {
    layers: Vec<Vec<Made>>,
}

/// What is done to one value, and the value: a variable, a sum of several or a product of several.
fn split(expression: &Expression) -> Term {
    let x = || Expression::variable("x");
    let variables = expression.variables();
    if let [name] = variables.as_slice() {
        let renamed = HashMap::from([(&**name, x())]);
        return (expression.substitute(&renamed), Expression::variable(name));
    }
    let constant = |part: &Expression| part.variables().is_empty();
    let alone = |parts: &[Expression]| {
        let mut others = parts.iter().filter(|part| !constant(part));
        match (others.next(), others.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    };
    let constants =
        |parts: &[Expression]| parts.iter().filter(|part| constant(part)).cloned().collect::<Vec<_>>();
    match expression.node() {
        Node::Call(function, inner) => {
            let (edge, value) = split(inner);
            (edge.call(*function), value)
        }
        Node::Power(base, exponent) if constant(exponent) => {
            let (edge, value) = split(base);
            (edge.power(exponent.clone()), value)
        }
        Node::Sum(parts) if alone(parts).is_some() => {
            let (edge, value) = alone(parts).map_or_else(|| (x(), x()), |only| split(&only));
            (Expression::sum(constants(parts).into_iter().chain([edge])), value)
        }
        Node::Product(parts) => {
            let factor = Expression::product(constants(parts));
            match alone(parts) {
                Some(only) => {
                    let (edge, value) = split(&only);
                    (factor * edge, value)
                }
                None => {
                    let rest = Expression::product(parts.iter().filter(|part| !constant(part)).cloned());
                    (factor * x(), rest)
                }
            }
        }
        _ => (x(), expression.clone()),
    }
}

/// The terms of a sum, its constant within the first.
fn terms(sum: &Expression) -> Vec<Term> {
    let parts = match sum.node() {
        Node::Sum(parts) => parts.clone(),
        _ => vec![sum.clone()],
    };
    let (constants, varying): (Vec<Expression>, Vec<Expression>) =
        parts.into_iter().partition(|part| part.variables().is_empty());
    let mut terms: Vec<Term> = varying.iter().map(split).collect();
    if let Some((edge, _)) = terms.first_mut() {
        *edge = Expression::sum(constants.into_iter().chain([edge.clone()]));
    }
    terms
}

impl Plan {
    fn new(variables: &[Arc<str>]) -> Self {
        let input = |name: &Arc<str>| Made { value: Expression::variable(name), sums: Vec::new() };
        Self { layers: vec![variables.iter().map(input).collect()] }
    }

    /// The layer that has a value as a node, which is made where there is none.
    fn node(&mut self, value: &Expression) -> Result<usize, NetworkError> {
        let found = self.layers.iter().position(|layer| layer.iter().any(|made| made.value == *value));
        if let Some(layer) = found {
            return Ok(layer);
        }
        let sums = match value.node() {
            // A product is a node unless it is what an edge does to something else.
            Node::Product(factors) if split(value).1 == *value => factors.iter().map(terms).collect(),
            _ => vec![terms(value)],
        };
        self.place(value, sums)
    }

    /// Makes a node behind all that it is made of.
    fn place(&mut self, value: &Expression, sums: Vec<Vec<Term>>) -> Result<usize, NetworkError> {
        let mut below = 0;
        for (_, inner) in sums.iter().flatten() {
            below = below.max(self.node(inner)?);
        }
        for (_, inner) in sums.iter().flatten() {
            self.carry(inner, below)?;
        }
        self.put(below + 1, Made { value: value.clone(), sums })?;
        Ok(below + 1)
    }

    /// Brings a value to a layer, by edges that leave it as it is.
    fn carry(&mut self, value: &Expression, layer: usize) -> Result<(), NetworkError> {
        for at in self.node(value)? + 1..=layer {
            if !self.layers[at].iter().any(|made| made.value == *value) {
                let same = vec![vec![(Expression::variable("x"), value.clone())]];
                self.put(at, Made { value: value.clone(), sums: same })?;
            }
        }
        Ok(())
    }

    fn put(&mut self, layer: usize, made: Made) -> Result<(), NetworkError> {
        if layer == self.layers.len() {
            self.layers.push(Vec::new());
        }
        self.layers[layer].push(made);
        let found = self.layers.len().max(self.layers[layer].len());
        if found > MOST {
            return Err(NetworkError::Length { what: "nodes or layers of a formula", expected: MOST, found });
        }
        Ok(())
    }

    fn add_output(&mut self, expression: &Expression) -> Result<(), NetworkError> {
        if expression.variables().is_empty() {
            let first = self.layers[0][0].value.clone();
            self.put(1, Made { value: expression.clone(), sums: vec![vec![(expression.clone(), first)]] })?;
        } else if self.node(expression)? == 0 {
            let same = vec![vec![(Expression::variable("x"), expression.clone())]];
            self.put(1, Made { value: expression.clone(), sums: same })?;
        }
        Ok(())
    }

    fn network(mut self, formula: &Formula, bounds: &[(f64, f64)]) -> Result<Network<f64>, NetworkError> {
        // Product nodes are the last of their layer.
        self.layers[1..].iter_mut().for_each(|layer| layer.sort_by_key(|made| made.sums.len() > 1));
        let arities =
            |layer: &Vec<Made>| layer.iter().map(|made| made.sums.len()).filter(|arity| *arity > 1).collect();
        let specification = Specification {
            products: self.layers[1..].iter().map(arities).collect(),
            base: Base::Zero,
            standardize: false,
            ..Specification::of(&self.layers.iter().map(Vec::len).collect::<Vec<_>>())
        };
        let box_of: HashMap<&str, Interval> = formula
            .variables()
            .iter()
            .zip(bounds)
            .map(|(name, (low, high))| (&**name, Interval { low: *low, high: *high }))
            .collect();
        let knots = |made: &Made| {
            let (a, b) = domain(made.value.enclosure(&box_of));
            Knots::uniform(a, b, specification.grid, specification.degree, specification.knots)
                .map_err(|source| NetworkError::Spline { layer: 0, input: 0, source })
        };
        let below = &self.layers[..self.layers.len() - 1];
        let knots =
            below.iter().map(|layer| layer.iter().map(knots).collect()).collect::<Result<Vec<_>, _>>()?;
        // All edges pruned: those that are needed become functions.
        let mut parameters = Network::<f64>::new(specification.clone())?.parameters().to_vec();
        parameters.fill(0.0);
        let edges = |layer: usize| below[layer].len() * specification.sums(layer);
        let pruned = (0..below.len()).map(|layer| (0..edges(layer)).collect()).collect();
        let names = Names {
            inputs: Some(formula.variables().iter().map(ToString::to_string).collect()),
            outputs: None,
        };
        let parts = Parts::new(specification, knots, parameters);
        let mut network = Network::from_parts(Parts { pruned, names, loss: Some(Loss::Mse), ..parts })?;
        for (layer, (made, before)) in self.layers[1..].iter().zip(below).enumerate() {
            for (to, sum) in made.iter().flat_map(|made| &made.sums).enumerate() {
                let mut together: HashMap<usize, Vec<Expression>> = HashMap::new();
                for (edge, value) in sum {
                    let from = before.iter().position(|made| made.value == *value);
                    together.entry(from.unwrap_or(0)).or_default().push(edge.clone());
                }
                let mut together: Vec<(usize, Vec<Expression>)> = together.into_iter().collect();
                together.sort_by_key(|(from, _)| *from);
                for (from, edges) in together {
                    let id = EdgeId { layer, from, to };
                    let (function, constants) =
                        EdgeFormula::on(&network, id, &Expression::sum(edges), false)?;
                    network = network.with_function(id, Arc::new(function), &constants)?;
                }
            }
        }
        Ok(network)
    }
}

/// A domain for what a node receives, where something is known of it.
fn domain(Enclosure { values: range, .. }: Enclosure) -> (f64, f64) {
    const FAR: f64 = 1e9;
    let (low, high) = (range.low.max(-FAR), range.high.min(FAR));
    if low < high && high - low > 1e-9 * high.abs().max(low.abs()) { (low, high) } else { (-3.0, 3.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output_formula;
    use kanode_engine::Compile;
    use kanode_engine::reference::Reference;
    use kanode_optim::Optimizer;
    use kanode_train::{Dataset, FitOptions, Unobserved, fit};
    use proptest::prelude::*;

    /// Formulas of sums, products, squares and tame functions, so that rounding stays small.
    fn formulas() -> impl Strategy<Value = Expression> {
        let leaf = prop_oneof![
            prop::sample::select(vec!["x", "y", "z"]).prop_map(Expression::variable),
            (-3..=3_i64, 1..=3_i64).prop_map(|(p, q)| Expression::ratio(p, q)),
            (-2.0..2.0).prop_map(Expression::real),
        ];
        let tame = vec![Function::Sin, Function::Cos, Function::Tanh, Function::Abs, Function::Atan];
        leaf.prop_recursive(4, 20, 3, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::sum),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::product),
                inner.clone().prop_map(|base| base.powi(2)),
                (inner, prop::sample::select(tame.clone())).prop_map(|(x, function)| x.call(function)),
            ]
        })
    }

    /// The value of a network at one row.
    fn value(network: &Network<f64>, row: &[f64]) -> f64 {
        let mut y = [0.0];
        let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
        executor.predict(network.parameters(), row, &mut y).unwrap();
        y[0]
    }

    proptest! {
        #[test]
        fn any_formula_is_what_its_network_computes(expression in formulas()) {
            let formula = Formula::new(expression, None).unwrap();
            let row: Vec<f64> = [0.7, 1.1, 0.4][..formula.variables().len()].to_vec();
            let expected = formula.evaluate_point(&row);
            prop_assume!(!row.is_empty() && expected.abs() < 1e4);
            let network = network_of(&formula, &vec![(0.2, 1.5); row.len()]).unwrap();
            let found = value(&network, &row);
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{} {} {}", formula, found, expected);
        }
    }

    #[test]
    fn networks_have_the_values_of_their_formulas() {
        let texts = [
            "exp(sin(pi*x) + y^2)",
            "x*y*z + 3*x*y - 1.5*z",
            "(x + y)*(x - 0.5*z)/sqrt(1.5 + z^2)",
            "sin(x*y + cos(x - z)) + x",
            "x^y + 0.25*z",
            "2.5*x + 1.5",
            "x",
            "x*y",
            "pi*x*y/2",
            "sin(x)",
            "x^2*exp(-x)",
            "y*z/x^2",
            "exp(-(x - 0.5)^2*(1 + y*exp(z*x)))",
            "-1.5*(x + y)^2*(z - 0.25)",
        ];
        // Each alone, behind a number and turned.
        let scaled = |text: &&str| [text.to_string(), format!("2.5*({text})"), format!("-({text})")];
        for text in texts.iter().chain(crate::testing::texts()).flat_map(scaled) {
            let formula = Formula::parse(&text, None).unwrap();
            let count = formula.variables().len();
            if count == 0 {
                continue;
            }
            let network = network_of(&formula, &vec![(0.2, 1.5); count]).unwrap();
            let x: Vec<f64> = (0..20 * count).map(|at| 0.2 + (at as f64 * 0.618).fract() * 1.3).collect();
            let mut y = vec![0.0; 20];
            let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
            executor.predict(network.parameters(), &x, &mut y).unwrap();
            for (row, found) in x.chunks(count).zip(y) {
                let expected = formula.evaluate_point(row);
                if expected.is_nan() {
                    continue;
                }
                assert!(
                    (found - expected).abs() < 1e-12 * (1.0 + expected.abs()),
                    "{text}: {found} {expected}"
                );
            }
            assert!(output_formula(&network, 0, formula.variables()).is_some(), "{text}");
        }
    }

    #[test]
    fn numbers_of_a_formula_are_parameters_of_its_network() {
        let formula = Formula::parse("2.5*sin(1.5*x) + y/3", None).unwrap();
        let network = network_of(&formula, &[(-1.0, 1.0), (-1.0, 1.0)]).unwrap();
        assert_eq!(network.program().layers()[0].constant_count(), 2);
        let again = output_formula(&network, 0, formula.variables()).unwrap();
        assert_eq!(&again, formula.expression());
    }

    #[test]
    fn a_network_without_numbers_has_nothing_to_fit() {
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        let data = Dataset::new(8, 1, 1, x.clone(), x.iter().map(|x| 3.0 * x).collect(), None).unwrap();
        let mut network = network_of(&Formula::parse("x^2", None).unwrap(), &[(0.0, 8.0)]).unwrap();
        let options = FitOptions { optimizer: Some(Optimizer::lm()), ..FitOptions::default() };
        fit(&mut network, &data, None, &options, None, &Reference, &mut Unobserved).unwrap();
        assert!(network.parameters().iter().all(|parameter| *parameter == 0.0));
    }

    #[test]
    fn formulas_without_networks_are_refused() {
        let refused = |text: &str, bounds: &[(f64, f64)]| {
            network_of(&Formula::parse(text, None).unwrap(), bounds).map(drop).unwrap_err()
        };
        assert!(matches!(refused("x + y", &[(0.0, 1.0)]), NetworkError::Length { .. }));
        assert!(matches!(refused("pi", &[]), NetworkError::Length { .. }));
        assert!(matches!(refused("x", &[(1.0, 0.0)]), NetworkError::InputDomain { input: 0, .. }));
    }
}
