//! What the flow-matching families share: schedule and walk, rotary positions, and the encoders that only they use.

mod blocks;
mod fitted;
pub(crate) mod given;
pub mod qwen3;
mod rotary;
pub mod schedule;
mod sets;
pub mod t5;
pub mod tokens;
mod walk;

pub(crate) use blocks::{
    Embedder, FeedForward, HeadNorms, Modulation, TIME, gated, heads, joined, patched, time_features,
};
pub(crate) use fitted::Fitted;
pub(crate) use rotary::{Pairing, Rotary};
pub use schedule::{Schedule, Spacing, step};
pub(crate) use sets::Sets;
pub use tokens::Tokens;
pub(crate) use walk::{between, walk};
