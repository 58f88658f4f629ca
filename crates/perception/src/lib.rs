//! Models that hear, see and speak: speech to text, depth, segmentation, text to speech.
//!
//! Each is a network of its own over the fused operations of `kernels`, read from weights as they were published, and
//! checked stage by stage against what `transformers` computes with the same tiny random weights (`reference/`).

mod audio;
mod columns;
mod depth;
mod frames;
mod interpolate;
mod layers;
pub mod measure;
#[cfg(test)]
mod parity;
mod pixels;
mod problem;
mod sam2;
mod vits;
mod weights;
mod whisper;

pub use depth::Depth;
pub use sam2::Sam2;
pub use tintype_kernels::Machine;
pub use vits::Vits;
pub use weights::{LoadError, set};
pub use whisper::{Dialect, Whisper};
