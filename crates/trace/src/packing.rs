//! The parameters as solvers see them: one vector θ without the product of spline weight and control points, in which
//! the numbers of an edge lie side by side.

use kanode_engine::{Base, Program, Real};

/// Where the numbers of one edge lie in θ: its effective control points `c = w_s·P`, then its base weight, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedEdge {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the edge in its layer, `input·outputs + output`.
    pub edge: usize,
    /// First control point's place in θ.
    pub start: usize,
    /// Number of control points, `G + k`. The base weight follows them.
    pub bases: usize,
    /// Whether there is a base weight: the base function of the layer is not zero.
    pub base: bool,
}

impl PackedEdge {
    /// Where the base weight lies in θ, if there is one.
    pub fn base_weight(&self) -> Option<usize> {
        self.base.then_some(self.start + self.bases)
    }
}

/// Where the constants of a layer's functions lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedConstants {
    /// In the slab.
    slab: usize,
    /// In θ.
    start: usize,
    count: usize,
}

/// Which numbers of a parameter slab make up θ, and where.
///
/// Edges are in the order of layer, input and output, and after those of a layer come the constants of its functions;
/// pruned edges have no place. Spline weights are folded into the
/// control points, because the product has a flat direction that solvers would have to damp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    edges: Vec<PackedEdge>,
    places: Vec<Place>,
    constants: Vec<PackedConstants>,
    length: usize,
    slab: usize,
}

/// Where a layer's parameters lie in the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: usize,
    edges: usize,
}

/// Where an edge's parameters lie in the slab.
struct EdgePlace {
    points: std::ops::Range<usize>,
    base_weight: usize,
    spline_weight: usize,
}

impl Packing {
    /// The packing of a program, without the splines for which `pruned(layer, input·outputs + output)`.
    pub fn new(program: &Program, pruned: &dyn Fn(usize, usize) -> bool) -> Self {
        let mut packing = Self {
            edges: Vec::new(),
            places: Vec::new(),
            constants: Vec::new(),
            length: 0,
            slab: program.parameter_count(),
        };
        for (layer, (shape, range)) in program.layers().iter().zip(program.ranges()).enumerate() {
            packing.places.push(Place { start: range.start, edges: shape.edges() });
            let (bases, base) = (shape.bases(), shape.base != Base::Zero);
            for edge in (0..shape.edges()).filter(|edge| !pruned(layer, *edge)) {
                packing.edges.push(PackedEdge { layer, edge, start: packing.length, bases, base });
                packing.length += bases + usize::from(base);
            }
            let count = shape.constant_count();
            packing.constants.push(PackedConstants { slab: range.end - count, start: packing.length, count });
            packing.length += count;
        }
        packing
    }

    /// Number of numbers in θ.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether θ has no numbers: every edge is pruned.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The edges that are not pruned, in the order of their places in θ.
    pub fn edges(&self) -> &[PackedEdge] {
        &self.edges
    }

    /// Where the constants of a layer's functions begin in θ.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn constants(&self, layer: usize) -> usize {
        self.constants[layer].start
    }

    /// The place of one edge, by layer and `input·outputs + output`; none if it is pruned or does not exist.
    pub fn find(&self, layer: usize, edge: usize) -> Option<&PackedEdge> {
        let found = self.edges.binary_search_by_key(&(layer, edge), |packed| (packed.layer, packed.edge));
        found.ok().map(|index| &self.edges[index])
    }

    /// θ of a parameter slab.
    ///
    /// # Panics
    /// If `slab` is not as long as the program's parameters.
    pub fn pack<T: Real>(&self, slab: &[T]) -> Vec<f64> {
        self.check_slab(slab);
        let mut theta = vec![0.0; self.length];
        for edge in &self.edges {
            let place = self.place(edge);
            let weight = slab[place.spline_weight].to_f64();
            for (value, point) in theta[edge.start..].iter_mut().zip(&slab[place.points]) {
                *value = weight * point.to_f64();
            }
            if let Some(at) = edge.base_weight() {
                theta[at] = slab[place.base_weight].to_f64();
            }
        }
        for (at, place) in self.places_of_constants() {
            theta[at] = slab[place].to_f64();
        }
        theta
    }

    /// Writes θ to a slab: constants, and control points and base weights of the packed edges, whose spline weights become 1. What
    /// belongs to pruned edges, and base weights without influence, stay as they are.
    ///
    /// # Panics
    /// If `theta` is not [`len`](Self::len) long, or `slab` not as long as the program's parameters.
    pub fn unpack<T: Real>(&self, theta: &[f64], slab: &mut [T]) {
        self.check_slab(slab);
        self.check_theta(theta);
        for edge in &self.edges {
            let place = self.place(edge);
            for (point, value) in slab[place.points].iter_mut().zip(&theta[edge.start..]) {
                *point = T::from_f64(*value);
            }
            if let Some(at) = edge.base_weight() {
                slab[place.base_weight] = T::from_f64(theta[at]);
            }
            slab[place.spline_weight] = T::ONE;
        }
        for (at, place) in self.places_of_constants() {
            slab[place] = T::from_f64(theta[at]);
        }
    }

    /// The places of all constants, in θ and in the slab.
    fn places_of_constants(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.constants.iter().flat_map(|layer| (0..layer.count).map(|at| (layer.start + at, layer.slab + at)))
    }

    /// Adds to `out`, a slab, the derivatives by the parameters at `slab` of what has the derivatives `theta_gradient`
    /// by θ: `dP = w_s·dc`, `dw_s = Σ P·dc`, and `dw_b` as it is.
    ///
    /// # Panics
    /// If `theta_gradient` is not [`len`](Self::len) long, or a slab not as long as the program's parameters.
    pub fn gradient_to_slab<T: Real, G: Real>(&self, slab: &[T], theta_gradient: &[f64], out: &mut [G]) {
        self.check_slab(slab);
        self.check_slab(out);
        self.check_theta(theta_gradient);
        let add = |to: &mut G, slope: f64| *to = G::from_f64(to.to_f64() + slope);
        for edge in &self.edges {
            let place = self.place(edge);
            let slopes = &theta_gradient[edge.start..edge.start + edge.bases];
            let weight = slab[place.spline_weight].to_f64();
            out[place.points.clone()].iter_mut().zip(slopes).for_each(|(to, dc)| add(to, weight * dc));
            let by_weight = slab[place.points].iter().zip(slopes).map(|(p, dc)| p.to_f64() * dc).sum();
            add(&mut out[place.spline_weight], by_weight);
            if let Some(at) = edge.base_weight() {
                add(&mut out[place.base_weight], theta_gradient[at]);
            }
        }
        for (at, place) in self.places_of_constants() {
            add(&mut out[place], theta_gradient[at]);
        }
    }

    fn place(&self, packed: &PackedEdge) -> EdgePlace {
        let Place { start, edges } = self.places[packed.layer];
        let points = start + packed.edge * packed.bases;
        let base_weight = start + edges * packed.bases + packed.edge;
        EdgePlace { points: points..points + packed.bases, base_weight, spline_weight: base_weight + edges }
    }

    fn check_slab<T>(&self, slab: &[T]) {
        assert_eq!(slab.len(), self.slab, "a slab of another program");
    }

    fn check_theta(&self, theta: &[f64]) {
        assert_eq!(theta.len(), self.length, "a vector of another packing");
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Case, plain, shapes};
    use kanode_engine::reference::Reference;
    use kanode_engine::{Base, Compile, Executor};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn unpacking_keeps_theta_the_function_and_the_rest_of_the_slab(shape in shapes()) {
            let case = shape.draw();
            let mut slab = case.slab.clone();
            case.packing.unpack(&case.theta, &mut slab);
            prop_assert_eq!(&case.packing.pack(&slab), &case.theta);
            let mut executor: Box<dyn Executor<f64>> = Reference.compile(&case.program).unwrap();
            let mut y = [vec![0.0; case.rows * case.program.outputs()], Vec::new()];
            y[1] = y[0].clone();
            executor.predict(&case.slab, &case.x, &mut y[0]).unwrap();
            executor.predict(&slab, &case.x, &mut y[1]).unwrap();
            for (before, after) in y[0].iter().zip(&y[1]) {
                // A rounding of each product, passed on by three layers.
                prop_assert!((before - after).abs() <= 1e-10 * (1.0 + before.abs()));
            }
            for (index, (layer, range)) in case.program.layers().iter().zip(case.program.ranges()).enumerate() {
                let parameters = layer.views(&slab[range]);
                for edge in 0..layer.edges() {
                    let weight = if case.packing.find(index, edge).is_some() { 1.0 } else { 0.0 };
                    prop_assert_eq!(parameters.spline_weight[edge], weight);
                }
            }
        }

        #[test]
        fn edges_lie_side_by_side_in_order(shape in shapes()) {
            let case = shape.draw();
            let mut end = 0;
            for (index, layer) in case.program.layers().iter().enumerate() {
                for edge in case.packing.edges().iter().filter(|edge| edge.layer == index) {
                    prop_assert_eq!(edge.start, end);
                    prop_assert_eq!(case.packing.find(edge.layer, edge.edge), Some(edge));
                    prop_assert_eq!(edge.base_weight().is_some(), shape.base != Base::Zero);
                    end += edge.bases + usize::from(edge.base);
                }
                prop_assert_eq!(case.packing.constants(index), end);
                end += layer.constant_count();
            }
            prop_assert_eq!(case.packing.len(), end);
            prop_assert_eq!(case.packing.is_empty(), end == 0);
        }
    }

    #[test]
    fn narrow_numbers_are_rounded_on_the_way_out() {
        let case = plain().draw();
        let mut slab = vec![0.0f32; case.slab.len()];
        case.packing.unpack(&case.theta, &mut slab);
        let kept = case.packing.pack(&slab);
        assert!(kept.iter().zip(&case.theta).all(|(kept, theta)| *kept == f64::from(*theta as f32)));
    }

    #[test]
    fn gradients_by_the_slab_are_added() {
        let case = plain().draw();
        let by_theta = Case::numbers(case.packing.len());
        let mut once = vec![0.0; case.slab.len()];
        case.packing.gradient_to_slab(&case.slab, &by_theta, &mut once);
        let mut twice = once.clone();
        case.packing.gradient_to_slab(&case.slab, &by_theta, &mut twice);
        assert!(once.iter().zip(&twice).all(|(once, twice)| 2.0 * once == *twice));
    }
}
