//! What somebody asked for: the options of a network, their defaults, and what makes them valid. It is data that
//! crosses into the core and into the model file as JSON.

use crate::domain::{check_breaks, is_resolvable};
use crate::error::{NetworkError, SpecificationError};
use crate::init::Init;
use crate::memory::network_bytes;
use kanode_engine::{Base, Real};
use kanode_spline::{DEGREES, GRIDS, KnotEnds, Knots, Outside};
use serde::{Deserialize, Serialize};

/// The options of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Specification {
    /// Sizes `n_0 … n_L`: inputs, hidden nodes, outputs. Product nodes count too. No default.
    pub layers: Vec<usize>,
    /// Arities of the product nodes among the nodes that each layer of edges leads to, in one list for each layer of
    /// edges; each is at least 2 (KAN 2.0, arXiv 2408.10205). They are the last of their nodes. Default: no lists, which
    /// is no product nodes.
    pub products: Vec<Vec<usize>>,
    /// Grid intervals `G` of every edge, 1 to 4096. Default 5.
    pub grid: usize,
    /// Degree `k` of the splines, 1 to 5. Default 3.
    pub degree: usize,
    /// Whether knots pile up at the ends of the domain or go on beyond them. Default clamped.
    pub knots: KnotEnds,
    /// What splines do outside their domain. Default: continue linearly.
    pub outside: Outside,
    /// The function that the base weights scale. Default SiLU.
    pub base: Base,
    /// How parameters start. Default noise.
    pub init: Init,
    /// Domain of the first layer's splines, in the coordinates that the layer sees (standardised ones if
    /// `standardize`). None: `[-1, 1]` until the first fit, then each input's range in the data.
    pub domain: Option<[f64; 2]>,
    /// Domain of the splines of all other layers. Default `[-3, 3]`.
    pub hidden_domain: [f64; 2],
    /// Seed of the generator that draws the first parameters. Default 0.
    pub seed: u64,
    /// Whether the first fit sets a scaler that brings inputs and targets to mean 0 and standard deviation 1.
    /// Default true.
    pub standardize: bool,
}

impl Default for Specification {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            products: Vec::new(),
            grid: 5,
            degree: 3,
            knots: KnotEnds::default(),
            outside: Outside::default(),
            base: Base::default(),
            init: Init::default(),
            domain: None,
            hidden_domain: [-3.0, 3.0],
            seed: 0,
            standardize: true,
        }
    }
}

impl Specification {
    /// A specification of these layer sizes, else of defaults.
    pub fn of(layers: &[usize]) -> Self {
        Self { layers: layers.to_vec(), ..Self::default() }
    }

    /// Checks all options. A network of `f32` asks for a little more: its domains must have room for the grid in that
    /// type too.
    ///
    /// # Errors
    /// The first option that is out of its range.
    pub fn validate(&self) -> Result<(), SpecificationError> {
        if self.layers.len() < 2 {
            return Err(SpecificationError::Layers { found: self.layers.len() });
        }
        if let Some(index) = self.layers.iter().position(|size| *size == 0) {
            return Err(SpecificationError::Width { index });
        }
        self.validate_products()?;
        if !GRIDS.contains(&self.grid) {
            let (least, most) = GRIDS.into_inner();
            return Err(SpecificationError::Grid { least, most, found: self.grid });
        }
        if !DEGREES.contains(&self.degree) {
            let (least, most) = DEGREES.into_inner();
            return Err(SpecificationError::Degree { least, most, found: self.degree });
        }
        self.validate_domains::<f64>()
    }

    fn validate_products(&self) -> Result<(), SpecificationError> {
        let layers = self.layers.len() - 1;
        if !self.products.is_empty() && self.products.len() != layers {
            return Err(SpecificationError::ProductLists { expected: layers, found: self.products.len() });
        }
        for (layer, (arities, nodes)) in self.products.iter().zip(&self.layers[1..]).enumerate() {
            if arities.len() > *nodes {
                return Err(SpecificationError::Products { layer, nodes: *nodes, found: arities.len() });
            }
            if let Some(index) = arities.iter().position(|arity| *arity < 2) {
                return Err(SpecificationError::Arity { layer, index, found: arities[index] });
            }
        }
        Ok(())
    }

    /// Checks that both domains can hold the grid in the number type `T`.
    pub(crate) fn validate_domains<T: Real>(&self) -> Result<(), SpecificationError> {
        let domains = [("domain", self.domain), ("hiddenDomain", Some(self.hidden_domain))];
        for (option, domain) in domains {
            if let Some([a, b]) = domain.filter(|[a, b]| !is_resolvable::<T>(*a, *b, self.grid)) {
                return Err(SpecificationError::Domain { option, a, b });
            }
        }
        Ok(())
    }

    /// Checks that knots have the degree, the number of intervals and the ends asked for, and breaks that the type `T`
    /// tells apart.
    ///
    /// # Errors
    /// [`NetworkError::Knots`] or [`NetworkError::Spline`], which say that they are those of an input node of a layer.
    pub(crate) fn check_knots<T: Real>(
        &self,
        layer: usize,
        input: usize,
        knots: &Knots,
    ) -> Result<(), NetworkError> {
        if (knots.grid(), knots.degree(), knots.ends()) != (self.grid, self.degree, self.knots) {
            return Err(NetworkError::Knots { layer, input });
        }
        check_breaks::<T>(knots).map_err(|source| NetworkError::Spline { layer, input, source })
    }

    /// Number of inputs, `n_0`; 0 if there are no layers.
    pub fn inputs(&self) -> usize {
        self.layers.first().copied().unwrap_or(0)
    }

    /// Number of outputs, `n_L`; 0 if there are no layers.
    pub fn outputs(&self) -> usize {
        self.layers.last().copied().unwrap_or(0)
    }

    /// Arities of the product nodes that a layer of edges leads to.
    pub fn products(&self, layer: usize) -> &[usize] {
        self.products.get(layer).map_or(&[], Vec::as_slice)
    }

    /// Number of sums of a layer of edges, one for each column of edges: its sum nodes and the factors of its product
    /// nodes. 0 if there is no such layer; cut off at the largest `usize`.
    pub fn sums(&self, layer: usize) -> usize {
        let Some(nodes) = layer.checked_add(1).and_then(|layer| self.layers.get(layer)) else { return 0 };
        let products = self.products(layer);
        products.iter().fold(nodes.saturating_sub(products.len()), |sums, arity| sums.saturating_add(*arity))
    }

    /// Basis functions of an edge, `G + k`.
    pub fn bases(&self) -> usize {
        self.grid.saturating_add(self.degree)
    }

    /// Number of parameters, the sum of `I·O·(2 + G + k)` over the layers (tutorial slides, "Parameter Complexity"),
    /// `O` being the number of sums. Cut off at the largest `u128`.
    pub fn parameter_count(&self) -> u128 {
        let each = 2 + self.bases() as u128;
        let layer = |(layer, inputs): (usize, &usize)| {
            (*inputs as u128).saturating_mul(self.sums(layer) as u128).saturating_mul(each)
        };
        self.layers.iter().enumerate().map(layer).fold(0, u128::saturating_add)
    }

    /// The domain with which the splines of `layer` begin.
    pub(crate) fn initial_domain(&self, layer: usize) -> [f64; 2] {
        if layer == 0 { self.domain.unwrap_or([-1.0, 1.0]) } else { self.hidden_domain }
    }

    /// [`Self::parameter_count`] as a length, if this machine can count that far.
    pub(crate) fn parameter_length<T: Real>(&self) -> Result<usize, NetworkError> {
        let parameters = self.parameter_count();
        let bytes = network_bytes::<T>(self, 0);
        usize::try_from(parameters).map_err(|_| NetworkError::TooLarge { parameters, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_camel_case_names_and_defaults() {
        let specification: Specification = serde_json::from_str(
            r#"{"layers":[2,5,1],"knots":"extended","outside":"zero","base":"zero","init":"power",
                "domain":[0,2],"hiddenDomain":[-2,2],"seed":7,"standardize":false}"#,
        )
        .unwrap();
        let expected = Specification {
            knots: KnotEnds::Extended,
            outside: Outside::Zero,
            base: Base::Zero,
            init: Init::Power,
            domain: Some([0.0, 2.0]),
            hidden_domain: [-2.0, 2.0],
            seed: 7,
            standardize: false,
            ..Specification::of(&[2, 5, 1])
        };
        assert_eq!(specification, expected);
        assert_eq!((specification.grid, specification.degree), (5, 3));
        let json = serde_json::to_string(&specification).unwrap();
        assert_eq!(serde_json::from_str::<Specification>(&json).unwrap(), specification);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let error = serde_json::from_str::<Specification>(r#"{"layers":[1,1],"gird":3}"#).unwrap_err();
        assert!(error.to_string().contains("gird"), "{error}");
    }

    #[test]
    fn every_bad_option_is_named_with_what_was_found() {
        let good = Specification::of(&[2, 1]);
        let layers = |layers: &[usize]| Specification { layers: layers.to_vec(), ..good.clone() };
        let domain = |a, b| Specification { domain: Some([a, b]), ..good.clone() };
        let bad = [
            (layers(&[]), SpecificationError::Layers { found: 0 }),
            (layers(&[3]), SpecificationError::Layers { found: 1 }),
            (layers(&[2, 0, 1]), SpecificationError::Width { index: 1 }),
            (
                Specification { grid: 0, ..good.clone() },
                SpecificationError::Grid { least: 1, most: 4096, found: 0 },
            ),
            (
                Specification { grid: 4097, ..good.clone() },
                SpecificationError::Grid { least: 1, most: 4096, found: 4097 },
            ),
            (
                Specification { degree: 0, ..good.clone() },
                SpecificationError::Degree { least: 1, most: 5, found: 0 },
            ),
            (
                Specification { degree: 6, ..good.clone() },
                SpecificationError::Degree { least: 1, most: 5, found: 6 },
            ),
            (
                Specification { products: vec![vec![]; 2], ..good.clone() },
                SpecificationError::ProductLists { expected: 1, found: 2 },
            ),
            (
                Specification { products: vec![vec![2, 2]], ..good.clone() },
                SpecificationError::Products { layer: 0, nodes: 1, found: 2 },
            ),
            (
                Specification { products: vec![vec![1]], ..good.clone() },
                SpecificationError::Arity { layer: 0, index: 0, found: 1 },
            ),
            (domain(1.0, 1.0), SpecificationError::Domain { option: "domain", a: 1.0, b: 1.0 }),
            (domain(2.0, 1.0), SpecificationError::Domain { option: "domain", a: 2.0, b: 1.0 }),
            (
                domain(0.0, f64::INFINITY),
                SpecificationError::Domain { option: "domain", a: 0.0, b: f64::INFINITY },
            ),
            (
                Specification { hidden_domain: [1.0, 1.0 + 1e-15], ..good.clone() },
                SpecificationError::Domain { option: "hiddenDomain", a: 1.0, b: 1.0 + 1e-15 },
            ),
        ];
        assert_eq!(good.validate(), Ok(()));
        for (specification, expected) in bad {
            assert_eq!(specification.validate(), Err(expected));
        }
        assert!(domain(f64::NAN, 1.0).validate().is_err());
        assert_eq!(domain(1.0, 1.0).validate().unwrap_err().option(), "domain");
    }

    #[test]
    fn parameters_are_counted_by_the_formula_of_the_slides() {
        assert_eq!(Specification::of(&[2, 5, 1]).parameter_count(), 150);
        assert_eq!(Specification::of(&[2, 3, 3, 1]).parameter_count(), 180);
        assert_eq!(Specification::of(&[784, 64, 10]).parameter_count(), 508_160);
    }

    #[test]
    fn a_product_node_takes_as_many_sums_as_it_has_factors() {
        let specification =
            Specification { products: vec![vec![2, 3], vec![]], ..Specification::of(&[2, 4, 1]) };
        assert_eq!(specification.validate(), Ok(()));
        assert_eq!([0, 1, 2, usize::MAX].map(|layer| specification.sums(layer)), [7, 1, 0, 0]);
        assert_eq!(specification.parameter_count(), (2 * 7 + 4) * 10);
        assert_eq!((specification.products(0), specification.products(1)), (&[2, 3][..], &[][..]));
        let json = serde_json::to_string(&specification).unwrap();
        assert_eq!(serde_json::from_str::<Specification>(&json).unwrap(), specification);
    }

    #[test]
    fn a_count_beyond_all_numbers_is_cut_off() {
        let huge = Specification::of(&[usize::MAX, usize::MAX, usize::MAX]);
        assert_eq!(huge.parameter_count(), u128::MAX);
        assert!(matches!(huge.parameter_length::<f32>(), Err(NetworkError::TooLarge { .. })));
        let huge = Specification { products: vec![vec![usize::MAX; 3]], ..Specification::of(&[1, 3]) };
        assert_eq!((huge.validate(), huge.sums(0)), (Ok(()), usize::MAX));
        assert!(matches!(huge.parameter_length::<f32>(), Err(NetworkError::TooLarge { .. })));
    }
}
