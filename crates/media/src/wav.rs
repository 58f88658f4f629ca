//! RIFF WAVE: 16 bits, one channel.

use bytes::Bytes;

/// The samples as they are, `rate` of them a second.
pub fn wav(samples: impl ExactSizeIterator<Item = i16>, rate: u32) -> Bytes {
    let data = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + data).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // Plain numbers, one channel.
    file.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    file.extend([rate, rate * 2].map(u32::to_le_bytes).concat());
    // Bytes of a sample, and its bits.
    file.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(data.to_le_bytes());
    file.extend(samples.flat_map(i16::to_le_bytes));
    file.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_how_long_it_is_and_how_fast() {
        let file = wav([1, -2, 300].into_iter(), 8000);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((file.len(), word(4), word(24), word(28), word(40)), (50, 42, 8000, 16_000, 6));
        assert_eq!(file[44..], [1, 0, 0xfe, 0xff, 0x2c, 0x01]);
    }
}
