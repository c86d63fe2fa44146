//! From the user's rows to blocks that a backend can train on. The first fit also settles what the network takes from
//! the data: its scaler, and the domain of its inputs.

use crate::batches::{Block, held_out};
use crate::dataset::Dataset;
use crate::error::{DataError, OptionError, Rows, TrainError};
use crate::memory::probe_rows;
use crate::options::FitOptions;
use kanode_engine::{Loss, Real};
use kanode_network::{Network, Scaler};
use std::borrow::Cow;

/// Rows ready to train on.
#[derive(Debug)]
pub(crate) struct Prepared<T> {
    pub(crate) training: Block<T>,
    pub(crate) validation: Option<Block<T>>,
}

/// Checks the data, holds out rows if asked to, and scales everything. On the first fit of `network` sets its scaler
/// and the domain of its inputs from the training rows, unless its specification says otherwise.
pub(crate) fn prepare<T: Real>(
    network: &mut Network<T>,
    data: &Dataset,
    validation: Option<&Dataset>,
    options: &FitOptions,
) -> Result<Prepared<T>, TrainError> {
    let (inputs, outputs, loss) = (network.inputs(), network.outputs(), options.loss);
    if loss == Loss::CrossEntropy && outputs < 2 {
        let expected = "another loss, such as binaryCrossEntropy, for a network with one output";
        return Err(OptionError::new("loss", expected, loss.name()).into());
    }
    if let (Some(fraction), Some(_)) = (options.validation_fraction, validation) {
        return Err(
            OptionError::new("validationFraction", "no fraction beside validation data", fraction).into()
        );
    }
    data.check_for(inputs, outputs, loss)
        .map_err(|source| TrainError::Data { rows: Rows::Training, source })?;
    let rows = data.rows().saturating_add(validation.map_or(0, Dataset::rows));
    probe_rows::<T>(rows, data.features().saturating_add(data.targets()))?;
    let mut training = Selection::of(data, Rows::Training);
    let mut held = None;
    if let Some(validation) = validation {
        let rows = Rows::Validation;
        validation.check_for(inputs, outputs, loss).map_err(|source| TrainError::Data { rows, source })?;
        held = Some(Selection::of(validation, rows));
    } else if let Some(fraction) = options.validation_fraction {
        held = Some(training.split(fraction, options.shuffle_seed)?);
    }
    settle_scaler(network, &training, loss)?;
    let training = training.block(network)?;
    if !network.is_fitted() && network.specification().domain.is_none() {
        network.set_input_domain(&ranges(&training))?;
    }
    network.set_loss(Some(loss));
    let validation = held.map(|held| held.block(network)).transpose()?;
    Ok(Prepared { training, validation })
}

/// Gives a new network its scaler, and takes that of the targets back where they now are classes.
fn settle_scaler<T: Real>(
    network: &mut Network<T>,
    training: &Selection<'_>,
    loss: Loss,
) -> Result<(), TrainError> {
    let (inputs, outputs) = (network.inputs(), network.outputs());
    if network.is_fitted() {
        if let Some(scaler) = network.scaler().filter(|_| loss.is_classification()) {
            let targets = Scaler::identity(0, outputs);
            let scaler = Scaler {
                target_mean: targets.target_mean,
                target_scale: targets.target_scale,
                ..scaler.clone()
            };
            network.set_scaler(Some(scaler))?;
        }
        return Ok(());
    }
    let scaler = if !network.specification().standardize {
        None
    } else if loss.is_classification() {
        Some(Scaler::fit_inputs(&training.x(), inputs, outputs, training.weights.as_deref())?)
    } else {
        Some(Scaler::fit(&training.x(), inputs, &training.y(), outputs, training.weights.as_deref())?)
    };
    network.set_scaler(scaler)?;
    Ok(())
}

/// The least and the greatest value of each input.
fn ranges<T: Real>(block: &Block<T>) -> Vec<(f64, f64)> {
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); block.inputs];
    for row in block.x.chunks_exact(block.inputs) {
        for (range, x) in ranges.iter_mut().zip(row) {
            *range = (range.0.min(x.to_f64()), range.1.max(x.to_f64()));
        }
    }
    ranges
}

/// Some rows of a data set, all of positive weight.
struct Selection<'a> {
    data: &'a Dataset,
    which: Rows,
    rows: Vec<usize>,
    /// Of each row, relative to the largest of the data set: a loss is a weighted mean and does not know the
    /// difference, and neither sums nor `f32` overflow.
    weights: Option<Vec<f64>>,
}

impl<'a> Selection<'a> {
    fn of(data: &'a Dataset, which: Rows) -> Self {
        let Some(weights) = data.weights() else {
            return Self { data, which, rows: (0..data.rows()).collect(), weights: None };
        };
        let largest = weights.iter().copied().fold(0.0, f64::max);
        // A weight that is lost in `f32` counts as zero, so that batches of such rows alone can't come about.
        let relative = weights.iter().map(|weight| weight / largest).enumerate();
        let counted = relative.filter(|(_, weight)| *weight >= f64::from(f32::MIN_POSITIVE));
        let (rows, weights) = counted.unzip();
        Self { data, which, rows, weights: Some(weights) }
    }

    /// Takes out a fraction of the rows, at least one, and leaves at least one.
    fn split(&mut self, fraction: f64, seed: u64) -> Result<Self, OptionError> {
        let all = self.rows.len();
        if all < 2 {
            return Err(OptionError::new("validationFraction", "at least 2 rows with positive weight", all));
        }
        let count = ((fraction * all as f64).round() as usize).clamp(1, all - 1);
        let mut is_held = vec![false; all];
        for index in held_out(seed, all, count) {
            is_held[index] = true;
        }
        let held = self.filtered(Rows::Validation, |index| is_held[index]);
        *self = self.filtered(self.which, |index| !is_held[index]);
        Ok(held)
    }

    fn filtered(&self, which: Rows, keep: impl Fn(usize) -> bool) -> Self {
        let indices = || (0..self.rows.len()).filter(|index| keep(*index));
        let weights = self.weights.as_ref().map(|weights| indices().map(|index| weights[index]).collect());
        Self { data: self.data, which, rows: indices().map(|index| self.rows[index]).collect(), weights }
    }

    fn x(&self) -> Cow<'a, [f64]> {
        self.gather(self.data.x(), self.data.features())
    }

    fn y(&self) -> Cow<'a, [f64]> {
        self.gather(self.data.y(), self.data.targets())
    }

    fn gather(&self, block: &'a [f64], width: usize) -> Cow<'a, [f64]> {
        if self.rows.len() == self.data.rows() {
            return Cow::Borrowed(block);
        }
        let rows = self.rows.iter().flat_map(|row| &block[row * width..(row + 1) * width]);
        Cow::Owned(rows.copied().collect())
    }

    /// The rows in the network's units and number type.
    fn block<T: Real>(&self, network: &Network<T>) -> Result<Block<T>, TrainError> {
        let rows = self.rows.len();
        let x = network.scale_inputs(&self.x(), rows);
        let y = network.scale_targets(&self.y());
        self.check_finite("x", &x, self.data.x(), self.data.features())?;
        self.check_finite("y", &y, self.data.y(), self.data.targets())?;
        let weights = self.weights.as_ref().filter(|weights| weights.iter().any(|weight| *weight != 1.0));
        let weights = weights.map(|weights| weights.iter().map(|weight| T::from_f64(*weight)).collect());
        Ok(Block { rows, inputs: self.data.features(), targets: self.data.targets(), x, y, weights })
    }

    fn check_finite<T: Real>(
        &self,
        what: &'static str,
        scaled: &[T],
        original: &[f64],
        width: usize,
    ) -> Result<(), TrainError> {
        let Some(at) = scaled.iter().position(|cell| !cell.is_finite()) else { return Ok(()) };
        let (row, column) = (self.rows[at / width], at % width);
        let source = DataError::NotFinite { what, row, column, found: original[row * width + column] };
        Err(TrainError::Data { rows: self.which, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_network::Specification;

    fn data(x: &[f64], y: &[f64], weights: Option<&[f64]>) -> Dataset {
        let rows = y.len();
        Dataset::new(rows, x.len() / rows, 1, x.to_vec(), y.to_vec(), weights.map(<[f64]>::to_vec)).unwrap()
    }

    fn network(specification: Specification) -> Network<f64> {
        Network::new(specification).unwrap()
    }

    const X: [f64; 8] = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 60.0];
    const Y: [f64; 4] = [5.0, 6.0, 7.0, 10.0];

    #[test]
    fn the_first_fit_sets_scaler_and_domain_and_later_fits_keep_them() {
        let mut network = network(Specification::of(&[2, 1]));
        let options = FitOptions::default();
        let prepared = prepare(&mut network, &data(&X, &Y, None), None, &options).unwrap();
        let scaler = network.scaler().unwrap().clone();
        assert_eq!((scaler.input_mean.as_slice(), scaler.target_mean[0]), ([2.5, 30.0].as_slice(), 7.0));
        let domains: Vec<_> = network.knots()[0].iter().map(|knots| knots.domain()).collect();
        let block = &prepared.training;
        assert_eq!(domains, [(block.x[0], block.x[6]), (block.x[1], block.x[7])]);
        assert_eq!(network.loss(), Some(Loss::Mse));
        let other = data(&[100.0, 3.0], &[0.0], None);
        prepare(&mut network, &other, None, &options).unwrap();
        assert_eq!(network.scaler(), Some(&scaler));
        assert_eq!(network.knots()[0][0].domain(), domains[0]);
    }

    #[test]
    fn specified_domain_and_plain_units_are_kept() {
        let specification =
            Specification { domain: Some([0.0, 100.0]), standardize: false, ..Specification::of(&[2, 1]) };
        let mut network = network(specification);
        let prepared = prepare(&mut network, &data(&X, &Y, None), None, &FitOptions::default()).unwrap();
        assert_eq!((network.scaler(), network.knots()[0][1].domain()), (None, (0.0, 100.0)));
        assert_eq!(
            (prepared.training.x.as_slice(), prepared.training.y.as_slice()),
            (X.as_slice(), Y.as_slice())
        );
    }

    #[test]
    fn rows_of_weight_zero_are_not_there() {
        let weights = [2.0, 0.0, 1.0, 0.0];
        let mut with = network(Specification::of(&[2, 1]));
        let mut without = with.clone();
        let options = FitOptions::default();
        let kept = data(&[X[0], X[1], X[4], X[5]], &[Y[0], Y[2]], Some(&[2.0, 1.0]));
        let found = prepare(&mut with, &data(&X, &Y, Some(&weights)), None, &options).unwrap();
        let expected = prepare(&mut without, &kept, None, &options).unwrap();
        assert_eq!(found.training, expected.training);
        assert_eq!((with.scaler(), with.knots()), (without.scaler(), without.knots()));
        assert_eq!(found.training.weights, Some(vec![1.0, 0.5]));
    }

    #[test]
    fn equal_weights_are_none() {
        let mut network = network(Specification::of(&[2, 1]));
        let prepared =
            prepare(&mut network, &data(&X, &Y, Some(&[3.0; 4])), None, &FitOptions::default()).unwrap();
        assert_eq!(prepared.training.weights, None);
    }

    #[test]
    fn held_out_rows_do_not_reach_scaler_or_domain() {
        let options = FitOptions { validation_fraction: Some(0.25), ..FitOptions::default() };
        let mut network = network(Specification::of(&[2, 1]));
        let prepared = prepare(&mut network, &data(&X, &Y, None), None, &options).unwrap();
        let held = prepared.validation.unwrap();
        assert_eq!((prepared.training.rows, held.rows), (3, 1));
        let target = network.unscale_outputs(&held.y)[0].round();
        let rest: f64 = Y.iter().filter(|y| **y != target).sum();
        assert!((network.scaler().unwrap().target_mean[0] - rest / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_split_leaves_rows_on_both_sides_or_is_refused() {
        for (fraction, held) in [(0.01, 1), (0.5, 2), (0.99, 3)] {
            let options = FitOptions { validation_fraction: Some(fraction), ..FitOptions::default() };
            let prepared =
                prepare(&mut network(Specification::of(&[2, 1])), &data(&X, &Y, None), None, &options)
                    .unwrap();
            assert_eq!(prepared.validation.unwrap().rows, held);
        }
        let options = FitOptions { validation_fraction: Some(0.5), ..FitOptions::default() };
        let one = data(&X, &Y, Some(&[1.0, 0.0, 0.0, 0.0]));
        let error = prepare(&mut network(Specification::of(&[2, 1])), &one, None, &options).unwrap_err();
        assert!(matches!(error, TrainError::Option(error) if error.option == "validationFraction"));
        let all = data(&X, &Y, None);
        let error =
            prepare(&mut network(Specification::of(&[2, 1])), &all, Some(&all), &options).unwrap_err();
        assert!(matches!(error, TrainError::Option(_)));
    }

    #[test]
    fn classes_keep_their_values_also_after_a_regression() {
        let labels = Dataset::new(4, 2, 1, X.to_vec(), vec![0.0, 2.0, 1.0, 0.0], None).unwrap();
        let options = FitOptions { loss: Loss::CrossEntropy, ..FitOptions::default() };
        let mut network = network(Specification::of(&[2, 3]));
        let quantities = Dataset::new(1, 2, 3, vec![1.0, 2.0], vec![7.0, 8.0, 9.0], None).unwrap();
        prepare(&mut network, &quantities, None, &FitOptions::default()).unwrap();
        let prepared = prepare(&mut network, &labels, None, &options).unwrap();
        assert_eq!(prepared.training.y, [0.0, 2.0, 1.0, 0.0]);
        assert_eq!(network.unscale_outputs(&[0.5, 0.25, 1.0]), [0.5, 0.25, 1.0]);
    }

    #[test]
    fn errors_say_which_rows() {
        let narrow = data(&[1.0, 2.0, 3.0, 4.0], &Y, None);
        let good = data(&X, &Y, None);
        let mut network = network(Specification::of(&[2, 1]));
        let source = DataError::Features { expected: 2, found: 1 };
        let error = prepare(&mut network, &narrow, None, &FitOptions::default()).unwrap_err();
        assert_eq!(error, TrainError::Data { rows: Rows::Training, source: source.clone() });
        let error = prepare(&mut network, &good, Some(&narrow), &FitOptions::default()).unwrap_err();
        assert_eq!(error, TrainError::Data { rows: Rows::Validation, source });
        let options = FitOptions { loss: Loss::CrossEntropy, ..FitOptions::default() };
        let error = prepare(&mut network, &good, None, &options).unwrap_err();
        assert!(matches!(error, TrainError::Option(error) if error.option == "loss"));
    }

    #[test]
    fn a_cell_beyond_the_number_type_is_named() {
        let specification = Specification { standardize: false, ..Specification::of(&[2, 1]) };
        let mut network = Network::<f32>::new(specification).unwrap();
        let mut x = X;
        x[5] = 1e300;
        let weights = [1.0, 0.0, 1.0, 1.0];
        let error =
            prepare(&mut network, &data(&x, &Y, Some(&weights)), None, &FitOptions::default()).unwrap_err();
        let source = DataError::NotFinite { what: "x", row: 2, column: 1, found: 1e300 };
        assert_eq!(error, TrainError::Data { rows: Rows::Training, source });
    }
}
