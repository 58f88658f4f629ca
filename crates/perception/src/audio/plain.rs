//! What symphonia reads, in this process: no start of a program, and no need of one.

use std::{
    io::Cursor,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use symphonia::core::{
    audio::SampleBuffer,
    codecs::{CODEC_TYPE_NULL, CodecParameters, DecoderOptions},
    errors::Error as Failure,
    formats::{FormatOptions, FormatReader, Packet, Track},
    io::MediaSourceStream,
    meta::MetadataOptions,
    probe::Hint,
};
use tintype_programs::{Caller, sound::clean};

use super::{AudioError, Limits, resample::Resampler};

/// What a file may say of itself. Beyond it lies no sound, only filters that no memory holds.
const RATES: RangeInclusive<u32> = 1_000..=768_000;

/// All channels count alike. A damaged packet in the middle is left out, as players do. What is held of the sound is at
/// `rate` from the start: a long one at a high rate would not fit.
pub fn read(bytes: &Bytes, rate: u32, limits: Limits, caller: &dyn Caller) -> Result<Vec<f32>, AudioError> {
    // The reader panics at some headers, as at a rate of zero. Nothing of it outlives the call.
    let read = catch_unwind(AssertUnwindSafe(|| decoded(bytes, rate, limits, caller)));
    read.unwrap_or_else(|_| Err(AudioError::Damaged("its header contradicts itself".into())))
}

fn decoded(bytes: &Bytes, rate: u32, limits: Limits, caller: &dyn Caller) -> Result<Vec<f32>, AudioError> {
    let mut file = open(bytes)?;
    let (id, codec) = track(file.as_ref())?;
    codec.sample_rate.map_or(Ok(()), check_rate)?;
    let mut coding =
        symphonia::default::get_codecs().make(&codec, &DecoderOptions::default()).map_err(|_| AudioError::Codec)?;
    let mut sound: Option<Heard> = None;
    while let Some(packet) = next(file.as_mut())? {
        if !caller.wanted() {
            return Err(AudioError::Cancelled);
        }
        if packet.track_id() != id {
            continue;
        }
        match coding.decode(&packet) {
            Ok(decoded) if decoded.frames() > 0 => {
                let spec = *decoded.spec();
                check_rate(spec.rate)?;
                let heard = sound.get_or_insert_with(|| Heard::new(spec.rate, rate));
                let mut buffer = SampleBuffer::<f32>::new(decoded.capacity() as u64, spec);
                buffer.copy_interleaved_ref(decoded);
                heard.add(spec.rate, buffer.samples(), spec.channels.count(), limits)?;
            }
            Ok(_) | Err(Failure::DecodeError(_)) => {}
            Err(error) => return Err(AudioError::Damaged(error.to_string())),
        }
    }
    sound.map(|heard| heard.resampler.finish()).filter(|samples| !samples.is_empty()).ok_or(AudioError::Empty)
}

fn open(bytes: &Bytes) -> Result<Box<dyn FormatReader>, AudioError> {
    let source = MediaSourceStream::new(
        Box::new(Cursor::new(bytes.clone())),
        symphonia::core::io::MediaSourceStreamOptions::default(),
    );
    let options = FormatOptions { enable_gapless: true, ..FormatOptions::default() };
    let probed = symphonia::default::get_probe().format(&Hint::new(), source, &options, &MetadataOptions::default());
    Ok(probed.map_err(|_| AudioError::Unknown)?.format)
}

/// The first that can be heard, best one that says its rate.
fn track(file: &dyn FormatReader) -> Result<(u32, CodecParameters), AudioError> {
    let known = |track: &&Track| track.codec_params.codec != CODEC_TYPE_NULL;
    let rated = |track: &&Track| known(track) && track.codec_params.sample_rate.is_some();
    let track = file.tracks().iter().find(rated).or_else(|| file.tracks().iter().find(known));
    match track {
        Some(track) => Ok((track.id, track.codec_params.clone())),
        None if file.tracks().is_empty() => Err(AudioError::NoTrack),
        None => Err(AudioError::Codec),
    }
}

/// What was heard so far.
struct Heard {
    rate: u32,
    /// At the rate of the file.
    count: usize,
    one: Vec<f32>,
    resampler: Resampler,
}

impl Heard {
    fn new(from: u32, to: u32) -> Self {
        Self { rate: from, count: 0, one: Vec::new(), resampler: Resampler::new(from, to) }
    }

    fn add(&mut self, rate: u32, frames: &[f32], channels: usize, limits: Limits) -> Result<(), AudioError> {
        if rate != self.rate {
            return Err(AudioError::Damaged("its rate changes on the way".into()));
        }
        self.one.clear();
        mix(&mut self.one, frames, channels);
        self.count += self.one.len();
        let found = self.count as f64 / f64::from(self.rate);
        if found > limits.max_seconds {
            return Err(AudioError::TooLong { limit: limits.max_seconds, found: Some(found) });
        }
        self.resampler.push(&self.one);
        Ok(())
    }
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

fn mix(samples: &mut Vec<f32>, frames: &[f32], channels: usize) {
    let share = 1.0 / channels as f32;
    let one = |frame: &[f32]| frame.iter().sum::<f32>() * share;
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

    /// At the rate that is given, so that nothing is resampled.
    fn at(rate: u32, file: Vec<u8>) -> Result<Vec<f32>, AudioError> {
        read(&Bytes::from(file), rate, LIMITS, &|| true)
    }

    fn opened(file: Vec<u8>) -> Result<Vec<f32>, AudioError> {
        at(8000, file)
    }

    #[test]
    fn channels_become_one() {
        let samples = opened(wav(2, 8000, &[16384, 0, 16384, -16384, -32768, -32768])).unwrap();
        assert_eq!(samples, [0.25, 0.0, -1.0]);
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
            assert_eq!(at(rate, wav(1, rate, &[1; 64])).unwrap().len(), 64);
        }
    }

    #[test]
    fn sound_beyond_the_limit_stops_being_read() {
        let found = opened(wav(1, 8000, &vec![1; 8000 * 12])).unwrap_err();
        assert!(matches!(found, AudioError::TooLong { .. }), "{found}");
    }

    #[test]
    fn a_caller_who_left_waits_for_nothing() {
        let found = read(&Bytes::from(wav(1, 8000, &[1; 64])), 8000, LIMITS, &|| false);
        assert!(matches!(found, Err(AudioError::Cancelled)));
    }

    #[test]
    fn every_cut_of_a_file_is_read_or_refused() {
        let file = wav(2, 44100, &[100; 400]);
        for end in 0..file.len() {
            let _ = opened(file[..end].to_vec());
        }
    }
}
