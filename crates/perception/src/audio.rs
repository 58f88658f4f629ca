//! Sound as it comes in files: decoded, mixed to one channel, at the rate that a network wants.

mod decode;
mod resample;

pub use decode::{AudioError, FORMATS, Limits, Sound, decode};
pub use resample::resample;
