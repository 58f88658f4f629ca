//! The operations of networks: fused on the CPU, forward and backward, and candle's own elsewhere.
//!
//! Each operation reads its input once and keeps what it makes on the way in cache. Work is split into tiles
//! of a fixed size over rayon's threads, so that the result does not depend on how many there are. No gradient is
//! made for what nobody trains, so a frozen layer costs its input's gradient alone. This
//! is for `f32` on the CPU, contiguous unless an operation says otherwise. Tensors on accelerators (features `cuda` and
//! `metal`), and those of other precisions, go through `plain` instead: each operation is the same call there, and
//! [`Compute`] says which device and precision a network gets. There is no accelerator code of our own.

mod activation;
mod attention;
mod compute;
mod conv;
mod conv1d;
mod group_norm;
mod inference;
mod linear;
mod machine;
mod math;
mod matrix;
mod norm;
mod plain;
mod shuffle;
mod storage;

pub use activation::{gelu, gelu_exact, silu, softmax};
pub use attention::{attention, masked_attention};
pub use compute::{Care, Compute, DeviceChoice, NoDevice, UnknownDevice};
pub use conv::conv2d;
pub use conv1d::{Kernel, conv1d};
pub use group_norm::{group_norm, group_norm_silu};
pub use inference::{geglu, gelu_erf};
pub use linear::linear;
pub use machine::Machine;
pub use norm::{Norm, modulated_norm, norm};
pub use plain::fused;
pub use shuffle::{pixel_shuffle, pixel_unshuffle};
