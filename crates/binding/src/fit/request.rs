//! What a fit is asked: the options of training, and what only this side of the house knows.

use crate::device::{Device, Work, compiler};
use crate::failure::Failure;
use crate::shared::Held;
use kanode_cpu::CpuBackend;
use kanode_engine::Compile;
use kanode_network::{Names, Network};
use kanode_optim::Optimizer;
use kanode_train::{CheckpointEvery, FitOptions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// The options of one fit, read from JSON in which all of them stand side by side.
pub(crate) struct Request {
    pub(crate) options: FitOptions,
    /// 0 is the default number.
    threads: usize,
    device: Device,
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
        let device: Device = take(&mut all, "device")?.unwrap_or_default();
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
        if device == Device::Gpu {
            let optimizer = options.optimizer.get_or_insert_with(Optimizer::adam);
            if matches!(optimizer, Optimizer::Lm { .. }) {
                let message =
                    "optimizer: expected adam, adamw, sgd or lbfgs on a graphics processor, found lm";
                return Err(Failure::option(message).with(json!({ "option": "optimizer", "found": "lm" })));
            }
        }
        Ok(Self {
            options,
            threads,
            device,
            checkpoint: checkpoint.map(|checkpoint| checkpoint.path),
            names,
            metadata,
            resume,
        })
    }

    /// What computes: for `auto` a graphics processor only with Adam or AdamW and without SAM, whose steps stay there.
    pub(crate) fn backend<T: Held>(
        &self,
        network: &Network<T>,
        rows: usize,
    ) -> Result<Box<dyn Compile<T>>, Failure>
    where
        CpuBackend: Compile<T>,
    {
        let optimizer = self.options.optimizer_for(network, rows);
        let resident = self.options.sam.is_none()
            && matches!(optimizer, Optimizer::Adam { .. } | Optimizer::AdamW { .. });
        let device = if self.device == Device::Auto && !resident { Device::Cpu } else { self.device };
        let options = FitOptions { optimizer: Some(optimizer), ..self.options.clone() };
        compiler(device, self.threads, Work::of(network.program(), options.batch_rows(rows)))
    }

    /// The state to resume from, if that was asked for.
    pub(crate) fn resume<S: Clone>(&self, state: &Option<S>) -> Result<Option<S>, Failure> {
        if self.resume && state.is_none() {
            return Err(Failure::option(
                "resume: the model holds no training state (it was never fitted, or saved without it)",
            )
            .with(json!({ "kind": "stateless" })));
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
