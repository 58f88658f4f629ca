//! The tools for sound and video of `workflow-utilities`.

mod audio;
mod effects;
mod gif;
mod layers;
mod nth;
mod reverse;
mod subtitles;
mod video;

pub(super) use self::{
    audio::{amix, extract_audio, merge_audio, split_audio},
    effects::{compressor, impulse_response},
    gif::{gif_to_video, video_to_gif},
    layers::{blend, interleave, overlay},
    nth::extract_nth_frame,
    reverse::reverse,
    subtitles::add_subtitles,
    video::{scale, set_speed, trim},
};
