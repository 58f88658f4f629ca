//! The app: what it is told to be (`Spec`), and the pure state machine that runs it.

mod spec;
mod why;

pub use spec::Spec;
pub use why::{Cause, Why};
