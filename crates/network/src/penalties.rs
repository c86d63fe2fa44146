//! What a fit can minimise beside the loss: terms that make networks sparse, and splines small or smooth. Values and
//! gradients are with respect to the slab, for optimisers that know nothing but gradients.

mod forms;

use crate::network::Network;
use kanode_engine::{Base, Program, Real};
use kanode_optim::{Prior, PriorBlock};
use kanode_spline::{Banded, CellTable};
use kanode_trace::{Packing, activity_penalty};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Strengths of penalties, each at least 0. Where control points are meant, they are the effective ones, `c = w_s·P`;
/// sums are over all edges that are not pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Penalties {
    /// Of `Σ |φ|₁`, where `|φ|₁` is the mean of `|φ(x)|` over the rows (KAN paper, arXiv 2404.19756, eq. 2.17).
    pub l1: f64,
    /// Of the sum over the layers of the entropy `−Σ p·ln p`, `p = |φ|₁ / Σ |φ|₁` (same paper, eq. 2.19).
    pub entropy: f64,
    /// Of `Σ |c_i|`.
    pub coefficient: f64,
    /// Of `Σ (c_{i+1} − c_i)²`.
    pub smoothness: f64,
    /// Of `Σ ∫ (s'')²`, for the splines `s` without base functions, in coordinates that run from 0 to 1 over the domain.
    pub curvature: f64,
}

impl Penalties {
    /// Checks that all strengths are finite and at least 0.
    ///
    /// # Errors
    /// The name, as users write it, and the value of the first that is not.
    pub fn validate(&self) -> Result<(), (&'static str, f64)> {
        let strengths = [
            ("l1", self.l1),
            ("entropy", self.entropy),
            ("coefficient", self.coefficient),
            ("smoothness", self.smoothness),
            ("curvature", self.curvature),
        ];
        let wrong = strengths.into_iter().find(|(_, strength)| !(strength.is_finite() && *strength >= 0.0));
        wrong.map_or(Ok(()), Err)
    }

    /// The sum of all terms at the slab `parameters`, for rows `x: [rows, inputs]` of weights `[rows]`. Adds its gradient
    /// to `gradient`, a slab. Where a term has no derivative, `|φ|` and `|c_i|` at 0, that counts as 0.
    ///
    /// # Panics
    /// If `parameters` or `gradient` is not as long as the network's parameters.
    pub fn evaluate<T: Real>(
        &self,
        network: &Network<T>,
        parameters: &[T],
        x: &[T],
        weights: Option<&[T]>,
        gradient: &mut [T],
    ) -> f64 {
        self.activity(network, parameters, x, weights, gradient)
            + self.of_splines(network, parameters, gradient)
    }

    fn activity<T: Real>(
        &self,
        network: &Network<T>,
        parameters: &[T],
        x: &[T],
        weights: Option<&[T]>,
        gradient: &mut [T],
    ) -> f64 {
        if self.l1 == 0.0 && self.entropy == 0.0 {
            return 0.0;
        }
        let widen = |values: &[T]| values.iter().map(|value| value.to_f64()).collect::<Vec<f64>>();
        let packing = network.packing();
        let mut packed = vec![0.0; packing.len()];
        let weights = weights.map(widen);
        let value = activity_penalty(
            network.program(),
            &packing,
            &packing.pack(parameters),
            &widen(x),
            weights.as_deref(),
            self.l1,
            self.entropy,
            Some(&mut packed),
        );
        packing.gradient_to_slab(parameters, &packed, gradient);
        value
    }

    fn of_splines<T: Real>(&self, network: &Network<T>, parameters: &[T], gradient: &mut [T]) -> f64 {
        if self.coefficient == 0.0 && self.smoothness == 0.0 && self.curvature == 0.0 {
            return 0.0;
        }
        let mut roughness = Roughness::new(2);
        each_edge(network, parameters, gradient, |table, c, _, slope, _| {
            let mut value = 0.0;
            if self.coefficient != 0.0 {
                value += self.coefficient * c.iter().map(|c| c.abs()).sum::<f64>();
                for (slope, c) in slope.iter_mut().zip(c) {
                    *slope += if *c == 0.0 { 0.0 } else { self.coefficient * c.signum() };
                }
            }
            if self.smoothness != 0.0 {
                for i in 1..c.len() {
                    let step = c[i] - c[i - 1];
                    value += self.smoothness * step * step;
                    slope[i] += 2.0 * self.smoothness * step;
                    slope[i - 1] -= 2.0 * self.smoothness * step;
                }
            }
            if self.curvature != 0.0 {
                value += roughness.add(table, self.curvature, c, slope);
            }
            value
        })
    }
}

/// A prior that wants smooth functions: `lambda·Σ (∫ (s^(order))² + ∫ (w_b·b^(order))²) + ridge·|θ|²`, over all edges
/// that are not pruned, with splines `s` and base functions `b` in coordinates that run from 0 to 1 over the domain, so
/// that `lambda` means the same at every grid. Orders above the degree stand for the jumps of its derivative, see
/// [`CellTable::roughness`]. `θ` are effective control points and base weights.
///
/// Without a part of its own, a curved base function would be the one way to bend that costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Smoothness {
    /// Order of the derivative that is kept small, at least 1.
    pub order: usize,
    /// Its strength, at least 0.
    pub lambda: f64,
    /// Strength of the ridge, at least 0.
    pub ridge: f64,
}

impl Smoothness {
    /// The prior on the packed parameters of a program: for each packed edge, in their order, a block of its control
    /// points, and one of its base weight where the base function is rough.
    pub fn prior(&self, program: &Program, packing: &Packing) -> Prior {
        let mut roughness = Roughness::new(self.order);
        let mut blocks = Vec::new();
        for edge in packing.edges() {
            let layer = &program.layers()[edge.layer];
            let table = &layer.splines[edge.edge / layer.outputs];
            let matrix = Arc::clone(roughness.of(table));
            // What the form of splines leaves free are the polynomials below its order.
            let rank = matrix.n().saturating_sub(self.order.min(table.degree() + 1));
            blocks.push(PriorBlock { start: edge.start, matrix, lambda: self.lambda, rank });
            if let (Some(start), Some(rough)) = (edge.base_weight(), roughness.of_base(table, layer.base)) {
                let mut matrix = Banded::zeros(1, 0);
                matrix.add_diagonal(rough);
                blocks.push(PriorBlock { start, matrix: Arc::new(matrix), lambda: self.lambda, rank: 1 });
            }
        }
        Prior { blocks, ridge: self.ridge }
    }

    /// The value of the prior at the slab `parameters`. Adds its gradient to `gradient`, a slab.
    ///
    /// # Panics
    /// If `parameters` or `gradient` is not as long as the network's parameters.
    pub fn evaluate<T: Real>(&self, network: &Network<T>, parameters: &[T], gradient: &mut [T]) -> f64 {
        let mut roughness = Roughness::new(self.order);
        each_edge(network, parameters, gradient, |table, c, base, slope, base_slope| {
            let of_base = roughness.of_base(table, network.specification().base).unwrap_or(0.0);
            let squares: f64 = c.iter().map(|c| c * c).sum::<f64>() + base * base;
            for (slope, c) in slope.iter_mut().zip(c) {
                *slope += 2.0 * self.ridge * c;
            }
            *base_slope += 2.0 * (self.ridge + self.lambda * of_base) * base;
            let rough = if self.lambda == 0.0 { 0.0 } else { roughness.add(table, self.lambda, c, slope) };
            rough + self.lambda * of_base * base * base + self.ridge * squares
        })
    }
}

/// The matrices of one order, one for each table that was asked for, and the roughness of base functions there.
struct Roughness {
    order: usize,
    matrices: HashMap<*const CellTable, Arc<Banded>>,
    bases: HashMap<*const CellTable, Option<f64>>,
}

impl Roughness {
    fn new(order: usize) -> Self {
        Self { order, matrices: HashMap::new(), bases: HashMap::new() }
    }

    fn of(&mut self, table: &Arc<CellTable>) -> &Arc<Banded> {
        let new = || Arc::new(table.roughness(self.order));
        self.matrices.entry(Arc::as_ptr(table)).or_insert_with(new)
    }

    /// The roughness of a base function of weight 1; None if it has none that counts. It is that of its Schoenberg spline,
    /// whose control points are its values at the Greville abscissae.
    fn of_base(&mut self, table: &Arc<CellTable>, base: Base) -> Option<f64> {
        if base == Base::Zero || base == Base::Identity && self.order > 1 {
            return None;
        }
        if let Some(known) = self.bases.get(&Arc::as_ptr(table)) {
            return *known;
        }
        let values: Vec<f64> = table.knots().greville().into_iter().map(|x| base.evaluate(x).0).collect();
        let rough = self.of(table).quadratic_form(&values);
        let found = (rough.is_finite() && rough > 0.0).then_some(rough);
        self.bases.insert(Arc::as_ptr(table), found);
        found
    }

    /// `strength·cᵀRc`; adds the gradient to `slope`.
    fn add(&mut self, table: &Arc<CellTable>, strength: f64, c: &[f64], slope: &mut [f64]) -> f64 {
        let mut product = vec![0.0; c.len()];
        self.of(table).multiply_add(c, &mut product);
        for (slope, product) in slope.iter_mut().zip(&product) {
            *slope += 2.0 * strength * product;
        }
        strength * c.iter().zip(&product).map(|(c, product)| c * product).sum::<f64>()
    }
}

/// Sums `term` over all edges that are splines. It is given the table, the effective control points and
/// the effective base weight of an edge (0 where it has no influence), and adds derivatives with respect to both to two
/// places, from which they go on to `gradient` by the chain rule.
fn each_edge<T: Real>(
    network: &Network<T>,
    parameters: &[T],
    gradient: &mut [T],
    mut term: impl FnMut(&Arc<CellTable>, &[f64], f64, &mut [f64], &mut f64) -> f64,
) -> f64 {
    let program: &Program = network.program();
    let mut sum = 0.0;
    for (index, (layer, range)) in program.layers().iter().zip(program.ranges()).enumerate() {
        let from = layer.views(&parameters[range.clone()]);
        let to = layer.views_mut(&mut gradient[range]);
        let bases = layer.bases();
        let (mut c, mut slope) = (vec![0.0; bases], vec![0.0; bases]);
        for edge in (0..layer.edges()).filter(|edge| network.is_spline(index, *edge)) {
            let points = edge * bases..(edge + 1) * bases;
            let weight = from.spline_weight[edge].to_f64();
            for (c, p) in c.iter_mut().zip(&from.control_points[points.clone()]) {
                *c = weight * p.to_f64();
            }
            let has_base = layer.base != Base::Zero;
            let base = if has_base { from.base_weight[edge].to_f64() } else { 0.0 };
            slope.fill(0.0);
            let mut base_slope = 0.0;
            let table = &layer.splines[edge / layer.outputs];
            sum += term(table, &c, base, &mut slope, &mut base_slope);
            let add = |to: &mut T, slope: f64| *to = T::from_f64(to.to_f64() + slope);
            let mut weight_slope = 0.0;
            for ((to, p), slope) in
                to.control_points[points.clone()].iter_mut().zip(&from.control_points[points]).zip(&slope)
            {
                add(to, weight * slope);
                weight_slope += p.to_f64() * slope;
            }
            add(&mut to.spline_weight[edge], weight_slope);
            if has_base {
                add(&mut to.base_weight[edge], base_slope);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests;
