//! What a fit leaves behind so that another can go on with the same bits: plain data, and its flat form for files.

use kanode_engine::Real;
use kanode_optim::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names of the vectors of [`StateData`].
const PARAMETERS: &str = "parameters";
const BEST_PARAMETERS: &str = "bestParameters";
const OPTIMIZER_PREFIX: &str = "optimizer.";

/// Everything that the next step depends on, but for the data, the options and the network's shape, knots and scaler.
///
/// A resumed fit goes on from `parameters`, whatever the network holds: a fit that ends with its best parameters in
/// the network keeps its last ones here. Whoever changes the network otherwise has to drop the state.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainState<T> {
    /// Where the fit is.
    pub position: Position,
    /// The optimiser's memory.
    pub optimizer: State<T>,
    /// The parameters after the last accepted step, `[n]`.
    pub parameters: Vec<T>,
    /// The best parameters, `[n]`; there exactly if `position.best` is.
    pub best_parameters: Option<Vec<T>>,
}

/// Where a fit is: its counters, the sums of a pass begun, and what its best was. All numbers are finite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Position {
    /// Optimiser steps done.
    pub steps: u64,
    /// Passes over the training rows completed.
    pub epochs: u64,
    /// Batches done in the pass begun.
    pub batch: u64,
    /// Evaluations of loss and gradient.
    pub evaluations: u64,
    /// Sum of loss times weight over the batches of the pass begun.
    pub pass_loss: f64,
    /// Sum of weights over the batches of the pass begun.
    pub pass_weight: f64,
    /// The best parameters' place in the history.
    pub best: Option<BestPoint>,
    /// The loss that has to be undercut for early stopping to see an improvement.
    pub threshold: Option<f64>,
    /// Measurements in a row that did not undercut it.
    pub stale: u64,
    /// Batches in a row on which the optimiser found no step, where a pass has several.
    #[serde(default)]
    pub idle: u64,
    /// Whether on one of those it found no step though the gradient asks for one.
    #[serde(default)]
    pub stalled: bool,
    /// Whether the network was new when the fit began, and is still on its first grid.
    #[serde(default)]
    pub fresh: bool,
    /// Rounds that Levenberg–Marquardt has done on the present grid.
    #[serde(default)]
    pub rounds: u64,
    /// Steps of the round begun.
    #[serde(default)]
    pub round_steps: u64,
    /// Fingerprint of the training rows and the loss. A fit with others starts with a new pass, forgets the best and
    /// tells the optimiser that its objective has changed.
    pub objective: u64,
    /// Fingerprint of the validation rows, 0 without. A fit with others forgets the best.
    pub validation: u64,
    /// Fingerprint of the division into batches. A fit with another starts with a new pass.
    pub plan: u64,
}

/// A point of a fit that was the best so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BestPoint {
    /// Steps done when it was measured.
    pub step: u64,
    /// Passes completed when it was measured.
    pub epoch: u64,
    /// The loss watched.
    pub loss: f64,
}

/// A state as a file holds it: a header of scalars and vectors by name.
#[derive(Clone, Debug, PartialEq)]
pub struct StateData<T> {
    /// The scalars.
    pub header: StateHeader,
    /// `parameters`, `bestParameters` and the optimiser's vectors with `optimizer.` before their names, each of as
    /// many numbers as the network has parameters.
    pub vectors: BTreeMap<String, Vec<T>>,
}

/// The scalars of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateHeader {
    /// Where the fit is.
    pub position: Position,
    /// Name of the optimiser.
    pub optimizer: String,
    /// The optimiser's whole numbers.
    pub counters: BTreeMap<String, u64>,
    /// The optimiser's other numbers.
    pub scalars: BTreeMap<String, f64>,
}

/// A state that is damaged, or belongs to something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A vector that must be there is not.
    #[error("the training state lacks {name}")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A vector that nobody asked for.
    #[error("the training state holds the unknown {name}")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A vector has not one number for each parameter of the network.
    #[error("{name} of the training state: expected {expected} numbers, found {found}")]
    Length {
        /// Its name.
        name: String,
        /// Parameters of the network.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// An infinite number or NaN.
    #[error("{name}[{index}] of the training state is not finite")]
    NotFinite {
        /// Name of the vector or scalar.
        name: String,
        /// Index in the vector; 0 for a scalar.
        index: usize,
    },
    /// More batches of a pass are done than it has, with the same rows and the same division into batches.
    #[error("the training state has done {found} batches of a pass of {count}")]
    Batch {
        /// Batches of a pass.
        count: u64,
        /// Batches that should be done.
        found: u64,
    },
    /// The optimiser does not know its state.
    #[error(transparent)]
    Optimizer(#[from] kanode_optim::StateError),
}

impl<T: Real> TrainState<T> {
    /// The state in the form for files.
    pub fn export(&self) -> StateData<T> {
        let mut vectors = BTreeMap::from([(PARAMETERS.to_owned(), self.parameters.clone())]);
        if let Some(best) = &self.best_parameters {
            vectors.insert(BEST_PARAMETERS.to_owned(), best.clone());
        }
        for (name, vector) in &self.optimizer.vectors {
            vectors.insert(format!("{OPTIMIZER_PREFIX}{name}"), vector.clone());
        }
        let header = StateHeader {
            position: self.position.clone(),
            optimizer: self.optimizer.optimizer.clone(),
            counters: self.optimizer.counters.clone(),
            scalars: self.optimizer.scalars.clone(),
        };
        StateData { header, vectors }
    }

    /// The state that was exported as `data` by a fit of a network with this many parameters. What the optimiser
    /// makes of its part is only seen when a fit resumes.
    ///
    /// # Errors
    /// All of [`StateError`] but [`StateError::Optimizer`] and [`StateError::Batch`].
    pub fn import(data: StateData<T>, parameter_count: usize) -> Result<Self, StateError> {
        let StateData { header, mut vectors } = data;
        for (name, vector) in &vectors {
            check_vector(name, vector, parameter_count)?;
        }
        let Position { pass_loss, pass_weight, best, threshold, .. } = &header.position;
        let numbers = [
            ("passLoss", Some(*pass_loss)),
            ("passWeight", Some(*pass_weight)),
            ("best.loss", best.map(|best| best.loss)),
            ("threshold", *threshold),
        ];
        let numbers =
            numbers.into_iter().chain(header.scalars.iter().map(|(name, n)| (name.as_str(), Some(*n))));
        if let Some((name, _)) = numbers.into_iter().find(|(_, n)| n.is_some_and(|n| !n.is_finite())) {
            return Err(StateError::NotFinite { name: name.to_owned(), index: 0 });
        }
        let mut take = |name: &str| vectors.remove(name).ok_or(StateError::Missing { name: name.to_owned() });
        let parameters = take(PARAMETERS)?;
        let best_parameters = best.map(|_| take(BEST_PARAMETERS)).transpose()?;
        let strip = |(name, vector): (String, Vec<T>)| match name.strip_prefix(OPTIMIZER_PREFIX) {
            Some(own) => Ok((own.to_owned(), vector)),
            None => Err(StateError::Unknown { name }),
        };
        let vectors = vectors.into_iter().map(strip).collect::<Result<_, _>>()?;
        let StateHeader { position, optimizer, counters, scalars } = header;
        let optimizer = State { optimizer, counters, scalars, vectors };
        Ok(Self { position, optimizer, parameters, best_parameters })
    }

    /// Checks that the parameters are those of a network with this many.
    ///
    /// # Errors
    /// [`StateError::Length`], [`StateError::NotFinite`] or [`StateError::Missing`].
    pub(crate) fn check(&self, parameter_count: usize) -> Result<(), StateError> {
        check_vector(PARAMETERS, &self.parameters, parameter_count)?;
        match &self.best_parameters {
            Some(best) => check_vector(BEST_PARAMETERS, best, parameter_count),
            None if self.position.best.is_none() => Ok(()),
            None => Err(StateError::Missing { name: BEST_PARAMETERS.to_owned() }),
        }
    }
}

fn check_vector<T: Real>(name: &str, vector: &[T], expected: usize) -> Result<(), StateError> {
    if vector.len() != expected {
        return Err(StateError::Length { name: name.to_owned(), expected, found: vector.len() });
    }
    match vector.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(StateError::NotFinite { name: name.to_owned(), index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_optim::{Optimizer, OptimizerState};

    fn state() -> TrainState<f32> {
        TrainState {
            position: Position {
                steps: 7,
                best: Some(BestPoint { step: 5, epoch: 2, loss: 0.1 }),
                objective: u64::MAX,
                pass_loss: 0.1 + 0.2,
                ..Position::default()
            },
            optimizer: OptimizerState::new(&Optimizer::adam(), 3).export(),
            parameters: vec![1.0, 2.0, 3.0],
            best_parameters: Some(vec![4.0, 5.0, 6.0]),
        }
    }

    #[test]
    fn a_state_survives_export_json_and_import() {
        let data = state().export();
        let json = serde_json::to_string(&data.header).unwrap();
        let data = StateData { header: serde_json::from_str(&json).unwrap(), ..data };
        assert_eq!(TrainState::import(data, 3).unwrap(), state());
    }

    #[test]
    fn damage_is_named() {
        let damaged = |damage: fn(&mut StateData<f32>)| {
            let mut data = state().export();
            damage(&mut data);
            TrainState::import(data, 3).unwrap_err()
        };
        let name = |name: &str| name.to_owned();
        assert_eq!(
            damaged(|data| data.vectors.get_mut("parameters").unwrap().push(0.0)),
            StateError::Length { name: name("parameters"), expected: 3, found: 4 }
        );
        assert_eq!(
            damaged(|data| drop(data.vectors.remove("bestParameters"))),
            StateError::Missing { name: name("bestParameters") }
        );
        assert_eq!(
            damaged(|data| drop(data.vectors.insert("more".to_owned(), vec![0.0; 3]))),
            StateError::Unknown { name: name("more") }
        );
        assert_eq!(
            damaged(|data| data.header.position.best = None),
            StateError::Unknown { name: name("bestParameters") }
        );
        assert_eq!(
            damaged(|data| data.vectors.get_mut("optimizer.firstMoment").unwrap()[1] = f32::NAN),
            StateError::NotFinite { name: name("optimizer.firstMoment"), index: 1 }
        );
        assert_eq!(
            damaged(|data| data.header.position.pass_loss = f64::INFINITY),
            StateError::NotFinite { name: name("passLoss"), index: 0 }
        );
    }
}
