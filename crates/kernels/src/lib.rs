//! Fused CPU operations for candle, forward and backward.
//!
//! Each operation reads its input once and keeps what it makes on the way in cache. Work is split into tiles
//! of a fixed size over rayon's threads, so that the result does not depend on how many there are. No gradient is
//! made for what nobody trains, so a frozen layer costs its input's gradient alone. Everything is `f32`, contiguous unless an operation says otherwise, and on the CPU; there is no accelerator code here.

mod activation;
mod attention;
mod conv;
mod group_norm;
mod inference;
mod linear;
mod math;
mod matrix;
mod norm;
mod shuffle;
mod storage;

pub use activation::{gelu, gelu_exact, silu, softmax};
pub use attention::attention;
pub use conv::conv2d;
pub use group_norm::group_norm_silu;
pub use inference::{geglu, gelu_erf, group_norm};
pub use linear::linear;
pub use norm::{Norm, modulated_norm, norm};
pub use shuffle::{pixel_shuffle, pixel_unshuffle};
