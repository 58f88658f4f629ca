//! Sound as it comes in files: decoded, mixed to one channel, at the rate that a network wants.

mod decode;
mod plain;
mod resample;

pub use decode::{AudioError, FORMATS, Limits, PLAIN, Sound, decode};
