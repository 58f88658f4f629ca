//! Tools that need no weights: pictures, texts, sound and video.
//!
//! A tool is a route: a path, and the function that turns an input into a plan. An app is a list of routes, and
//! several parts of this crate may add to one app: `workflow-utilities` has pictures, texts, sound and video.

mod app;
pub mod ffmpeg;
mod fonts;
mod pictures;
mod prompt;
mod solids;
mod sound;
mod texts;
mod tones;
pub mod voice;

pub use app::{App, Route};

/// What serves `workflow-utilities`.
pub fn workflow_utilities() -> App {
    let stills = pictures::workflow_routes().into_iter().chain(texts::routes());
    App::new(stills.chain(ffmpeg::workflow_routes()))
}

/// What serves `ffmpeg-api`.
pub fn ffmpeg_api() -> App {
    App::new(ffmpeg::routes())
}

/// What serves `voice`.
pub fn voice() -> App {
    App::new(voice::routes())
}

/// What serves `solids`.
pub fn solids() -> App {
    App::new(solids::routes())
}

/// What serves `tones`.
pub fn tones() -> App {
    App::new(tones::routes())
}

/// What serves `text-concat`.
pub fn text_concat() -> App {
    App::new(texts::concat_routes())
}

/// What serves `post-processing`.
pub fn post_processing() -> App {
    App::new(pictures::effects())
}

/// What serves `workflowutils`.
pub fn workflowutils() -> App {
    App::new(pictures::older_routes().into_iter().chain(texts::older_routes()))
}
