//! Sound as it comes in files: decoded, mixed to one channel, at the rate that a network wants.

mod decode;
mod plain;
mod resample;

pub use decode::{AudioError, FORMATS, PLAIN, Sound, decode};
pub use tintype_programs::sound::Limits;
