//! The formula of a network's output, from the formulas on its edges.

use crate::edge_formula::EdgeFormula;
use crate::expression::{Expression, Function, Node, Number};
use kanode_engine::Real;
use kanode_network::{EdgeId, Network};
use std::collections::HashMap;
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

/// The formula of an output in the units of the data, of variables with these names; None if an edge that leads to the
/// output is a spline.
pub fn output_formula<T: Real>(
    network: &Network<T>,
    output: usize,
    names: &[Arc<str>],
) -> Option<Expression> {
    let needed = needed(network, output);
    let mut nodes: Vec<Option<Expression>> =
        names.iter().map(|name| Some(Expression::variable(name))).collect();
    let layers = network.program().layers();
    for (layer, shape) in layers.iter().enumerate() {
        let mut sums = Vec::new();
        for to in 0..shape.outputs {
            let mut terms = Some(Vec::new());
            for from in 0..shape.inputs {
                let edge = EdgeId { layer, from, to };
                if !needed[layer][from * shape.outputs + to] {
                    continue;
                }
                let formula = EdgeFormula::expression_on(network, edge);
                let term = formula
                    .zip(nodes[from].clone())
                    .map(|(formula, node)| formula.substitute(&HashMap::from([("x", node)])));
                terms = terms.zip(term).map(|(mut terms, term)| {
                    terms.push(term);
                    terms
                });
            }
            sums.push(terms.map(Expression::sum));
        }
        let products: Vec<Option<Expression>> = shape
            .factors()
            .map(|factors| {
                sums[factors].iter().cloned().collect::<Option<Vec<_>>>().map(|sums| product(&sums))
            })
            .collect();
        sums.truncate(shape.sum_nodes());
        nodes = sums.into_iter().chain(products).collect();
    }
    let value = distributed(&nodes.swap_remove(output)?);
    let Some(scaler) = network.scaler() else { return Some(value) };
    // Where the last layer has products its edges have no units: the whole has them.
    let plain = layers.last().is_some_and(|layer| layer.products.is_empty());
    let scale = if plain { 1.0 } else { scaler.target_scale[output] };
    Some(Expression::real(scale) * value + Expression::real(scaler.target_mean[output]))
}

/// The product of sums. A scale can be in any of them, so they leave theirs outside: what is redundant could be neither
/// fitted nor recognised.
fn product(sums: &[Expression]) -> Expression {
    let mut scale = 1.0;
    let mut plain = Vec::new();
    for sum in sums.iter().map(distributed) {
        let Node::Sum(terms) = sum.node() else {
            plain.push(sum);
            continue;
        };
        let size = |term: &Expression| term.coefficient_and_rest().0.to_f64();
        let largest = terms[..terms.len() - 1]
            .iter()
            .map(size)
            .fold(size(&terms[0]), |most, size| if size.abs() > most.abs() { size } else { most });
        scale *= largest;
        let divided = terms.iter().map(|term| {
            let (coefficient, rest) = term.coefficient_and_rest();
            Expression::real(coefficient.to_f64() / largest) * rest
        });
        plain.push(Expression::sum(divided));
    }
    Expression::product(plain) * Expression::real(scale)
}

/// The same with numbers multiplied into sums, so that offsets meet and become one, and with phases near 0: π more is the
/// other sign, and π/2 more the cosine.
fn distributed(expression: &Expression) -> Expression {
    let mut known: HashMap<Expression, Expression> = HashMap::new();
    expression.walk(|part| {
        let made = part.with_parts(|inner| known[inner].clone());
        let spread = match made.node() {
            Node::Call(Function::Sin, argument) => phased(argument),
            Node::Product(factors) => match (factors[0].number(), factors.as_slice()) {
                (Some(_), [number, sum]) => match sum.node() {
                    Node::Sum(terms) => {
                        Some(Expression::sum(terms.iter().map(|term| number.clone() * term.clone())))
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        known.insert(part.clone(), spread.unwrap_or(made));
    });
    known.remove(expression).unwrap_or_else(|| expression.clone())
}

/// The sine of a sum with an inexact phase, with a phase within π/4 of 0.
fn phased(argument: &Expression) -> Option<Expression> {
    let Node::Sum(terms) = argument.node() else { return None };
    let (phase, rest) = terms.split_last()?;
    let Some(Number::Real(phase)) = phase.number() else { return None };
    let quarters = (phase / FRAC_PI_2).round();
    let turned =
        Expression::sum(rest.iter().cloned().chain([Expression::real(phase - quarters * FRAC_PI_2)]));
    let (function, sign) = match quarters.rem_euclid(4.0) as u8 {
        0 => (Function::Sin, 1),
        1 => (Function::Cos, 1),
        2 => (Function::Sin, -1),
        _ => (Function::Cos, -1),
    };
    Some(Expression::integer(sign) * turned.call(function))
}

/// Whether each edge, `[layer][input·O + sum]`, has a part in an output.
pub(super) fn needed<T: Real>(network: &Network<T>, output: usize) -> Vec<Vec<bool>> {
    let mut wanted: Vec<bool> = (0..network.outputs()).map(|node| node == output).collect();
    let mut needed = Vec::new();
    for (layer, shape) in network.program().layers().iter().enumerate().rev() {
        let mut sums = wanted[..shape.sum_nodes()].to_vec();
        for (product, factors) in shape.factors().enumerate() {
            sums.extend(factors.map(|_| wanted[shape.sum_nodes() + product]));
        }
        let of_layer: Vec<bool> = (0..shape.edges())
            .map(|edge| sums[edge % shape.outputs] && !network.is_pruned(layer, edge))
            .collect();
        wanted = of_layer.chunks(shape.outputs).map(|edges| edges.contains(&true)).collect();
        needed.push(of_layer);
    }
    needed.reverse();
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Formula;
    use crate::testing::parsed;
    use kanode_engine::Compile;
    use kanode_engine::reference::Reference;
    use kanode_network::{Scaler, Specification};

    /// A network whose edges all have formulas, with product nodes, scaled.
    fn network(last_is_product: bool) -> Network<f64> {
        let products = vec![vec![2], if last_is_product { vec![2] } else { vec![] }];
        let mut network =
            Network::<f64>::new(Specification { products, ..Specification::of(&[2, 2, 1]) }).unwrap();
        let scaler = Scaler {
            input_mean: vec![1.0, -2.0],
            input_scale: vec![0.5, 3.0],
            target_mean: vec![7.0],
            target_scale: vec![5.0],
        };
        network.set_scaler(Some(scaler)).unwrap();
        let texts = ["0.5*x + 0.1", "sin(1.3*x)", "0.2*x^2 - 0.7", "exp(0.3*x)", "1.5*x", "0.1*x + 1.5"];
        for (layer, shape) in network.program().layers().to_vec().iter().enumerate() {
            for edge in 0..shape.edges() {
                let id = EdgeId { layer, from: edge / shape.outputs, to: edge % shape.outputs };
                let (formula, constants) =
                    EdgeFormula::on(&network, id, &parsed(texts[(edge + layer) % texts.len()]), false)
                        .unwrap();
                network = network.with_function(id, Arc::new(formula), &constants).unwrap();
            }
        }
        network
    }

    #[test]
    fn the_formula_has_the_values_of_the_network() {
        let names: Vec<Arc<str>> = vec![Arc::from("u"), Arc::from("v")];
        for last_is_product in [false, true] {
            let network = network(last_is_product);
            let formula =
                Formula::new(output_formula(&network, 0, &names).unwrap(), Some(names.clone())).unwrap();
            let x: Vec<f64> = (0..40).map(|at| (f64::from(at) * 0.618).fract() * 2.0).collect();
            let mut y = vec![0.0; 20];
            let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
            executor.predict(network.parameters(), &network.scale_inputs(&x, 20), &mut y).unwrap();
            for (row, expected) in x.chunks(2).zip(network.unscale_outputs(&y)) {
                let found = formula.evaluate_point(row);
                assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_spline_has_no_formula_unless_it_leads_elsewhere() {
        let names: Vec<Arc<str>> = vec![Arc::from("u"), Arc::from("v")];
        let freed = network(false).with_spline(EdgeId { layer: 0, from: 1, to: 2 }).unwrap();
        assert_eq!(output_formula(&freed, 0, &names), None);
        let mut apart = Network::<f64>::new(Specification::of(&[2, 2])).unwrap();
        for from in 0..2 {
            let id = EdgeId { layer: 0, from, to: 1 };
            let (formula, constants) = EdgeFormula::on(&apart, id, &parsed("0.5*x"), false).unwrap();
            apart = apart.with_function(id, Arc::new(formula), &constants).unwrap();
        }
        assert_eq!(output_formula(&apart, 0, &names), None);
        assert_eq!(output_formula(&apart, 1, &names), Some(parsed("0.5*u + 0.5*v")));
    }
}
