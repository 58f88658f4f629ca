//! From the bytes of a file to samples of one channel, within limits.

use bytes::Bytes;
use tintype_programs::{
    Caller, ProcessError, Unready,
    sound::{self, Limits, SoundError},
};

use super::plain;

/// What people may send, whether FFmpeg is there or not.
pub const PLAIN: [&str; 10] = ["mp3", "mp4", "m4a", "wav", "flac", "ogg", "webm", "mkv", "aiff", "aac"];
/// And what FFmpeg reads besides; also other ways of coding within the former.
pub const FORMATS: [&str; 18] = [
    "mp3", "mp4", "m4a", "wav", "flac", "ogg", "opus", "webm", "mkv", "aiff", "aac", "ac3", "amr", "wma", "caf", "avi",
    "mpeg", "flv",
];

#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("the file is no sound that can be read: expected {}", FORMATS.join(", "))]
    Unknown,
    #[error("the file holds no sound track")]
    NoTrack,
    #[error(
        "the sound track is coded in a way that cannot be read: expected AAC, ALAC, FLAC, MP3, Opus, PCM or Vorbis"
    )]
    Codec,
    #[error("the sound has no samples")]
    Empty,
    #[error("the sound is longer than {limit} seconds")]
    TooLong { limit: f64, found: Option<f64> },
    #[error("the sound is damaged: {0}")]
    Damaged(String),
    /// What would have to be read by FFmpeg.
    #[error(
        "it cannot be read without FFmpeg. {unready}. Without it, give {} with AAC, ALAC, FLAC, MP3, PCM or Vorbis in it",
        PLAIN.join(", ")
    )]
    NeedsFfmpeg { unready: Unready },
    #[error("whoever asked for it has gone")]
    Cancelled,
    #[error("could not have FFmpeg read it")]
    Program(#[source] SoundError),
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

/// What this process cannot read itself, such as Opus, is given to FFmpeg.
pub fn decode(bytes: &Bytes, rate: u32, limits: Limits, caller: &mut dyn Caller) -> Result<Sound, AudioError> {
    let samples = match plain::read(bytes, rate, limits, caller) {
        Err(
            error @ (AudioError::Unknown
            | AudioError::Codec
            | AudioError::NoTrack
            | AudioError::Empty
            | AudioError::Damaged(_)),
        ) => by_ffmpeg(bytes, rate, limits, caller, error)?,
        other => other?,
    };
    Ok(Sound { rate, samples })
}

/// `first` is what this process made of it.
fn by_ffmpeg(
    bytes: &Bytes,
    rate: u32,
    limits: Limits,
    caller: &mut dyn Caller,
    first: AudioError,
) -> Result<Vec<f32>, AudioError> {
    match sound::decode(bytes, rate, limits, caller) {
        Ok(samples) if samples.is_empty() => Err(AudioError::Empty),
        Ok(samples) => Ok(samples),
        Err(SoundError::TooLong { limit }) => Err(AudioError::TooLong { limit, found: None }),
        Err(SoundError::Unreadable(_)) => Err(first),
        Err(SoundError::Process(ProcessError::Cancelled)) => Err(AudioError::Cancelled),
        // Where it was clear without FFmpeg what is wrong, nobody needs to hear of FFmpeg.
        Err(SoundError::Unready(unready)) => match first {
            AudioError::Unknown | AudioError::Codec => Err(AudioError::NeedsFfmpeg { unready }),
            first => Err(first),
        },
        Err(other) => Err(AudioError::Program(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_seconds: 10.0 };

    fn made(words: &str, name: &str) -> Bytes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let run = Command::new("ffmpeg").args(["-v", "error"]).args(words.split(' ')).arg(&path).output();
        let run = run.expect("this test needs FFmpeg: apt-get install ffmpeg");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        std::fs::read(path).unwrap().into()
    }

    fn heard(bytes: &Bytes) -> Result<Sound, AudioError> {
        decode(bytes, 16_000, LIMITS, &mut || true)
    }

    #[test]
    fn opus_and_what_else_only_ffmpeg_reads_is_heard_as_the_rest_is() {
        let tone = "-f lavfi -i sine=frequency=440:duration=1";
        let plain = heard(&made(tone, "tone.flac")).unwrap();
        assert_eq!(plain.samples.len(), 16_000);
        for (words, name) in [
            ("-c:a libopus", "tone.ogg"),
            ("-c:a libopus", "tone.webm"),
            ("-c:a libopus -strict -2", "tone.mp4"),
            ("-c:a wmav2", "tone.wma"),
        ] {
            let file = made(&format!("{tone} {words}"), name);
            assert!(plain::read(&file, 16_000, LIMITS, &|| true).is_err(), "{name} is read without FFmpeg");
            let sound = heard(&file).unwrap();
            assert!((sound.seconds() - 1.0).abs() < 0.15, "{name}: {}", sound.seconds());
            let rises = sound.samples.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
            assert!(rises.abs_diff(440) < 30, "{name}: {rises} waves");
        }
    }

    #[test]
    fn what_nobody_reads_is_told_as_before() {
        assert!(matches!(heard(&Bytes::from_static(b"hello, world")), Err(AudioError::Unknown)));
        let silent = made("-f lavfi -i color=size=16x16:rate=5:duration=1", "silent.mp4");
        assert!(matches!(heard(&silent), Err(AudioError::Codec | AudioError::NoTrack)));
        let long = made("-f lavfi -i anullsrc=r=8000 -t 12 -c:a libopus", "long.ogg");
        assert!(matches!(heard(&long), Err(AudioError::TooLong { .. })));
    }

    #[test]
    fn without_ffmpeg_it_is_said_what_is_read_all_the_same() {
        let said = AudioError::NeedsFfmpeg { unready: Unready::Missing }.to_string();
        assert!(
            said.contains("apt-get install ffmpeg") && said.contains("mp3, mp4") && said.contains("Vorbis"),
            "{said}"
        );
    }
}
