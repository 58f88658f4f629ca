//! What went wrong, told to whoever can do something about it.

use serde_json::json;
use tintype_engine::{Detail, RunError};
use tintype_programs::ffmpeg::last;

use super::input::{Asked, Kind};

/// FFmpeg makes nothing of a file.
#[derive(Debug, thiserror::Error)]
#[error("the file is none that FFmpeg reads")]
pub(super) struct Unreadable;

#[derive(Debug, thiserror::Error)]
#[error("FFmpeg said: {0}")]
struct Said(String);

const VIDEOS: [&str; 10] = ["mp4", "mov", "m4v", "webm", "mkv", "avi", "mpeg", "ts", "flv", "gif"];
const SOUNDS: [&str; 10] = ["mp3", "wav", "flac", "ogg", "opus", "m4a", "aac", "aiff", "wma", "amr"];
const IMAGES: [&str; 6] = ["png", "jpeg", "webp", "gif", "bmp", "tiff"];

/// A file that is not what its field asks for.
pub(super) fn unsupported(asked: &Asked) -> Detail {
    let (kind, what, formats) = match asked.kind {
        Kind::Video => ("unsupported_video_format", "a video", VIDEOS.to_vec()),
        Kind::Audio => ("unsupported_audio_format", "a sound file", SOUNDS.to_vec()),
        Kind::Image => ("unsupported_image_format", "an image", IMAGES.to_vec()),
        Kind::Media => ("unsupported_video_format", "a video or a sound file", [&VIDEOS[..], &SOUNDS[..]].concat()),
    };
    let message = format!("The file is not {what} that can be read. Supported: {}", formats.join(", "));
    Detail::new(&asked.field, kind, message).with("supported_formats", json!(formats)).found(&asked.url.as_str().into())
}

/// A video where something is to be heard, and nothing is.
pub(super) fn silent(asked: &Asked) -> Detail {
    let message = "The file has no sound; give one that has";
    Detail::new(&asked.field, "unsupported_audio_format", message)
        .with("supported_formats", json!(SOUNDS))
        .found(&asked.url.as_str().into())
}

pub(super) fn too_long(asked: &Asked, seconds: f64, most: f64) -> Detail {
    let kind = if asked.kind == Kind::Audio { "audio_duration_too_long" } else { "video_duration_too_long" };
    let message = format!("The file lasts {seconds:.1} seconds, and at most {most:.0} are taken");
    Detail::new(&asked.field, kind, message).with("max_duration", most).with("provided_duration", seconds)
}

pub(super) fn too_short(asked: &Asked, seconds: f64, least: f64) -> Detail {
    let kind = if asked.kind == Kind::Audio { "audio_duration_too_short" } else { "video_duration_too_short" };
    let message = format!("The file lasts {seconds:.2} seconds, and {least:.2} are needed");
    Detail::new(&asked.field, kind, message).with("min_duration", least).with("provided_duration", seconds)
}

/// What is made would be too large.
pub(super) fn overflow(first: Option<&Asked>, most: u64) -> RunError {
    let field = first.map_or("", |asked| asked.field.as_str());
    let message = format!("What is made of it would be larger than {most} bytes: take less of it, or a smaller format");
    refuse(Detail::new(field, "file_too_large", message).with("max_size", most))
}

/// A run that failed. Files were probed before, so what is wrong with them lies deeper.
pub(super) fn explain(said: &str, first: Option<&Asked>) -> RunError {
    let damaged = ["Invalid data found", "Error while decoding", "moov atom not found", "does not contain any stream"];
    if ["Cannot allocate memory", "Error allocating"].iter().any(|words| said.contains(words)) {
        let message = "It takes more memory than one call may use: take less of it, or a smaller size";
        return refuse(Detail::new(first.map_or("", |asked| &asked.field), "file_too_large", message));
    }
    match first {
        Some(asked) if damaged.iter().any(|words| said.contains(words)) => {
            let mut detail = unsupported(asked);
            detail.msg = format!("The file is damaged, or not what it says it is. FFmpeg: {}", last(said));
            refuse(detail)
        }
        _ => RunError::Computation(Box::new(Said(said.lines().rev().take(5).collect::<Vec<_>>().join(" | ")))),
    }
}

/// A finding about a field, once its file is known.
pub(super) fn refuse(detail: Detail) -> RunError {
    RunError::Invalid(detail.into())
}
