//! The findings of the client API about files that cannot be worked with.

use tintype_engine::{Detail, Invalid};

use crate::audio::{AudioError, FORMATS};

pub(crate) fn unreadable_sound(field: &str, error: &AudioError) -> Invalid {
    let detail = |kind: &str| Detail::new(field, kind, format!("Could not use the audio: {error}"));
    let detail = match error {
        AudioError::Unknown | AudioError::Codec | AudioError::NoTrack | AudioError::Damaged(_) => {
            detail("unsupported_audio_format").with("supported_formats", FORMATS.to_vec())
        }
        AudioError::Empty => detail("audio_duration_too_short").with("min_duration", 0).with("provided_duration", 0),
        AudioError::TooLong { limit, found } => {
            detail("audio_duration_too_long").with("max_duration", *limit).with("provided_duration", *found)
        }
    };
    detail.into()
}
