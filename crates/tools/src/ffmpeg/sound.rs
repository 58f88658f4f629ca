//! How sound is written, and what is done to it in many tools.

use super::{job::Job, probe::Media};

/// A way to write sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Coding {
    pub words: Vec<String>,
    pub extension: &'static str,
    pub content_type: &'static str,
}

impl Coding {
    fn new(words: &str, extension: &'static str, content_type: &'static str) -> Self {
        Self { words: words.split(' ').map(str::to_owned).collect(), extension, content_type }
    }

    pub fn mp3(bitrate: &str) -> Self {
        Self::new(&format!("-c:a libmp3lame -b:a {bitrate}"), "mp3", "audio/mpeg")
    }

    pub fn wav() -> Self {
        Self::new("-c:a pcm_s16le", "wav", "audio/wav")
    }

    pub fn flac() -> Self {
        Self::new("-c:a flac", "flac", "audio/flac")
    }

    /// Speech at a rate at which it loses nothing that the ear would miss.
    pub fn opus() -> Self {
        Self::new("-c:a libopus -b:a 48k -application voip", "ogg", "audio/ogg")
    }

    pub fn aac(bitrate: &str) -> Self {
        Self::new(&format!("-c:a aac -b:a {bitrate}"), "aac", "audio/aac")
    }

    /// What came without loss goes without loss; the rest as MP3.
    pub(super) fn like(media: &Media) -> Self {
        match media.audio.as_ref().map(|audio| audio.codec.as_str()) {
            Some("flac") => Self::flac(),
            Some(codec) if codec.starts_with("pcm_") => Self::wav(),
            _ => Self::mp3("192k"),
        }
    }

    /// `codec_rate` or `codec_rate_bitrate`: `mp3_44100_128`.
    pub fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('_');
        let (codec, rate) = (parts.next()?, parts.next()?);
        let bitrate = parts.next().unwrap_or_default();
        Some(match codec {
            "mp3" => Self::new(&format!("-ar {rate} -c:a libmp3lame -b:a {bitrate}k"), "mp3", "audio/mpeg"),
            "pcm" => Self::new(&format!("-ar {rate} -c:a pcm_s16le"), "wav", "audio/wav"),
            "ulaw" => Self::new(&format!("-ar {rate} -ac 1 -c:a pcm_mulaw"), "wav", "audio/wav"),
            "alaw" => Self::new(&format!("-ar {rate} -ac 1 -c:a pcm_alaw"), "wav", "audio/wav"),
            "opus" => Self::new(&format!("-ar {rate} -c:a libopus -b:a {bitrate}k"), "ogg", "audio/ogg"),
            _ => return None,
        })
    }

    /// The name of the one file of this coding that a call makes.
    pub fn file(&self) -> String {
        format!("out.{}", self.extension)
    }
}

impl Job {
    /// Writes what `label` holds.
    pub fn into_sound(self, label: &str, coding: &Coding) -> Self {
        self.map(label).words(["-vn"]).words(coding.words.iter().cloned()).to(&coding.file())
    }
}

/// What sounds together must be alike.
pub(super) const ALIKE: &str =
    "aresample=48000,aformat=sample_fmts=fltp:sample_rates=48000:channel_layouts=stereo,asetpts=PTS-STARTPTS";

/// Silence of so many seconds, like the rest.
pub(super) fn silence(seconds: f64, label: &str) -> String {
    format!("anullsrc=r=48000:cl=stereo,atrim=duration={seconds:.6},{ALIKE}[{label}]")
}

/// `[3:1]`: the sound of the input of this number.
pub(super) fn of(number: usize, media: &Media) -> String {
    let index = media.audio.as_ref().map_or(0, |audio| audio.index);
    format!("[{number}:{index}]")
}

pub(super) fn decibels(value: f64) -> f64 {
    10f64.powf(value / 20.0)
}
