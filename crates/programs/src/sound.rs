//! Whatever FFmpeg can hear becomes samples of one channel, within limits.

use std::{
    fs::{self, File},
    io::{self, Read},
};

use crate::{
    Caller, Ended, Place, ProcessError, Unready,
    ffmpeg::{self, Ffmpeg, GUARDS},
};

/// What a file may come to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_bytes: u64,
    pub max_seconds: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The words are for the caller.
    #[error(transparent)]
    Unready(#[from] Unready),
    #[error("the file has {found} bytes, and at most {limit} are taken")]
    TooLarge { limit: u64, found: u64 },
    #[error("FFmpeg hears nothing in the file: {0}")]
    Unreadable(String),
    #[error("the sound is longer than {limit} seconds")]
    TooLong { limit: f64 },
    #[error("could not use the folder of the sound")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl From<ffmpeg::RunError> for SoundError {
    fn from(error: ffmpeg::RunError) -> Self {
        match error {
            ffmpeg::RunError::NoWalls(none) => Self::Unready(none.into()),
            ffmpeg::RunError::Process(error) => Self::Process(error),
        }
    }
}

const GIVEN: &str = "in0";
const RAW: &str = "out.raw";

/// The first sound track of a file, its channels mixed to one, at `rate`. No samples at all are an empty list.
pub fn decode(bytes: &[u8], rate: u32, limits: Limits, caller: &mut dyn Caller) -> Result<Vec<f32>, SoundError> {
    let ffmpeg = Ffmpeg::find()?;
    let found = bytes.len() as u64;
    if found > limits.max_bytes {
        return Err(SoundError::TooLarge { limit: limits.max_bytes, found });
    }
    let place = Place::make().map_err(SoundError::Folder)?;
    fs::write(place.of(GIVEN), bytes).map_err(SoundError::Folder)?;
    // A second more than is taken tells that it is too long.
    let (longest, rate_word) = (format!("{:.3}", limits.max_seconds + 1.0), rate.to_string());
    let words = GUARDS.into_iter().chain(["-i", GIVEN, "-map", "0:a:0", "-vn", "-sn", "-dn", "-ac", "1"]);
    let words = words.chain(["-ar", &rate_word, "-t", &longest, "-c:a", "pcm_f32le", "-f", "f32le", RAW]);
    let words: Vec<String> = words.map(str::to_owned).collect();
    let ended = ffmpeg.run(&words, "error", &place, caller)?;
    let samples = match ended {
        Ended { overflowed: true, .. } => return Err(SoundError::TooLong { limit: limits.max_seconds }),
        Ended { success: false, errors, .. } => {
            return Err(SoundError::Unreadable(ffmpeg::last(&errors).to_owned()));
        }
        Ended { .. } => read(&place).map_err(SoundError::Folder)?,
    };
    if samples.len() as f64 > limits.max_seconds * f64::from(rate) {
        return Err(SoundError::TooLong { limit: limits.max_seconds });
    }
    Ok(samples)
}

/// A sample as everything that computes with it may take it. What is no number is silence: it would spread.
pub fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-16.0, 16.0) } else { 0.0 }
}

fn read(place: &Place) -> io::Result<Vec<f32>> {
    let file = File::open(place.of(RAW))?;
    let count = file.metadata()?.len() / 4;
    let mut samples = Vec::with_capacity(count as usize);
    let mut reader = io::BufReader::with_capacity(1 << 16, file);
    let mut four = [0; 4];
    for _ in 0..count {
        reader.read_exact(&mut four)?;
        samples.push(clean(f32::from_le_bytes(four)));
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_no_number_is_silence_and_a_loud_one_is_bounded() {
        let given = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 1.5, 0.0];
        assert_eq!(given.map(clean).to_vec(), [0.0, 0.0, 0.0, 16.0, -16.0, 1.5, 0.0]);
    }
}
