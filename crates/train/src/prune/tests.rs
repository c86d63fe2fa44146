use super::*;
use crate::testing::{baseless, lm, rmse, sampled, surface, train};
use crate::{Unobserved, fit};
use kanode_engine::reference::Reference;

/// A trained network on rows whose target depends on the first of three inputs.
fn trained() -> (Network<f64>, Dataset) {
    let data = sampled(200, 3, 3, |x| (3.0 * x[0]).sin() + 1e-3 * x[1]);
    let mut network = baseless(&[3, 4, 1], 2);
    train(&mut network, &data, &lm(60));
    (network, data)
}

fn pruned(
    network: &Network<f64>,
    data: &Dataset,
    until: PruneUntil,
    inputs: bool,
) -> (Network<f64>, PruneReport) {
    prune(network, data, &PruneOptions { until, parts: PruneParts::Edges, inputs }, &Reference, &|| false)
        .unwrap()
}

#[test]
fn as_many_edges_remain_as_were_asked_for_or_one_more() {
    let (network, data) = trained();
    for count in [16, 10, 5, 2, 1] {
        let (small, report) = pruned(&network, &data, PruneUntil::Keep(count), false);
        // The last edge into a node takes along the one that leaves it.
        assert!(report.edges_before == 16 && (count..=count + 1).contains(&report.edges_after), "{report:?}");
        assert_eq!(edges_of(&small), report.edges_after);
        assert_eq!(report.layers, small.specification().layers);
    }
}

#[test]
fn edges_of_little_score_go_and_the_others_hardly_notice() {
    let (network, data) = trained();
    let (small, report) = pruned(&network, &data, PruneUntil::Threshold(0.02), false);
    assert!(report.edges_after < 16 && report.edges_after >= 2);
    assert!(rmse(&small, &data) < 0.1, "{}", rmse(&small, &data));
    let (same, report) = pruned(&network, &data, PruneUntil::Threshold(0.0), false);
    assert_eq!((report.edges_after, report.loss_after), (16, report.loss_before));
    assert_eq!(same.parameters(), network.parameters());
}

#[test]
fn the_loss_rises_no_further_than_allowed() {
    let (network, data) = trained();
    let mut last = 16;
    for rise in [1.0, 2.0, 1e3] {
        let (_, report) = pruned(&network, &data, PruneUntil::MaxRise(rise), false);
        assert!(report.loss_after <= rise * report.loss_before * (1.0 + 1e-12), "{report:?}");
        assert!(report.edges_after <= last);
        last = report.edges_after;
    }
}

#[test]
fn inputs_go_as_a_whole_while_the_loss_bears_it() {
    let (network, data) = trained();
    let of = |rise| {
        let until = PruneUntil::MaxRise(rise);
        let options = PruneOptions { until, parts: PruneParts::Inputs, inputs: true };
        prune(&network, &data, &options, &Reference, &|| false).unwrap()
    };
    // The second of three inputs has a thousandth of the spread, the third none; the loss is far below both.
    let (same, report) = of(1.0);
    assert_eq!(same.inputs(), 3);
    let loss = report.loss_before;
    let (small, report) = of(1e-3 / loss);
    assert_eq!((small.inputs(), report.inputs.as_slice()), (1, &[0][..]), "{report:?}");
    assert!(report.loss_after <= 1e-3, "{report:?}");
    // Nothing is left of an output that loses all inputs.
    assert_eq!(of(1e9 / loss).0.inputs(), 1);
}

#[test]
fn inputs_go_with_their_names_and_ids_kept() {
    let (mut network, data) = trained();
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    let names = kanode_network::Names { inputs: Some(names), ..network.names().clone() };
    network.set_names(names).unwrap();
    let (small, report) = pruned(&network, &data, PruneUntil::Keep(2), true);
    assert_eq!((small.inputs(), &report.inputs), (1, &vec![0]));
    assert_eq!(small.names().inputs.as_deref(), Some(&["a".to_owned()][..]));
    assert!(report.loss_after.is_finite());
    // The loss of the report is that of the new network on the column that is left.
    let x = data.x().iter().step_by(3).copied().collect();
    let column = Dataset::new(200, 1, 1, x, data.y().to_vec(), None).unwrap();
    let scale = small.scaler().unwrap().target_scale[0];
    let mse = (rmse(&small, &column) / scale).powi(2);
    assert!((mse / report.loss_after - 1.0).abs() < 1e-9, "{mse} {}", report.loss_after);
    let mut small = small;
    train(&mut small, &column, &lm(40));
    assert!(rmse(&small, &column) < 0.01, "{}", rmse(&small, &column));
}

#[test]
fn a_network_is_pruned_while_its_validation_loss_bears_it() {
    let (network, _) = trained();
    let held = sampled(100, 3, 4, |x| (3.0 * x[0]).sin() + 1e-3 * x[1]);
    let (small, report) = pruned(&network, &held, PruneUntil::MaxRise(1.5), true);
    assert!(report.loss_after <= 1.5 * report.loss_before && small.is_fitted());
}

#[test]
fn what_cannot_be_pruned_says_why() {
    let (network, data) = trained();
    let refused = |network: &Network<f64>, until| {
        let options = PruneOptions { until, parts: PruneParts::Edges, inputs: false };
        match prune(network, &data, &options, &Reference, &|| false).unwrap_err() {
            TrainError::Option(error) => error.option,
            error => panic!("{error:?}"),
        }
    };
    assert_eq!(refused(&network, PruneUntil::Keep(0)), "keep");
    assert_eq!(refused(&network, PruneUntil::Threshold(f64::NAN)), "threshold");
    assert_eq!(refused(&network, PruneUntil::MaxRise(0.5)), "maxRise");
    assert_eq!(refused(&baseless(&[3, 2, 1], 0), PruneUntil::Keep(2)), "model");
    for until in [PruneUntil::Keep(2), PruneUntil::Threshold(0.1)] {
        let options = PruneOptions { until, parts: PruneParts::Inputs, inputs: true };
        assert_eq!(options.validate().unwrap_err().option, "parts");
    }
    let options = PruneOptions { until: PruneUntil::Keep(2), parts: PruneParts::Edges, inputs: false };
    assert_eq!(prune(&network, &data, &options, &Reference, &|| true).unwrap_err(), TrainError::Cancelled);
    assert!(prune(&network, &surface(20, 1), &options, &Reference, &|| false).is_err());
}

#[test]
fn what_was_pruned_stays_so_in_the_next_fit() {
    let (network, data) = trained();
    let (mut small, _) = pruned(&network, &data, PruneUntil::Keep(7), false);
    let (gone, left) = (small.pruned_edges(), edges_of(&small));
    fit(&mut small, &data, None, &lm(20), None, &Reference, &mut Unobserved).unwrap();
    assert_eq!((small.pruned_edges(), edges_of(&small)), (gone, left));
}
