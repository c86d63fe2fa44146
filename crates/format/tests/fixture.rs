//! Files of version 1 that were written once and must be read for ever.

mod common;

use common::{METADATA, full, state, text, text_of};
use kanode_format::{decode, encode};

const F64_WITH_STATE: &[u8] = include_bytes!("fixtures/version-1-f64-state.safetensors");
const F32: &[u8] = include_bytes!("fixtures/version-1-f32.safetensors");

#[test]
fn files_of_version_1_are_read_bit_for_bit() {
    assert_eq!(text_of(&decode(F64_WITH_STATE).unwrap()), text(&full::<f64>(), Some(&state()), METADATA));
    assert_eq!(text_of(&decode(F32).unwrap()), text(&full::<f32>(), None, METADATA));
}

/// To be run once for each version of the format, never again for an old one:
/// `cargo test -p kanode-format --test fixture -- --ignored`.
#[test]
#[ignore = "writes the fixtures"]
fn write_fixtures() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
    write("version-1-f64-state.safetensors", encode(&full::<f64>(), Some(&state()), METADATA).unwrap());
    write("version-1-f32.safetensors", encode(&full::<f32>(), None, METADATA).unwrap());
}
