//! What the flow-matching families share: the schedule, rotary positions, and the encoders that only they use.

mod blocks;
pub mod qwen3;
mod rotary;
pub mod schedule;
pub mod t5;

pub(crate) use blocks::{Embedder, FeedForward, HeadNorms, Modulation, TIME, gated, heads, joined, patched, time_features};
pub(crate) use rotary::{Pairing, Rotary};
pub use schedule::{Schedule, Spacing, step};
