//! What a fit is asked: the options of training, and what only this side of the house knows.

use crate::failure::Failure;
use kanode_network::Names;
use kanode_train::{CheckpointEvery, FitOptions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The options of one fit, read from JSON in which all of them stand side by side.
pub(crate) struct Request {
    pub(crate) options: FitOptions,
    /// 0 is the default number.
    pub(crate) threads: usize,
    /// Where to keep checkpoints.
    pub(crate) checkpoint: Option<PathBuf>,
    /// Names and the facade's own text that the trained model gets, and its checkpoints.
    pub(crate) names: Option<Names>,
    pub(crate) metadata: Option<String>,
    resume: bool,
}

/// Where and how often to keep checkpoints; one of the two intervals.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Checkpoint {
    path: PathBuf,
    every_steps: Option<u64>,
    every_seconds: Option<f64>,
}

impl Request {
    pub(crate) fn parse(json: &str) -> Result<Self, Failure> {
        let mut all: Map<String, Value> =
            serde_json::from_str(json).map_err(|e| Failure::option(format!("fit options: {e}")))?;
        let threads = take(&mut all, "threads")?.unwrap_or(0);
        let resume = take(&mut all, "resume")?.unwrap_or(false);
        let (names, metadata) = (take(&mut all, "names")?, take(&mut all, "metadata")?);
        let checkpoint: Option<Checkpoint> = take(&mut all, "checkpoint")?;
        let mut options: FitOptions = from_value("fit options", Value::Object(all))?;
        options.checkpoint_every = match &checkpoint {
            None => None,
            Some(Checkpoint { every_steps: Some(steps), every_seconds: None, .. }) => {
                Some(CheckpointEvery::Steps(*steps))
            }
            Some(Checkpoint { every_steps: None, every_seconds: Some(seconds), .. }) => {
                Some(CheckpointEvery::Seconds(*seconds))
            }
            Some(_) => {
                return Err(Failure::option("checkpoint: expected one of everySteps and everySeconds"));
            }
        };
        Ok(Self {
            options,
            threads,
            checkpoint: checkpoint.map(|checkpoint| checkpoint.path),
            names,
            metadata,
            resume,
        })
    }

    /// The state to resume from, if that was asked for.
    pub(crate) fn resume<S: Clone>(&self, state: &Option<S>) -> Result<Option<S>, Failure> {
        if self.resume && state.is_none() {
            return Err(Failure::option(
                "resume: the model holds no training state (it was never fitted, or saved without it)",
            ));
        }
        Ok(state.clone().filter(|_| self.resume))
    }
}

fn take<V: DeserializeOwned>(all: &mut Map<String, Value>, name: &str) -> Result<Option<V>, Failure> {
    all.remove(name).filter(|value| !value.is_null()).map(|value| from_value(name, value)).transpose()
}

fn from_value<V: DeserializeOwned>(name: &str, value: Value) -> Result<V, Failure> {
    serde_json::from_value(value).map_err(|e| Failure::option(format!("{name}: {e}")))
}
