//! FLUX.1: dev, which takes its guidance as a number, and schnell, which needs four steps.

mod blocks;
mod names;
pub mod transformer;

pub use names::rename;
pub use transformer::Transformer;
