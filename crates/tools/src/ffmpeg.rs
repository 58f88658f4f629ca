//! Sound and video, by FFmpeg.
//!
//! A tool checks its input and says what work follows. The files are laid on a desk, a folder of the call's own; each
//! is probed before anything else happens with it, and FFmpeg runs within walls that show it this folder and nothing
//! else. No input may name a protocol, a list of other files or a device.

mod api;
mod call;
mod desk;
mod failure;
mod input;
mod job;
mod made;
mod probe;
mod sound;
mod still;
mod utilities;
mod vision;

use bytes::Bytes;
use tintype_engine::{Invalid, Made, RunError, Watch};
use tintype_programs::ffmpeg::Ffmpeg;

pub(crate) use self::sound::Coding;
use self::{
    call::{Tool, route},
    desk::Desk,
    job::Job,
};
use crate::Route;

const API: &[(&str, Tool)] = &[
    ("/compose", api::compose),
    ("/extract-frame", api::extract_frame),
    ("/images-to-video", api::images_to_video),
    ("/loudnorm", api::loudnorm),
    ("/merge-audio-video", api::merge_audio_video),
    ("/merge-audios", api::merge_audios),
    ("/merge-videos", api::merge_videos),
    ("/metadata", api::metadata),
    ("/waveform", api::waveform),
];

const UTILITIES: &[(&str, Tool)] = &[
    ("/add-subtitles-to-video", utilities::add_subtitles),
    ("/amix-audio", utilities::amix),
    ("/audio-compressor", utilities::compressor),
    ("/blend-video", utilities::blend),
    ("/extract-audio", utilities::extract_audio),
    ("/extract-nth-frame", utilities::extract_nth_frame),
    ("/gif-to-video", utilities::gif_to_video),
    ("/impulse-response", utilities::impulse_response),
    ("/interleave-video", utilities::interleave),
    ("/merge-audio", utilities::merge_audio),
    ("/overlay-video", utilities::overlay),
    ("/reverse-video", utilities::reverse),
    ("/scale-video", utilities::scale),
    ("/setpts-video", utilities::set_speed),
    ("/split-audio", utilities::split_audio),
    ("/trim-video", utilities::trim),
    ("/video-to-gif", utilities::video_to_gif),
];

/// The routes of `ffmpeg-api`.
pub fn routes() -> Vec<Route> {
    API.iter().map(|(path, tool)| route(path, *tool)).collect()
}

/// What sound and video add to `workflow-utilities`.
pub fn workflow_routes() -> Vec<Route> {
    UTILITIES.iter().map(|(path, tool)| route(path, *tool)).collect()
}

/// Whether FFmpeg is there; an error for the caller, if it is not.
pub(crate) fn require() -> Result<(), Invalid> {
    Ok(Ffmpeg::find().map(drop)?)
}

/// Writes speech another way.
pub(crate) fn convert(wav: &Bytes, coding: &Coding, watch: &mut dyn Watch) -> Result<Made, RunError> {
    let mut desk = Desk::lay(Vec::new(), Vec::new(), Ffmpeg::find()?, watch)?;
    desk.write("speech.wav", wav)?;
    desk.run(&Job::new().own("speech.wav").into_sound("0:a", coding))?;
    desk.sound(&coding.file(), coding)
}
