//! From the bytes of a file to samples of one channel, within limits.

use std::{
    io::Cursor,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use symphonia::core::{
    audio::SampleBuffer,
    codecs::{CODEC_TYPE_NULL, DecoderOptions},
    errors::Error as Failure,
    formats::{FormatOptions, FormatReader, Packet},
    io::MediaSourceStream,
    meta::MetadataOptions,
    probe::Hint,
};

/// What a file may ask of memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_bytes: u64,
    pub max_seconds: f64,
}

/// What a file may say of itself. Beyond it lies no sound, only filters that no memory holds.
const RATES: RangeInclusive<u32> = 1_000..=768_000;

/// What people may send.
pub const FORMATS: [&str; 10] = ["mp3", "mp4", "m4a", "wav", "flac", "ogg", "webm", "mkv", "aiff", "aac"];

#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("the file is no sound that can be read: expected {}", FORMATS.join(", "))]
    Unknown,
    #[error("the file holds no sound track")]
    NoTrack,
    #[error("the sound track is coded in a way that cannot be read: expected AAC, ALAC, FLAC, MP3, PCM or Vorbis")]
    Codec,
    #[error("the sound has no samples")]
    Empty,
    #[error("the sound is longer than {limit} seconds")]
    TooLong { limit: f64, found: f64 },
    #[error("the sound is damaged: {0}")]
    Damaged(String),
}

/// One channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    pub rate: u32,
    pub samples: Vec<f32>,
}

impl Sound {
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }
}

/// All channels count alike. A damaged packet in the middle is left out, as players do.
pub fn decode(bytes: &Bytes, limits: Limits) -> Result<Sound, AudioError> {
    // The reader panics at some headers, as at a rate of zero. Nothing of it outlives the call.
    let read = catch_unwind(AssertUnwindSafe(|| read(bytes, limits)));
    read.unwrap_or_else(|_| Err(AudioError::Damaged("its header contradicts itself".into())))
}

fn read(bytes: &Bytes, limits: Limits) -> Result<Sound, AudioError> {
    let source = MediaSourceStream::new(
        Box::new(Cursor::new(bytes.clone())),
        symphonia::core::io::MediaSourceStreamOptions::default(),
    );
    let options = FormatOptions { enable_gapless: true, ..FormatOptions::default() };
    let probed = symphonia::default::get_probe().format(&Hint::new(), source, &options, &MetadataOptions::default());
    let mut file = probed.map_err(|_| AudioError::Unknown)?.format;
    let track = file
        .tracks()
        .iter()
        .find(|track| track.codec_params.codec != CODEC_TYPE_NULL && track.codec_params.sample_rate.is_some());
    let track = track.or_else(|| file.tracks().iter().find(|track| track.codec_params.codec != CODEC_TYPE_NULL));
    let Some(track) = track else {
        return Err(if file.tracks().is_empty() { AudioError::NoTrack } else { AudioError::Codec });
    };
    let (id, codec) = (track.id, track.codec_params.clone());
    codec.sample_rate.map_or(Ok(()), check_rate)?;
    let mut coding =
        symphonia::default::get_codecs().make(&codec, &DecoderOptions::default()).map_err(|_| AudioError::Codec)?;
    let mut sound = Sound { rate: 0, samples: Vec::new() };
    while let Some(packet) = next(file.as_mut())? {
        if packet.track_id() != id {
            continue;
        }
        match coding.decode(&packet) {
            Ok(decoded) if decoded.frames() > 0 => {
                let spec = *decoded.spec();
                if sound.rate != 0 && sound.rate != spec.rate {
                    return Err(AudioError::Damaged("its rate changes on the way".into()));
                }
                check_rate(spec.rate)?;
                sound.rate = spec.rate;
                let mut buffer = SampleBuffer::<f32>::new(decoded.capacity() as u64, spec);
                buffer.copy_interleaved_ref(decoded);
                mix(&mut sound.samples, buffer.samples(), spec.channels.count());
                if sound.seconds() > limits.max_seconds {
                    return Err(AudioError::TooLong { limit: limits.max_seconds, found: sound.seconds() });
                }
            }
            Ok(_) | Err(Failure::DecodeError(_)) => {}
            Err(error) => return Err(AudioError::Damaged(error.to_string())),
        }
    }
    if sound.samples.is_empty() || sound.rate == 0 { Err(AudioError::Empty) } else { Ok(sound) }
}

fn check_rate(rate: u32) -> Result<(), AudioError> {
    if RATES.contains(&rate) {
        return Ok(());
    }
    let (least, most) = (RATES.start(), RATES.end());
    Err(AudioError::Damaged(format!("it has {rate} samples a second; expected {least} to {most}")))
}

/// `None` at the end. A file that was cut off ends where it was cut.
fn next(file: &mut dyn FormatReader) -> Result<Option<Packet>, AudioError> {
    match file.next_packet() {
        Ok(packet) => Ok(Some(packet)),
        Err(Failure::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(Failure::ResetRequired) => Ok(None),
        Err(error) => Err(AudioError::Damaged(error.to_string())),
    }
}

/// What is no number is silence: it would spread through everything that is computed from it.
fn mix(samples: &mut Vec<f32>, frames: &[f32], channels: usize) {
    let share = 1.0 / channels as f32;
    let one = |frame: &[f32]| frame.iter().sum::<f32>() * share;
    let clean = |sample: f32| if sample.is_finite() { sample.clamp(-16.0, 16.0) } else { 0.0 };
    samples.extend(frames.chunks_exact(channels.max(1)).map(one).map(clean));
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_seconds: 10.0 };

    /// A WAV file of 16-bit samples.
    fn wav(channels: u16, rate: u32, samples: &[i16]) -> Vec<u8> {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut file = Vec::new();
        file.extend(b"RIFF");
        file.extend((36 + data.len() as u32).to_le_bytes());
        file.extend(b"WAVEfmt ");
        file.extend(16_u32.to_le_bytes());
        file.extend(1_u16.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend(rate.wrapping_mul(u32::from(channels) * 2).to_le_bytes());
        file.extend((channels * 2).to_le_bytes());
        file.extend(16_u16.to_le_bytes());
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    fn opened(file: Vec<u8>) -> Result<Sound, AudioError> {
        decode(&Bytes::from(file), LIMITS)
    }

    #[test]
    fn channels_become_one() {
        let sound = opened(wav(2, 8000, &[16384, 0, 16384, -16384, -32768, -32768])).unwrap();
        assert_eq!((sound.rate, sound.samples), (8000, vec![0.25, 0.0, -1.0]));
    }

    #[test]
    fn sound_without_samples_is_an_error_and_no_crash() {
        assert!(matches!(opened(wav(1, 16000, &[])), Err(AudioError::Empty | AudioError::Unknown)));
    }

    #[test]
    fn what_is_no_sound_is_called_so() {
        for bytes in [&b""[..], b"hello, world", b"\x89PNG\r\n\x1a\n0000000000000000", &[0; 4096]] {
            assert!(opened(bytes.to_vec()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn rates_that_no_sound_has_are_damage() {
        for rate in [0, 1, 999, 768_001, 4_294_967_288, u32::MAX] {
            let found = opened(wav(1, rate, &[1; 64])).unwrap_err();
            assert!(matches!(found, AudioError::Damaged(_)), "{rate}: {found}");
        }
        for rate in [1_000, 768_000] {
            assert_eq!(opened(wav(1, rate, &[1; 64])).unwrap().rate, rate);
        }
    }

    #[test]
    fn sound_beyond_the_limit_stops_being_read() {
        let found = opened(wav(1, 8000, &vec![1; 8000 * 12])).unwrap_err();
        assert!(matches!(found, AudioError::TooLong { .. }), "{found}");
    }

    #[test]
    fn every_cut_of_a_file_is_read_or_refused() {
        let file = wav(2, 44100, &[100; 400]);
        for end in 0..file.len() {
            let _ = opened(file[..end].to_vec());
        }
    }
}
