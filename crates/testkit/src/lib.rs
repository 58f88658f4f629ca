//! Whole-server fixtures for tests.
//!
//! [`TestApp`] is the server of the release, in this process, on a free port and a folder of its own. Its runners are
//! real: they are the program `tintype` of the same build, which must exist (`cargo build -p tintype-cli`).

mod app;
mod program;

pub use app::{Answer, KEY, TestApp};
