//! The tools of `ffmpeg-api`.

mod compose;
mod frames;
mod loudness;
mod merge;
mod metadata;
mod waveform;

pub(super) use self::{
    compose::compose,
    frames::{extract_frame, images_to_video},
    loudness::loudnorm,
    merge::{merge_audio_video, merge_audios, merge_videos},
    metadata::metadata,
    waveform::waveform,
};
