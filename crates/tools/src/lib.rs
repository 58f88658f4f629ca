//! Tools that need no weights: pictures, texts, sound and video.
//!
//! A tool is a route: a path, and the function that turns an input into a plan. An app is a list of routes, and
//! several parts of this crate may add to one app: `workflow-utilities` has pictures, texts, sound and video.

mod app;
pub mod ffmpeg;
mod texts;
pub mod voice;

pub use app::{App, Route};

/// What serves `workflow-utilities`.
pub fn workflow_utilities() -> App {
    App::new(texts::routes().into_iter().chain(ffmpeg::workflow_routes()))
}

/// What serves `ffmpeg-api`.
pub fn ffmpeg_api() -> App {
    App::new(ffmpeg::routes())
}

/// What serves `voice`.
pub fn voice() -> App {
    App::new(voice::routes())
}

/// What serves `text-concat`.
pub fn text_concat() -> App {
    App::new(texts::concat_routes())
}
