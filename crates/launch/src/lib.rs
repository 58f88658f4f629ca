//! Starts, watches and stops runners.
//!
//! [`Launcher`] is the seam: dispatch asks for a runner and hears what becomes of it as a sequence of
//! [`Occurrence`]s that always ends with [`Occurrence::Exited`]. [`LocalLauncher`] runs child processes on
//! this machine; [`fake::FakeLauncher`] does what a test tells it. Nothing here knows of requests or queues.

pub mod fake;
mod local;
mod seam;

pub use local::{LocalLauncher, Pace};
pub use seam::{Address, Command, Control, ExitReason, Launcher, Occurrence, Start, StartError, Started, Stop};
