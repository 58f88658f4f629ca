//! Foreign programs that read what strangers sent, run within walls and limits.
//!
//! A run has a folder of its own ([`Place`]), which is the only one that its program sees; it has no network, and limits on
//! time, memory and what it writes. [`ffmpeg`] says what holds for every run of FFmpeg; [`sound`] is heard
//! through it, and [`video`] written.
//!
//! What the operator decided for this process ([`Settings`]) is set once, before anything is run.

pub mod ffmpeg;
mod place;
mod process;
mod settings;
pub mod sound;
pub mod video;
mod walls;

pub use place::{Place, sweep};
pub use process::{Caller, Ended, ProcessError, run};
pub use settings::{Sandboxing, Settings, UnknownSandboxing, set};
pub use walls::{Limits, NoWalls, command, find};

/// Why no program can be run for a caller. The words are for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    #[error("FFmpeg is not installed on the server. Its operator can install it: apt-get install ffmpeg")]
    Missing,
    #[error(transparent)]
    NoWalls(#[from] NoWalls),
}
