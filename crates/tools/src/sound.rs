//! Sound that was computed here: the format that is asked for, and the file.

use bytes::Bytes;
use serde_json::json;
use tintype_engine::{Fields, Invalid, Made, RunError, Watch};

use crate::ffmpeg::{self, Coding};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Mp3,
    Wav,
    Flac,
    Opus,
}

impl Format {
    /// Reads `output_format`.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        match fields.choice("output_format", &["mp3", "wav", "flac", "opus"]) {
            Some(1) => Self::Wav,
            Some(2) => Self::Flac,
            Some(3) => Self::Opus,
            _ => Self::Mp3,
        }
    }

    /// Whether what it takes is here: all formats but one are FFmpeg's to write.
    pub fn require(self) -> Result<(), Invalid> {
        if self == Self::Wav { Ok(()) } else { ffmpeg::require() }
    }

    /// A file of so many samples in one channel, from its WAV form. `bitrate` is that of MP3.
    pub fn write(
        self,
        wav: Bytes,
        (rate, samples): (u32, usize),
        bitrate: &str,
        watch: &mut dyn Watch,
    ) -> Result<Made, RunError> {
        match self {
            Self::Wav => Ok(plain(wav, rate, samples)),
            Self::Flac => ffmpeg::convert(&wav, &Coding::flac(), watch),
            Self::Mp3 => ffmpeg::convert(&wav, &Coding::mp3(bitrate), watch),
            Self::Opus => ffmpeg::convert(&wav, &Coding::opus(), watch),
        }
    }
}

fn plain(wav: Bytes, rate: u32, samples: usize) -> Made {
    let seconds = (samples as f64 / f64::from(rate) * 1000.0).round() / 1000.0;
    let facts = [
        ("duration", json!(seconds)),
        ("sample_rate", json!(rate)),
        ("channels", json!(1)),
        ("bitrate", json!(rate * 16)),
    ];
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Made { bytes: wav, content_type: "audio/wav", extension: "wav", facts }
}
