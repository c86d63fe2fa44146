//! Every way to cut a small file off, and thousands of ways to scribble in it: the reader answers, always.

mod common;

use common::{METADATA, Parts, full, state, text_of};
use kanode_format::{AnyModel, FormatError, decode, encode};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Both number types, without and with a training state.
static FILES: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    [
        encode(&full::<f64>(), None, METADATA).unwrap(),
        encode(&full::<f32>(), None, METADATA).unwrap(),
        encode(&full::<f64>(), Some(&state()), METADATA).unwrap(),
    ]
});

#[test]
fn a_file_cut_off_anywhere_is_said_to_be_cut_off() {
    for file in FILES.iter() {
        for length in 0..file.len() {
            match decode(&file[..length]) {
                Err(FormatError::Truncated { expected, found }) => {
                    assert!(found == length as u64 && expected > found && expected <= file.len() as u64);
                }
                other => panic!("{length} bytes: {other:?}"),
            }
        }
    }
}

/// An error, or a model that can be written and read again.
fn answer(file: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(model) = decode(file) {
        let again = match &model {
            AnyModel::F32(model) => encode(&model.network, model.state.as_ref(), &model.metadata),
            AnyModel::F64(model) => encode(&model.network, model.state.as_ref(), &model.metadata),
        };
        prop_assert_eq!(text_of(&decode(&again.unwrap()).unwrap()), text_of(&model));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn flipped_bits_anywhere_never_panic(
        which in 0..3usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..5),
    ) {
        let mut file = FILES[which].clone();
        for (at, bit) in flips {
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
        }
        answer(&file)?;
    }

    #[test]
    fn numbers_written_over_with_the_checksum_repaired_never_panic(
        which in 0..3usize,
        at: prop::sample::Index,
        bytes in prop::collection::vec(prop::sample::select(vec![0, 1, 0x3F, 0x7F, 0x80, 0xF0, 0xFF]), 1..24),
    ) {
        let mut parts = Parts::of(&FILES[which]);
        let at = at.index(parts.data.len());
        for (place, byte) in parts.data[at..].iter_mut().zip(bytes) {
            *place = byte;
        }
        answer(&parts.file())?;
    }

    #[test]
    fn characters_changed_in_the_header_never_panic(
        which in 0..3usize,
        at in prop::collection::vec(any::<prop::sample::Index>(), 3),
        bytes in prop::collection::vec(prop::sample::select(b"0123456789-.e\"\\{}[],: Fntx".to_vec()), 1..4),
    ) {
        let mut file = FILES[which].clone();
        let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
        for (at, byte) in at.iter().zip(bytes) {
            file[8 + at.index(length)] = byte;
        }
        answer(&file)?;
    }

    #[test]
    fn characters_changed_in_the_document_with_the_checksum_repaired_never_panic(
        which in 0..3usize,
        at in prop::collection::vec(any::<prop::sample::Index>(), 3),
        to in prop::collection::vec(prop::sample::select("0123456789-.e\"\\{}[],: Fntx".chars().collect::<Vec<_>>()), 1..4),
    ) {
        let parts = Parts::of(&FILES[which]);
        let mut document: Vec<char> = parts.document.to_string().chars().collect();
        for (at, to) in at.iter().zip(to) {
            let at = at.index(document.len());
            document[at] = to;
        }
        answer(&parts.sealed(&document.iter().collect::<String>()))?;
    }

    #[test]
    fn parts_cut_out_or_doubled_never_panic(
        which in 0..3usize,
        from: prop::sample::Index,
        length in 1..64usize,
        double: bool,
    ) {
        let mut file = FILES[which].clone();
        let from = from.index(file.len());
        let to = (from + length).min(file.len());
        let part = file[from..to].to_vec();
        file.splice(from..to, if double { part.repeat(2) } else { Vec::new() });
        answer(&file)?;
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), json: bool) {
        let mut file = bytes;
        if json && file.len() > 8 {
            let length = file.len() as u64 - 8;
            file[..8].copy_from_slice(&length.to_le_bytes());
            file[8] = b'{';
        }
        answer(&file)?;
    }
}
