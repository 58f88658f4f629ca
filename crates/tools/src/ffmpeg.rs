//! Sound and video, by FFmpeg.

use crate::Route;

/// The routes of `ffmpeg-api`.
pub fn routes() -> Vec<Route> {
    Vec::new()
}

/// What sound and video add to `workflow-utilities`.
pub fn workflow_routes() -> Vec<Route> {
    Vec::new()
}
