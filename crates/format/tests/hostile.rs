//! Files that somebody made to do harm, or that a broken tool made: each kind of damage has its own error, and none
//! makes the reader ask for memory that the file does not justify.

mod common;

use common::{METADATA, Parts, error, file, full, pruned, state};
use kanode_format::{Corruption, FormatError, encode};
use kanode_network::{EdgeId, NetworkError, SpecificationError};
use kanode_train::StateError;
use serde_json::{Value, json};

fn good() -> Vec<u8> {
    encode(&full::<f64>(), Some(&state()), METADATA).unwrap()
}

/// What is said about the full model after `damage`.
fn damaged(damage: impl FnOnce(&mut Parts)) -> FormatError {
    let mut parts = Parts::of(&good());
    damage(&mut parts);
    error(&parts.file())
}

fn corruption(damage: impl FnOnce(&mut Parts)) -> Corruption {
    match damaged(damage) {
        FormatError::Corrupt { what } => what,
        other => panic!("{other:?}"),
    }
}

/// The JSON reader's words about the document or the header.
fn header_reason(damage: impl FnOnce(&mut Parts)) -> String {
    match corruption(damage) {
        Corruption::Header { reason } => reason,
        other => panic!("{other:?}"),
    }
}

const POINTS: &str = "layers.0.control_points";

#[test]
fn an_untouched_file_survives_being_taken_apart() {
    let parts = Parts::of(&good());
    assert!(kanode_format::decode(&parts.file()).is_ok());
}

#[test]
fn other_files_are_no_models() {
    let long = |text: &str| text.repeat(10).into_bytes();
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0; 40]].concat();
    for bytes in [long("mpg,cylinders\n"), png, vec![0; 100], vec![0xFF; 100]] {
        assert!(matches!(error(&bytes), FormatError::NotAModel { .. }));
    }
    let other = file(
        br#"{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"__metadata__":{"format":"pt"}}"#,
        &[0; 2],
    );
    assert!(matches!(error(&other), FormatError::NotAModel { .. }));
    assert!(matches!(error(&file(b"{}", &[])), FormatError::NotAModel { .. }));
}

#[test]
fn a_later_version_is_told_from_damage() {
    let error = damaged(|parts| {
        parts.document = json!({ "version": 7, "unheard": ["of"] });
        parts.header.clear();
    });
    assert!(matches!(error, FormatError::Newer { found: 7, supported: 3 }), "{error:?}");
    assert!(header_reason(|parts| parts.document["version"] = json!(0)).contains("version 0"));
    assert!(header_reason(|parts| parts.document["version"] = json!(-1)).contains("-1"));
}

#[test]
fn huge_header_lengths_are_refused() {
    let mut bytes = good();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let what = Corruption::HeaderSize { bytes: u64::MAX };
    assert!(matches!(error(&bytes), FormatError::Corrupt { what: found } if found == what));
    bytes[..8].copy_from_slice(&90_000_000u64.to_le_bytes());
    let found = bytes.len() as u64;
    assert!(matches!(error(&bytes), FormatError::Truncated { expected: 90_000_008, found: f } if f == found));
}

#[test]
fn headers_that_are_no_json_of_ours_are_refused() {
    let entry = r#""a":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}"#;
    let deep = format!(r#"{{"a":{}"#, "[".repeat(100_000));
    for header in [
        "{".to_owned(),
        "{]".into(),
        "{\"a\":1}".into(),
        format!("{{{entry},}}"),
        format!("{{{entry}}} x"),
        r#"{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,0]}}"#.into(),
        r#"{"a":{"dtype":"F64","shape":[0],"data_offsets":[0]}}"#.into(),
        r#"{"a":{"dtype":"F64","shape":[0],"data_offsets":[0,0],"more":0}}"#.into(),
        r#"{"a":{"dtype":"F64","dtype":"F64","shape":[0],"data_offsets":[0,0]}}"#.into(),
        r#"{"a":{"dtype":"F64","shape":[99999999999999999999],"data_offsets":[0,0]}}"#.into(),
        r#"{"__metadata__":{"kanode":"{}","kanode":"{}"}}"#.into(),
        r#"{"__metadata__":{"kanode":"{}"},"__metadata__":{"kanode":"{}"}}"#.into(),
        r#"{"__metadata__":{"kanode":1}}"#.into(),
        deep,
    ] {
        let error = error(&file(header.as_bytes(), &[]));
        assert!(
            matches!(error, FormatError::Corrupt { what: Corruption::Header { .. } }),
            "{header:.80} {error:?}"
        );
    }
    let error = error(&file(b"{\"\xFF\":1}", &[]));
    assert!(matches!(error, FormatError::Corrupt { what: Corruption::Header { .. } }), "{error:?}");
}

#[test]
fn documents_with_fields_missing_unknown_or_of_wrong_types_are_refused() {
    for field in ["kanode", "checksum", "dtype", "specification", "names", "scaler", "metadata", "version"] {
        let reason = header_reason(|parts| {
            parts.document.as_object_mut().unwrap().remove(field);
        });
        assert!(reason.contains(field), "{reason}");
    }
    assert!(header_reason(|parts| parts.document["more"] = json!(1)).contains("more"));
    assert!(header_reason(|parts| parts.document["specification"]["gird"] = json!(1)).contains("gird"));
    assert!(header_reason(|parts| parts.document["dtype"] = json!("f16")).contains("f16"));
    header_reason(|parts| parts.document["specification"]["grid"] = json!(3.5));
    header_reason(|parts| parts.document["specification"]["layers"] = json!([2, -3, 1]));
    header_reason(|parts| parts.document = Value::Null);
}

#[test]
fn a_document_that_does_not_begin_with_its_checksum_is_refused() {
    let parts = Parts::of(&good());
    let document = parts.document.to_string().replacen('{', "{ ", 1);
    let error = error(&parts.file_of(&document));
    let FormatError::Corrupt { what: Corruption::Header { reason } } = error else { panic!("{error:?}") };
    assert!(reason.contains("first field"), "{reason}");
}

#[test]
fn keys_of_the_document_appear_once() {
    let parts = Parts::of(&good());
    let document = parts.document.to_string().replacen("\"grid\":3", "\"grid\":3,\"grid\":3", 1);
    let error = error(&parts.file_of(&document));
    let FormatError::Corrupt { what: Corruption::Header { reason } } = error else { panic!("{error:?}") };
    assert!(reason.contains("duplicate field `grid`"), "{reason}");
}

#[test]
fn two_tensors_of_one_name_are_refused_even_if_they_agree() {
    let parts = Parts::of(&good());
    let header = Value::from(parts.header.clone()).to_string();
    let metadata = json!({ "kanode": parts.document.to_string() });
    // An empty tensor takes no place, so that nothing but its name is wrong.
    let empty = r#""empty":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}"#;
    let header = format!("{{{empty},{empty},\"__metadata__\":{metadata},{}", &header[1..]);
    let what = Corruption::Duplicate { name: "empty".into() };
    assert!(
        matches!(error(&file(header.as_bytes(), &parts.data)), FormatError::Corrupt { what: found } if found == what)
    );
}

#[test]
fn offsets_that_overlap_leave_gaps_or_run_backwards_are_refused() {
    let offsets = |start: u64, end: u64| {
        let what = corruption(|parts| parts.header[POINTS]["data_offsets"] = json!([start, end]));
        assert!(matches!(what, Corruption::Offsets { .. }), "{what:?}");
    };
    let range = Parts::of(&good()).range(POINTS);
    let (start, end) = (range.start as u64, range.end as u64);
    offsets(start + 8, end + 8);
    offsets(start, end - 8);
    offsets(start, end + 8);
    offsets(end, start);
    offsets(0, end - start);
    offsets(0, u64::MAX);
    offsets(u64::MAX, u64::MAX);
}

#[test]
fn one_changed_bit_in_any_number_is_noticed() {
    let good = good();
    let data = good.len() - Parts::of(&good).data.len();
    for at in data..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let error = error(&bytes);
            assert!(matches!(error, FormatError::Corrupt { what: Corruption::Checksum { .. } }), "{error:?}");
        }
    }
}

#[test]
fn another_digit_anywhere_in_the_header_is_noticed() {
    let good = encode(&full::<f32>(), Some(&state()), METADATA).unwrap();
    let header = good.len() - Parts::of(&good).data.len();
    let mut digits = 0;
    for at in 8..header {
        if good[at].is_ascii_digit() {
            for digit in (b'0'..=b'9').filter(|digit| *digit != good[at]) {
                let mut bytes = good.clone();
                bytes[at] = digit;
                error(&bytes);
                digits += 1;
            }
        }
    }
    assert!(digits > 1000);
}

#[test]
fn another_metadata_seed_loss_counter_or_name_is_noticed() {
    let good = Parts::of(&good());
    let changed = |from: &str, to: &str| {
        let document = good.document.to_string();
        assert_eq!(document.matches(from).count(), 1, "{from}");
        let error = error(&good.file_of(&document.replacen(from, to, 1)));
        assert!(matches!(error, FormatError::Corrupt { what: Corruption::Checksum { .. } }), "{error:?}");
    };
    changed(r#"\"version\":99"#, r#"\"version\":98"#);
    changed(r#""seed":18446744073709551615"#, r#""seed":18446744073709551614"#);
    changed(r#""delta":0.1"#, r#""delta":0.2"#);
    changed(r#""counters":{"steps":77}"#, r#""counters":{"steps":76}"#);
    changed(r#""stale":3"#, r#""stale":2"#);
    changed(r#"["größe""#, r#"["grüße""#);
    let mut renamed = Parts::of(&self::good());
    let tensor = renamed.header.remove("state.optimizer.firstMoment").unwrap();
    renamed.header.insert("state.optimizer.firstMomenu".into(), tensor);
    let error = error(&renamed.file_of(&renamed.document.to_string()));
    assert!(matches!(error, FormatError::Corrupt { what: Corruption::Checksum { .. } }), "{error:?}");
}

#[test]
fn one_changed_bit_anywhere_is_an_error() {
    let good = encode(&full::<f32>(), None, METADATA).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert!(kanode_format::decode(&bytes).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn bytes_behind_the_last_tensor_are_refused() {
    assert_eq!(corruption(|parts| parts.data.extend([0; 5])), Corruption::Trailing { bytes: 5 });
}

#[test]
fn shapes_other_than_the_specification_asks_for_are_refused() {
    let found = vec![3, 2, 5];
    let what = corruption(|parts| parts.header[POINTS]["shape"] = json!(found));
    assert_eq!(what, Corruption::Shape { name: POINTS.into(), expected: vec![2, 3, 5], found });
    let what = corruption(|parts| parts.header[POINTS]["shape"] = json!([30]));
    assert!(matches!(what, Corruption::Shape { .. }), "{what:?}");
    let what = corruption(|parts| parts.header[POINTS]["shape"] = json!([1u64 << 32, 1u64 << 32, 30]));
    assert!(matches!(what, Corruption::Offsets { .. }), "{what:?}");
    let what = corruption(|parts| parts.document["specification"]["grid"] = json!(4));
    assert_eq!(
        what,
        Corruption::Shape { name: POINTS.into(), expected: vec![2, 3, 6], found: vec![2, 3, 5] }
    );
}

#[test]
fn enormous_specifications_are_refused_before_anything_is_allocated() {
    for layers in [json!([u64::MAX, u64::MAX]), json!([2, 1u64 << 60, 1]), json!([1u64 << 31, 1u64 << 31, 1])]
    {
        let what = corruption(|parts| parts.document["specification"]["layers"] = layers.clone());
        assert!(matches!(what, Corruption::Shape { .. }), "{layers} {what:?}");
    }
    let what = corruption(|parts| parts.document["specification"]["layers"] = json!([2, 0, 1]));
    assert!(matches!(what, Corruption::Network(NetworkError::Specification(_))), "{what:?}");
    for (option, value) in [("grid", json!(1u64 << 62)), ("grid", json!(0)), ("degree", json!(1u64 << 62))] {
        let what = corruption(|parts| parts.document["specification"][option] = value.clone());
        assert!(matches!(what, Corruption::Network(NetworkError::Specification(_))), "{what:?}");
    }
    // A tensor that fits an enormous specification isn't there.
    let error = damaged(|parts| {
        parts.document["specification"]["layers"] = json!([1u64 << 50, 1]);
        let size = (1u64 << 50) * 5;
        parts.header.clear();
        parts.header.insert(
            POINTS.into(),
            json!({ "dtype": "F64", "shape": [1u64 << 50, 1, 5], "data_offsets": [0, 8 * size] }),
        );
    });
    assert!(matches!(error, FormatError::Truncated { .. }), "{error:?}");
}

#[test]
fn number_types_other_than_the_models_are_refused() {
    let what = corruption(|parts| {
        parts.header[POINTS]["dtype"] = json!("F32");
        parts.header[POINTS]["shape"] = json!([2, 3, 10]);
    });
    assert_eq!(what, Corruption::Dtype { name: POINTS.into(), expected: "F64", found: "F32".into() });
    let what = corruption(|parts| parts.header[POINTS]["dtype"] = json!("I64"));
    assert_eq!(what, Corruption::Dtype { name: POINTS.into(), expected: "F32 or F64", found: "I64".into() });
    let what = corruption(|parts| parts.document["dtype"] = json!("f32"));
    assert_eq!(what, Corruption::Dtype { name: POINTS.into(), expected: "F32", found: "F64".into() });
}

#[test]
fn missing_and_unknown_tensors_are_refused() {
    let what = corruption(|parts| {
        let tensor = parts.header.remove("layers.1.breaks").unwrap();
        parts.header.insert("layers.2.breaks".into(), tensor);
    });
    assert_eq!(what, Corruption::Missing { name: "layers.1.breaks".into() });
    let what = corruption(|parts| {
        let end = parts.data.len();
        parts.data.extend([0; 8]);
        parts
            .header
            .insert("more".into(), json!({ "dtype": "F64", "shape": [], "data_offsets": [end, end + 8] }));
    });
    assert_eq!(what, Corruption::Unknown { name: "more".into() });
    let what = corruption(|parts| parts.document["scaler"] = json!(false));
    assert_eq!(what, Corruption::Unknown { name: "scaler.input_mean".into() });
}

#[test]
fn numbers_that_are_not_finite_are_refused_by_tensor_and_index() {
    let names: Vec<String> = Parts::of(&good()).header.keys().cloned().collect();
    assert!(names.len() >= 12);
    for name in names {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let what = corruption(|parts| {
                let end = parts.range(&name).end;
                parts.data[end - 8..end].copy_from_slice(&bad.to_le_bytes());
            });
            let index = Parts::of(&good()).range(&name).len() / 8 - 1;
            assert_eq!(what, Corruption::NotFinite { name: name.clone(), index });
        }
    }
}

#[test]
fn knots_that_do_not_increase_are_refused() {
    let what = corruption(|parts| {
        let start = parts.range("layers.1.breaks").start;
        // The second input's breaks, run backwards.
        parts.data[start + 32..start + 64].rotate_left(8);
    });
    assert!(matches!(what, Corruption::Knots { layer: 1, input: 1, .. }), "{what:?}");
}

#[test]
fn what_single_precision_cannot_tell_apart_is_refused_in_its_models() {
    let good = Parts::of(&encode(&full::<f32>(), None, METADATA).unwrap());
    let refused = |damage: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::of(&good.file());
        damage(&mut parts);
        match error(&parts.file()) {
            FormatError::Corrupt { what: Corruption::Network(what) } => what,
            other => panic!("{other:?}"),
        }
    };
    let what = refused(&|parts| {
        let start = parts.range("layers.1.breaks").start + 32;
        // The second and third break of the second input, apart in f64 alone.
        parts.data[start + 16..start + 24].copy_from_slice(&(0.1f64 + 1e-12).to_le_bytes());
    });
    assert!(matches!(what, NetworkError::Spline { layer: 1, input: 1, .. }), "{what:?}");
    let what = refused(&|parts| parts.document["specification"]["domain"] = json!([1e6, 1e6 + 0.1]));
    assert!(matches!(what, NetworkError::Specification(_)), "{what:?}");
}

#[test]
fn scalers_names_and_losses_that_do_not_fit_are_refused() {
    let what = corruption(|parts| {
        let start = parts.range("scaler.input_scale").start;
        parts.data[start..start + 8].fill(0);
    });
    assert!(matches!(what, Corruption::Network(NetworkError::Scaler { index: 0, .. })), "{what:?}");
    let what = corruption(|parts| parts.document["names"]["inputs"] = json!(["one"]));
    assert!(matches!(what, Corruption::Network(NetworkError::Length { .. })), "{what:?}");
    let what = corruption(|parts| parts.document["loss"]["delta"] = json!(-1.0));
    assert_eq!(what, Corruption::Loss { delta: -1.0 });
}

#[test]
fn products_pruned_edges_input_ids_and_priors_that_do_not_fit_are_refused() {
    let good = encode(&pruned::<f64>(), None, METADATA).unwrap();
    let refused = |path: &str, value: Value| {
        let mut parts = Parts::of(&good);
        *parts.document.pointer_mut(path).unwrap() = value;
        match error(&parts.file()) {
            FormatError::Corrupt { what } => what,
            other => panic!("{other:?}"),
        }
    };
    let is = |path: &str, value: Value, what: NetworkError| {
        assert_eq!(refused(path, value), Corruption::Network(what));
    };
    let products = |value: Value, what: SpecificationError| is("/specification/products", value, what.into());
    products(json!([[2, 1], []]), SpecificationError::Arity { layer: 0, index: 1, found: 1 });
    products(json!([[], [2, 2]]), SpecificationError::Products { layer: 1, nodes: 1, found: 2 });
    products(json!([[2, 3]]), SpecificationError::ProductLists { expected: 2, found: 1 });
    // Other factors than there are tensors for.
    for value in [json!([[2, 2], []]), json!([[2, u64::MAX], []]), json!([])] {
        let what = refused("/specification/products", value);
        assert!(matches!(what, Corruption::Shape { .. }), "{what:?}");
    }

    let length = |what, expected, found| NetworkError::Length { what, expected, found };
    let edge = |from, to, reason| NetworkError::Pruned { edge: EdgeId { layer: 0, from, to }, reason };
    is("/pruned", json!([[1, 9]]), length("lists of pruned edges", 2, 1));
    is("/pruned", json!([[9, 1], [2]]), edge(0, 1, "is not in order"));
    is("/pruned", json!([[1, 1], [2]]), edge(0, 1, "is not in order"));
    is("/pruned", json!([[1, 9, 10], [2]]), edge(1, 4, "has a parameter that is not 0"));
    is("/pruned", json!([[1, 9, 12], [2]]), NetworkError::Edge { what: "pruned edge", count: 12, found: 12 });

    is("/inputIds", json!([3]), length("input ids", 2, 1));
    for (ids, found) in [(json!([3, 3]), 3), (json!([3, 2]), 2)] {
        is("/inputIds", ids, NetworkError::InputIds { index: 1, found });
    }
    for (what, bad, found) in
        [("order", json!(0), 0.0), ("lambda", json!(-1.0), -1.0), ("noise", json!(-0.5), -0.5)]
    {
        is(&format!("/regularization/{what}"), bad, NetworkError::Regularization { what, found });
    }
}

#[test]
fn a_file_of_version_1_has_no_need_of_what_came_later() {
    let mut parts = Parts::of(&good());
    let document = parts.document.as_object_mut().unwrap();
    document.insert("version".into(), json!(1));
    for field in ["pruned", "inputIds", "regularization"] {
        assert!(document.remove(field).is_some());
    }
    assert!(document["specification"].as_object_mut().unwrap().remove("products").is_some());
    assert!(kanode_format::decode(&parts.file()).is_ok());
}

#[test]
fn damaged_training_states_are_refused() {
    let rename = |from: &'static str, to: &'static str| {
        corruption(|parts| {
            let tensor = parts.header.remove(from).unwrap();
            parts.header.insert(to.into(), tensor);
        })
    };
    let missing = |name: &str| Corruption::State(StateError::Missing { name: name.into() });
    assert_eq!(rename("state.parameters", "state.optimizer.more"), missing("parameters"));
    assert_eq!(rename("state.bestParameters", "state.optimizer.more"), missing("bestParameters"));
    let unknown = Corruption::State(StateError::Unknown { name: "more".into() });
    assert_eq!(rename("state.optimizer.firstMoment", "state.more"), unknown);
    let what = corruption(|parts| parts.header["state.parameters"]["shape"] = json!([63, 1]));
    assert!(matches!(what, Corruption::Shape { .. }), "{what:?}");
    let what = corruption(|parts| parts.document["state"] = Value::Null);
    assert_eq!(what, Corruption::Unknown { name: "state.bestParameters".into() });
    let reason = header_reason(|parts| parts.document["state"]["position"]["stale"] = json!(-1));
    assert!(reason.contains("-1"), "{reason}");
    header_reason(|parts| parts.document["state"]["scalars"] = json!({ "made up": null }));
    header_reason(|parts| parts.document["state"]["position"]["passLoss"] = Value::Null);
}
