//! Searches for formulas in the background.

use crate::describe::text;
use crate::failure::{Failure, guard};
use crate::fit::NativeData;
use crate::front::report;
use crate::suggest::{Choice, chosen};
use crate::teller::Teller;
use crate::threads::{Done, spawn};
use kanode_symbolic::{
    Formula, Function as SymbolicFunction, Progress, Sample, SearchEnd, SearchOptions, discover,
};
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What a search is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    /// Names of the columns.
    names: Vec<String>,
    evaluations: f64,
    seconds: Option<f64>,
    families: Vec<Choice>,
    /// Names of the functions that formulas may have; all if none are given.
    functions: Option<Vec<String>>,
    max_complexity: Option<f64>,
    /// One for each core if 0.
    threads: usize,
    seed: u64,
}

/// A search, to be run once.
#[napi]
pub struct NativeSearch {
    cancel: Arc<AtomicBool>,
}

#[napi]
impl NativeSearch {
    /// A search that has not begun.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "a constructor of JavaScript")]
    pub fn new() -> Self {
        Self { cancel: Arc::default() }
    }

    /// Searches on a thread of its own; the report is a front with `effort`. `on_event` receives JSON of progress.
    #[napi(ts_return_type = "Promise<NativeOutcome>")]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        data: NativeData,
        validation: Option<NativeData>,
        options: String,
        on_event: Function<'_, String, ()>,
    ) -> napi::Result<Object<'env>> {
        guard(|| {
            let request: Request =
                serde_json::from_str(&options).map_err(|error| Failure::option(error.to_string()))?;
            let options = request.options()?;
            let names: Vec<Arc<str>> = request.names.iter().map(|name| Arc::from(name.as_str())).collect();
            let sample = sample_of(&names, &data)?.with_enough_rows()?;
            let validation = validation.as_ref().map(|data| sample_of(&names, data)).transpose()?;
            let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).build();
            let pool = pool.map_err(|error| Failure::new("ERR_KAN_MACHINE", error.to_string()))?;
            let teller = Teller::new(&on_event)?;
            let cancel = Arc::clone(&self.cancel);
            spawn(env, "discover", Arc::clone(&cancel), move || {
                let begun = Instant::now();
                let told = |progress: &Progress| teller.tell(|| event(progress, sample.deviation(), begun));
                let found = pool.install(|| discover(&sample, &options, &|| cancel.load(SeqCst), &told))?;
                let mut front = report(&found.front, &sample, validation.as_ref())?;
                front["effort"] = json!({
                    "evaluations": found.evaluations.round(),
                    "elapsedMs": begun.elapsed().as_secs_f64() * 1e3,
                    "ended": end(found.ended),
                });
                Ok(Done { report: Some(text(&front)?), ..Done::default() })
            })
        })
    }

    /// Asks the search to end with what it has.
    #[napi]
    pub fn cancel(&self) -> napi::Result<()> {
        guard(|| {
            self.cancel.store(true, SeqCst);
            Ok(())
        })
    }
}

impl Request {
    fn options(&self) -> Result<SearchOptions, Failure> {
        let named = |name: &String| {
            let known = SymbolicFunction::ALL.into_iter().find(|function| function.name() == name);
            known.ok_or_else(|| Failure::option(format!("there is no function '{name}'")))
        };
        let functions = self.functions.as_ref();
        Ok(SearchOptions {
            evaluations: self.evaluations,
            time: self.seconds.map(Duration::from_secs_f64),
            families: chosen(&self.families)?.into(),
            functions: functions.map(|names| names.iter().map(named).collect()).transpose()?,
            complexity: self.max_complexity,
            seed: self.seed,
        })
    }
}

/// The sample of row-major data.
pub(crate) fn sample_of(names: &[Arc<str>], data: &NativeData) -> Result<Sample, Failure> {
    let rows = data.y.len();
    let width = names.len();
    kanode_engine::Program::check_length("x", rows * width, data.x.len())?;
    let columns = (0..width).map(|column| data.x.iter().skip(column).step_by(width).copied().collect());
    Ok(Sample::new(names.to_vec(), columns.collect(), data.y.to_vec(), data.weights.as_deref())?)
}

/// JSON of progress.
fn event(progress: &Progress, deviation: f64, begun: Instant) -> Option<String> {
    let formula = Formula::new(progress.formula.rounded(6), None).ok()?;
    let value: Value = json!({
        "evaluations": progress.evaluations,
        "elapsedMs": begun.elapsed().as_secs_f64() * 1e3,
        "formula": formula.print("text").ok()?,
        "error": progress.error.sqrt() * deviation,
    });
    serde_json::to_string(&value).ok()
}

pub(crate) fn end(end: SearchEnd) -> &'static str {
    match end {
        SearchEnd::Exact => "exact",
        SearchEnd::Complete => "complete",
        SearchEnd::Budget => "budget",
        SearchEnd::Time => "time",
        SearchEnd::Cancelled => "signal",
    }
}
