//! CRC-32C (Castagnoli), masked as in TensorFlow's record files, and CRC-32 (IEEE), as in W&B's
//! files. Eight tables take eight bytes at once.

/// Tables of the polynomials, bits reversed.
static CASTAGNOLI: [[u32; 256]; 8] = tables(0x82F6_3B78);
static IEEE: [[u32; 256]; 8] = tables(0xEDB8_8320);

const fn tables(polynomial: u32) -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut value = i as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        tables[0][i] = value;
        i += 1;
    }
    let mut t = 1;
    while t < 8 {
        let mut i = 0;
        while i < 256 {
            let before = tables[t - 1][i];
            tables[t][i] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            i += 1;
        }
        t += 1;
    }
    tables
}

fn sum(bytes: &[u8], tables: &[[u32; 256]; 8]) -> u32 {
    let mut crc = !0u32;
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let word = u64::from_le_bytes(*block) ^ u64::from(crc);
        crc = word.to_le_bytes().iter().enumerate().fold(0, |sum, (i, byte)| sum ^ tables[7 - i][usize::from(*byte)]);
    }
    for byte in rest {
        crc = crc >> 8 ^ tables[0][usize::from(crc as u8 ^ byte)];
    }
    !crc
}

/// CRC-32C.
fn crc32c(bytes: &[u8]) -> u32 {
    sum(bytes, &CASTAGNOLI)
}

/// CRC-32.
pub(crate) fn ieee(bytes: &[u8]) -> u32 {
    sum(bytes, &IEEE)
}

/// The checksum as record files store it.
pub(crate) fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_answers() {
        // RFC 3720, appendix B.4.
        assert_eq!(super::crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(super::crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(super::crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(super::ieee(b"123456789"), 0xCBF4_3926);
    }
}
