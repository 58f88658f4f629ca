//! RIFF WAVE, 16 bits, one channel.

use bytes::Bytes;

use super::RATE;

/// Louder than full is turned down as a whole, so that nothing is cut off.
pub(super) fn write(samples: &[f32]) -> Bytes {
    let loudest = samples.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    let gain = if loudest > 0.95 { 0.95 / loudest } else { 1.0 };
    let data = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + data).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // Plain numbers, one channel.
    file.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    file.extend([RATE, RATE * 2].map(u32::to_le_bytes).concat());
    // Bytes of a sample, and its bits.
    file.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(data.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| ((sample * gain * 32_767.0).round() as i16).to_le_bytes()));
    file.into()
}
