//! The findings of the client API about files that cannot be worked with.

use tintype_engine::{Cancelled, Detail, RunError};

use crate::audio::{AudioError, FORMATS, PLAIN};

pub(crate) fn unreadable_sound(field: &str, error: AudioError) -> RunError {
    let detail = |kind: &str| Detail::new(field, kind, format!("Could not use the audio: {error}"));
    let detail = match &error {
        AudioError::Unknown | AudioError::Codec | AudioError::NoTrack | AudioError::Damaged(_) => {
            detail("unsupported_audio_format").with("supported_formats", FORMATS.to_vec())
        }
        AudioError::NeedsFfmpeg { .. } => detail("unsupported_audio_format").with("supported_formats", PLAIN.to_vec()),
        AudioError::Empty => detail("audio_duration_too_short").with("min_duration", 0).with("provided_duration", 0),
        AudioError::TooLong { limit, found } => {
            let detail = detail("audio_duration_too_long").with("max_duration", *limit);
            found.iter().fold(detail, |detail, found| detail.with("provided_duration", *found))
        }
        AudioError::Cancelled => return Cancelled.into(),
        AudioError::Program(_) => return RunError::Computation(Box::new(error)),
    };
    RunError::Invalid(detail.into())
}
