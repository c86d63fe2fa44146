//! What goes wrong with devices, for real: on llvmpipe, and on a driver that stands before it and fails when told to.
//! Each fault is one of an own process, which runs the test again with the driver in its environment: none may abort it.

mod common;

use common::{network, rule, skip};
use kanode_engine::{Batch, Compile, EngineError, Keep, Layer, Loss, Program, Resident};
use kanode_gpu::{AdapterChoice, AdapterKind, Gpu, GpuBackend, GpuError, adapters};
use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// Set in the environment of a process that a test started.
const CHILD: &str = "KANODE_TEST_CHILD";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// The file that tells Vulkan's loader of llvmpipe.
fn llvmpipe() -> Option<PathBuf> {
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    files
        .map(|file| file.path())
        .find(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("lvp")))
}

/// Runs this test in a process with these variables.
fn again(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(CHILD, "1").envs(variables.iter().copied());
    command.env_remove("VK_ICD_FILENAMES").output().unwrap()
}

fn passes(test: &str, variables: &[(&str, &str)]) {
    let output = again(test, variables);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("1 passed"), "{}", text(&output.stdout));
}

/// Runs this test on the failing driver; skips it where there is no llvmpipe.
fn on_failing_driver(test: &str, variables: &[(&str, &str)]) {
    let Some(icd) = llvmpipe() else { return skip() };
    let folder = tempfile::tempdir().unwrap();
    let library = failing_driver();
    let description = format!(
        r#"{{"file_format_version":"1.0.0","ICD":{{"library_path":"{}","api_version":"1.3.0"}}}}"#,
        library.display()
    );
    let file = folder.path().join("failing.json");
    std::fs::write(&file, description).unwrap();
    let behind = library_of(&icd);
    let driver = [("VK_DRIVER_FILES", file.to_str().unwrap()), ("KANODE_TEST_DRIVER", behind.as_str())];
    passes(test, &[&driver[..], variables].concat());
}

/// The library that a loader's file names.
fn library_of(icd: &Path) -> String {
    let text = std::fs::read_to_string(icd).unwrap();
    let after = text.split("\"library_path\"").nth(1).expect("a library_path");
    after.split('"').nth(1).expect("a path in quotes").to_owned()
}

/// The driver of `examples/failing_driver.rs`, which cargo builds with the tests.
fn failing_driver() -> PathBuf {
    let programs = std::env::current_exe().unwrap();
    let profile = programs.parent().and_then(Path::parent).unwrap();
    profile.join("examples").join("libfailing_driver.so")
}

fn software() -> Arc<Gpu> {
    Gpu::open(&AdapterChoice { software: true, name: None }).unwrap()
}

/// A network in training, with the rows to train it on.
struct Training {
    trainer: Box<dyn Resident<f32>>,
    x: Vec<f32>,
    targets: Vec<f32>,
    rows: usize,
}

impl Training {
    fn new(gpu: &Arc<Gpu>, rows: usize) -> Result<Self, EngineError> {
        let case = network(rows);
        let parameters = case.parameters(&case.program());
        let backend = GpuBackend::new(Arc::clone(gpu));
        let trainer = common::resident(&backend, &case.program(), &parameters, &[], None)?;
        Ok(Self { trainer, x: case.inputs(), targets: case.targets(Loss::Mse), rows })
    }

    fn step(&mut self, step: i32) -> Result<(), EngineError> {
        let batch = Batch { x: &self.x, targets: &self.targets, weights: None, rows: self.rows };
        self.trainer.step(Loss::Mse, &batch, &rule(step), Keep::IfLowest)
    }

    fn loss(&mut self) -> Result<f64, EngineError> {
        Ok(self.trainer.outcomes()?.last().expect("a step was queued").loss)
    }
}

/// Elsewhere there are drivers that no variable hides.
#[test]
#[cfg(target_os = "linux")]
fn no_driver_is_an_error_and_an_empty_list() {
    if !is_child() {
        return passes("no_driver_is_an_error_and_an_empty_list", &[("VK_DRIVER_FILES", "/nowhere.json")]);
    }
    assert_eq!(adapters(), []);
    assert_eq!(Gpu::open(&AdapterChoice { software: true, name: None }).unwrap_err(), GpuError::NoAdapter);
}

#[test]
fn a_software_adapter_is_not_taken_unasked() {
    if !is_child() {
        let Some(icd) = llvmpipe() else { return skip() };
        return passes(
            "a_software_adapter_is_not_taken_unasked",
            &[("VK_DRIVER_FILES", icd.to_str().unwrap())],
        );
    }
    assert_eq!(adapters()[0].kind, AdapterKind::Cpu);
    let error = Gpu::open(&AdapterChoice::default()).unwrap_err();
    assert!(matches!(&error, GpuError::Software { found } if found.name.contains("llvmpipe")), "{error}");
}

#[test]
fn a_device_lost_in_training_is_an_error_at_every_call_after() {
    let test = "a_device_lost_in_training_is_an_error_at_every_call_after";
    if !is_child() {
        return on_failing_driver(test, &[("KANODE_TEST_SUBMISSIONS", "60"), ("KANODE_TEST_RESULT", "-4")]);
    }
    let gpu = software();
    let mut training = Training::new(&gpu, 20).unwrap();
    let steps = (1..200).map(|step| training.step(step).and_then(|()| training.loss()));
    let error = steps.into_iter().find_map(Result::err).expect("the driver fails");
    assert!(
        matches!(&error, EngineError::Device { backend: "gpu", reason } if reason.contains("lost")),
        "{error}"
    );
    assert!(gpu.is_lost());
    for _ in 0..2 {
        assert!(matches!(training.step(1), Err(EngineError::Device { .. })));
        assert!(matches!(Training::new(&gpu, 3).err(), Some(EngineError::Device { .. })));
    }
}

#[test]
fn memory_that_ends_in_a_submission_is_an_error() {
    let test = "memory_that_ends_in_a_submission_is_an_error";
    if !is_child() {
        return on_failing_driver(test, &[("KANODE_TEST_SUBMISSIONS", "60"), ("KANODE_TEST_RESULT", "-2")]);
    }
    let gpu = software();
    let mut training = Training::new(&gpu, 20).unwrap();
    let mut steps = (1..200).map(|step| training.step(step).and_then(|()| training.loss()));
    let error = steps.find_map(Result::err).expect("the driver fails");
    assert!(matches!(error, EngineError::Device { .. } | EngineError::Memory { .. }), "{error}");
}

#[test]
fn memory_that_ends_while_room_is_made_is_an_error_and_the_device_lives() {
    let test = "memory_that_ends_while_room_is_made_is_an_error_and_the_device_lives";
    if !is_child() {
        return on_failing_driver(test, &[("KANODE_TEST_ALLOCATIONS", "6"), ("KANODE_TEST_RESULT", "-2")]);
    }
    let gpu = software();
    let mut training = Training::new(&gpu, 20).unwrap();
    training.step(1).unwrap();
    let before = training.loss().unwrap();
    let error = Training::new(&gpu, 400_000).and_then(|mut large| large.step(1)).unwrap_err();
    assert!(matches!(error, EngineError::Memory { .. }), "{error}");
    assert!(!gpu.is_lost());
    training.step(2).unwrap();
    assert!(training.loss().unwrap() < before);
}

#[test]
fn a_device_that_is_given_up_is_an_error_and_can_be_opened_again() {
    let Some(gpu) = common::gpu() else { return };
    let mut training = Training::new(&gpu, 20).unwrap();
    training.step(1).unwrap();
    gpu.destroy();
    assert!(matches!(training.loss(), Err(EngineError::Device { .. })));
    assert!(matches!(training.step(2), Err(EngineError::Device { .. })));
    drop((training, gpu));
    let mut training = Training::new(&software(), 20).unwrap();
    training.step(1).unwrap();
    assert!(training.loss().unwrap().is_finite());
}

#[test]
fn a_layer_beyond_the_binding_limit_is_refused_with_the_limit_and_what_would_fit() {
    let Some(gpu) = common::gpu() else { return };
    let limit = gpu.adapter().largest_binding;
    // As many sums as the limit has room for at a grid of 5, and more intervals.
    let (inputs, outputs) = (2000, (limit / (4 * 2000 * 9)) as usize);
    let knots = Knots::uniform(-1.0, 1.0, 9, 3, KnotEnds::Clamped).unwrap();
    let table = Arc::new(CellTable::new(&knots, Outside::Linear));
    let splines = vec![table; inputs];
    let layer = Layer {
        inputs,
        outputs: outputs.min(16_384),
        base: kanode_engine::Base::Silu,
        splines,
        products: vec![],
        functions: vec![],
    };
    if layer.outputs < outputs {
        // An adapter of gigabytes: other limits come first, and its arithmetic is tested without it.
        return;
    }
    let program = Arc::new(Program::new(vec![layer]).unwrap());
    let error = Compile::<f32>::compile(&GpuBackend::new(gpu), &program).err().expect("a limit");
    let text = error.to_string();
    assert!(matches!(error, EngineError::Unsupported { backend: "gpu", .. }));
    assert!(
        text.contains("layer 0") && text.contains(&limit.to_string()) && text.contains("would fit"),
        "{text}"
    );
}

#[test]
fn two_networks_share_a_device_from_two_threads() {
    let Some(gpu) = common::gpu() else { return };
    let run = |rows: usize| {
        let mut training = Training::new(&gpu, rows).unwrap();
        (1..=15).for_each(|step| training.step(step).unwrap());
        training.loss().unwrap()
    };
    let alone = [run(20), run(33)];
    let together = std::thread::scope(|scope| {
        let threads = [20, 33].map(|rows| scope.spawn(move || run(rows)));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(together, alone);
}

#[test]
fn training_that_is_dropped_in_flight_leaves_the_device_usable() {
    let Some(gpu) = common::gpu() else { return };
    for _ in 0..3 {
        let mut training = Training::new(&gpu, 500).unwrap();
        (1..=10).for_each(|step| training.step(step).unwrap());
        drop(training);
    }
    let mut training = Training::new(&gpu, 20).unwrap();
    training.step(1).unwrap();
    assert!(training.loss().unwrap().is_finite());
}

#[test]
fn a_process_may_end_with_work_in_flight() {
    if !is_child() {
        let Some(icd) = llvmpipe() else { return skip() };
        for way in ["exit", "drop"] {
            let variables = [("VK_DRIVER_FILES", icd.to_str().unwrap()), ("KANODE_TEST_WAY", way)];
            let output = again("a_process_may_end_with_work_in_flight", &variables);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{way}: {:?} {text}", output.status);
        }
        return;
    }
    let gpu = software();
    let mut training = Training::new(&gpu, 2000).unwrap();
    (1..=20).for_each(|step| training.step(step).unwrap());
    if std::env::var("KANODE_TEST_WAY").is_ok_and(|way| way == "exit") {
        std::process::exit(0);
    }
}
