//! What is handed back: files, described as fal describes them.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tintype_engine::{Made, Output, Place, RunError};

use super::{desk::Desk, sound::Coding};

fn facts(facts: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Milliseconds are enough for people.
pub(super) fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

impl Desk<'_> {
    /// A video that was made, looked at again: what is told of it is what it is.
    pub fn video(&mut self, name: &'static str) -> Result<Made, RunError> {
        let (content_type, extension) = match name.rsplit('.').next() {
            Some("webm") => ("video/webm", "webm"),
            _ => ("video/mp4", "mp4"),
        };
        let media = self.probe(name)?;
        let bytes = self.read(name)?;
        let mut told = facts([("duration", json!(round(media.duration)))]);
        if let Some(video) = &media.video {
            told.extend(facts([
                ("width", json!(video.width)),
                ("height", json!(video.height)),
                ("fps", json!(round(video.fps))),
                ("num_frames", json!(media.frames())),
            ]));
        }
        Ok(Made { bytes, content_type, extension, facts: told })
    }

    pub fn sound(&mut self, name: &str, coding: &Coding) -> Result<Made, RunError> {
        let media = self.probe(name)?;
        let bytes = self.read(name)?;
        let mut told = facts([("duration", json!(round(media.duration)))]);
        if let Some(audio) = &media.audio {
            let bitrate = if audio.bitrate > 0 { audio.bitrate } else { media.bitrate };
            told.extend(facts([
                ("sample_rate", json!(audio.sample_rate)),
                ("channels", json!(audio.channels)),
                ("bitrate", json!(bitrate)),
            ]));
        }
        Ok(Made { bytes, content_type: coding.content_type, extension: coding.extension, facts: told })
    }

    /// The answer of most tools: one video.
    pub fn video_answer(&mut self, name: &'static str) -> Result<Output, RunError> {
        Ok(answer("video", self.video(name)?))
    }

    pub fn sound_answer(&mut self, name: &str, coding: &Coding) -> Result<Output, RunError> {
        Ok(answer("audio", self.sound(name, coding)?))
    }
}

pub(super) fn answer(member: &'static str, made: Made) -> Output {
    Output { files: vec![(Place::Member(member), made)], ..Output::default() }
}

/// Kinds of pictures that frames are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Still {
    Png,
    Jpeg,
    Webp,
    Gif,
}

impl Still {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    pub fn made(self, bytes: Bytes, (width, height): (u32, u32)) -> Made {
        let facts = facts([("width", json!(width)), ("height", json!(height))]);
        Made { bytes, content_type: self.content_type(), extension: self.extension(), facts }
    }
}
