//! Files of each version that were written once and must be read for ever.

mod common;

use common::{METADATA, full, pruned, state, text, text_of};
use kanode_format::{decode, encode};

const F64_WITH_STATE: &[u8] = include_bytes!("fixtures/version-1-f64-state.safetensors");
const F32: &[u8] = include_bytes!("fixtures/version-1-f32.safetensors");
const PRUNED_F64: &[u8] = include_bytes!("fixtures/version-2-f64-pruned.safetensors");
const PRUNED_F32: &[u8] = include_bytes!("fixtures/version-2-f32-pruned.safetensors");

#[test]
fn files_of_version_1_are_read_bit_for_bit() {
    assert_eq!(text_of(&decode(F64_WITH_STATE).unwrap()), text(&full::<f64>(), Some(&state()), METADATA));
    assert_eq!(text_of(&decode(F32).unwrap()), text(&full::<f32>(), None, METADATA));
}

#[test]
fn files_of_version_2_are_read_bit_for_bit() {
    assert_eq!(text_of(&decode(PRUNED_F64).unwrap()), text(&pruned::<f64>(), None, METADATA));
    assert_eq!(text_of(&decode(PRUNED_F32).unwrap()), text(&pruned::<f32>(), None, METADATA));
}

/// To be run once for each version of the format, never again for an old one:
/// `cargo test -p kanode-format --test fixture -- --ignored`.
#[test]
#[ignore = "writes the fixtures"]
fn write_fixtures() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
    write("version-2-f64-pruned.safetensors", encode(&pruned::<f64>(), None, METADATA).unwrap());
    write("version-2-f32-pruned.safetensors", encode(&pruned::<f32>(), None, METADATA).unwrap());
}
