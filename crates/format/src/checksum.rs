//! CRC-32 of what a file says: its document and its tensors, where a changed bit could give another model instead of
//! an error.

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

/// The CRC-32 of the bytes added so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc32 {
    inverted: u32,
}

impl Crc32 {
    /// Of no bytes.
    pub(crate) fn new() -> Self {
        Self { inverted: u32::MAX }
    }

    /// Adds bytes at the end.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.inverted = TABLE[usize::from(self.inverted as u8 ^ byte)] ^ (self.inverted >> 8);
        }
    }

    /// The sum.
    pub(crate) fn value(self) -> u32 {
        !self.inverted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32(parts: &[&str]) -> u32 {
        let mut sum = Crc32::new();
        parts.iter().for_each(|part| sum.add(part.as_bytes()));
        sum.value()
    }

    #[test]
    fn the_known_check_value_comes_out() {
        // The "check" of CRC-32/ISO-HDLC in the catalogue of Cook and Williams.
        assert_eq!(crc32(&["123456789"]), 0xCBF4_3926);
        assert_eq!(crc32(&["1234", "", "56789"]), 0xCBF4_3926);
        assert_eq!(crc32(&[]), 0);
    }
}
