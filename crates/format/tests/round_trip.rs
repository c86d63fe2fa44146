//! What was written comes back, bit for bit, and other tools can read it too.

mod common;

use common::{METADATA, full, pruned, state, text, text_of};
use kanode_engine::Loss;
use kanode_format::{AnyModel, FormatError, Number, decode, encode};
use kanode_network::{EdgeId, Network, Regularization, Specification};
use kanode_optim::{Optimizer, OptimizerState};
use kanode_symbolic::{EdgeFormula, Formula, fix, lock};
use kanode_train::{Position, TrainState};
use safetensors::SafeTensors;

fn comes_back<T: Number>(network: &Network<T>, state: Option<&TrainState<T>>) {
    let file = encode(network, state, METADATA).unwrap();
    let model = decode(&file).unwrap();
    assert_eq!(text_of(&model), text(network, state, METADATA));
    assert_eq!(encode(network, state, METADATA).unwrap(), file, "equal models give equal bytes");
}

/// What an optimiser holds after a few steps on a bowl.
fn stepped<T: Number>(optimizer: &Optimizer, network: &Network<T>) -> TrainState<T> {
    let mut run = OptimizerState::new(optimizer, network.parameter_count());
    let mut parameters = network.parameters().to_vec();
    let mut bowl = |x: &[T], gradient: &mut [T]| {
        for (index, (gradient, x)) in gradient.iter_mut().zip(x).enumerate() {
            *gradient = T::from_f64((1.0 + (index % 7) as f64) * (x.to_f64() - 0.3));
        }
        Ok::<f64, ()>(x.iter().zip(gradient).map(|(x, g)| 0.5 * g.to_f64() * (x.to_f64() - 0.3)).sum())
    };
    for _ in 0..4 {
        run.step(&mut parameters, 0.01, &mut bowl).unwrap();
    }
    TrainState { position: Position::default(), optimizer: run.export(), parameters, best_parameters: None }
}

fn all_kinds_come_back<T: Number>() {
    comes_back(&full::<T>(), None);
    comes_back(&full::<T>(), Some(&state()));
    comes_back(&pruned::<T>(), None);
    for optimizer in [Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd(), Optimizer::lbfgs()] {
        let state = stepped(&optimizer, &full::<T>());
        assert!(!state.optimizer.vectors.is_empty());
        comes_back(&full::<T>(), Some(&state));
    }
    for layers in [vec![1, 1], vec![7, 11, 2], vec![3, 1, 4, 1, 5]] {
        let specification = Specification { seed: 5, ..Specification::of(&layers) };
        comes_back(&Network::<T>::new(specification).unwrap(), None);
    }
}

#[test]
fn models_and_states_of_both_types_come_back_bit_for_bit() {
    all_kinds_come_back::<f32>();
    all_kinds_come_back::<f64>();
}

#[test]
fn formulas_on_edges_come_back_and_files_without_them_are_of_the_older_version() {
    let network = full::<f64>();
    let edge = EdgeId { layer: 0, from: 1, to: 2 };
    let formula = Formula::parse("0.3*sin(1.7*x) + pi/3", None).unwrap();
    let fixed = fix(&network, edge, formula.expression()).unwrap();
    comes_back(&fixed, None);
    comes_back(&lock(&fixed, edge).unwrap(), None);
    let AnyModel::F64(again) = decode(&encode(&fixed, None, METADATA).unwrap()).unwrap() else {
        unreachable!()
    };
    assert_eq!(EdgeFormula::expression_on(&again.network, edge), EdgeFormula::expression_on(&fixed, edge));
    let version = |network: &Network<f64>, version: &str| {
        let file = encode(network, None, METADATA).unwrap();
        String::from_utf8_lossy(&file).contains(version)
    };
    assert!(version(&fixed, "version\\\":3") && version(&network, "version\\\":2"));
}

#[test]
fn a_file_is_a_safetensors_file_with_named_parameters() {
    let network = full::<f32>();
    let file = encode(&network, None, METADATA).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "layers.0.base_weight",
            "layers.0.breaks",
            "layers.0.control_points",
            "layers.0.spline_weight",
            "layers.1.base_weight",
            "layers.1.breaks",
            "layers.1.control_points",
            "layers.1.spline_weight",
            "scaler.input_mean",
            "scaler.input_scale",
            "scaler.target_mean",
            "scaler.target_scale",
        ]
    );
    let program = network.program();
    for (layer, (shape, range)) in program.layers().iter().zip(program.ranges()).enumerate() {
        let views = shape.views(&network.parameters()[range]);
        let (inputs, outputs) = [(2, 3), (3, 1)][layer];
        let parts = [
            ("control_points", views.control_points, vec![inputs, outputs, 5]),
            ("base_weight", views.base_weight, vec![inputs, outputs]),
            ("spline_weight", views.spline_weight, vec![inputs, outputs]),
        ];
        for (part, numbers, shape) in parts {
            let tensor = tensors.tensor(&format!("layers.{layer}.{part}")).unwrap();
            assert_eq!(tensor.shape(), shape);
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            assert_eq!(tensor.data(), bytes);
        }
        assert_eq!(tensors.tensor(&format!("layers.{layer}.breaks")).unwrap().shape(), [inputs, 4]);
    }
}

#[test]
fn a_model_that_could_not_be_read_again_is_not_written() {
    let mut network = full::<f64>();
    network.parameters_mut()[31] = f64::NAN;
    let error = encode(&network, None, "").unwrap_err();
    assert!(matches!(error, FormatError::Unwritable { .. }));
    let place = "the model can't be written: tensor layers.0.base_weight: number 1 is not finite";
    assert_eq!(error.to_string(), place);
    let mut network = full::<f32>();
    network.set_loss(Some(Loss::Huber { delta: f64::INFINITY }));
    assert!(matches!(encode(&network, None, ""), Err(FormatError::Unwritable { .. })));
    let mut network = pruned::<f64>();
    network.views_mut(1).unwrap().spline_weight[2] = 1.0;
    let error = encode(&network, None, "").unwrap_err();
    assert!(error.to_string().contains("the pruned edge from node 2 to sum 0 of layer 1"), "{error}");
    let mut network = pruned::<f64>();
    let prior = network.regularization().map(|prior| Regularization { lambda: f64::NAN, ..*prior });
    network.set_regularization(prior);
    assert!(matches!(encode(&network, None, ""), Err(FormatError::Unwritable { .. })));
    let mut state = state::<f64>();
    state.parameters.pop();
    assert!(matches!(encode(&full(), Some(&state), ""), Err(FormatError::Unwritable { .. })));
    let mut state = common::state::<f64>();
    state.position.pass_loss = f64::NAN;
    assert!(matches!(encode(&full(), Some(&state), ""), Err(FormatError::Unwritable { .. })));
}
