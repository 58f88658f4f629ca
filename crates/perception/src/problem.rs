//! The findings of the client API about files that cannot be worked with.

use tintype_engine::{Detail, Invalid};
use tintype_media::{DecodeError, Format};

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

pub(crate) fn unreadable_picture(field: &str, error: &DecodeError) -> Invalid {
    let detail = |kind: &str| Detail::new(field, kind, format!("Could not use the picture: {error}"));
    let detail = match error {
        DecodeError::TooManyBytes { limit, .. } => detail("file_too_large").with("max_size", *limit),
        DecodeError::TooLarge { limits, .. } => {
            detail("image_too_large").with("max_width", limits.max_width).with("max_height", limits.max_height)
        }
        DecodeError::UnknownFormat => {
            detail("unsupported_image_format").with("supported_formats", Format::ALL.map(Format::name).to_vec())
        }
        DecodeError::Damaged { .. } => detail("image_load_error"),
    };
    detail.into()
}
