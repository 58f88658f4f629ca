//! Text to speech.

use crate::Route;

/// The routes of `voice`.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
