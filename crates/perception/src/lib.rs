//! Models that hear, see and speak: speech to text.
//!
//! Each is a network of its own over the fused operations of `kernels`, read from weights as they were published, and
//! checked stage by stage against what `transformers` computes with the same tiny random weights (`reference/`).

mod audio;
mod columns;
mod layers;
mod problem;
mod weights;
mod whisper;

pub use weights::{LoadError, set};
pub use whisper::{Dialect, Whisper};
