//! Stable Diffusion 3 and 3.5.

mod block;
pub mod transformer;

pub use transformer::Transformer;
