//! The runner contract over real sockets.

mod harness;
mod noop;
mod platform;
mod process;
mod sketch;
