//! The app: what it is told to be (`Spec`), and the pure state machine that runs it.

mod spec;

pub use spec::Spec;
