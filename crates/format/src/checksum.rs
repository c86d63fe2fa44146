//! CRC-32 of the numbers of a file: the part in which a changed bit would give another model instead of an error.

/// The reflected polynomial of IEEE 802.3, as in zip and PNG.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// What each value of a byte adds.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { POLYNOMIAL ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

/// CRC-32 of all bytes of all parts, one after the other.
pub(crate) fn crc32(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> u32 {
    let mut sum = u32::MAX;
    for part in parts {
        for byte in part.as_ref() {
            sum = TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8);
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_check_value_comes_out() {
        // The "check" of CRC-32/ISO-HDLC in the catalogue of Cook and Williams.
        assert_eq!(crc32([b"123456789"]), 0xCBF4_3926);
        assert_eq!(crc32(["1234", "", "56789"]), 0xCBF4_3926);
        assert_eq!(crc32([b""; 0]), 0);
    }
}
