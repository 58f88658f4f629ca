//! The building blocks of networks, of operations that are fused where that fits.
//!
//! `load` takes the weights at the layer's own place, checks shapes, and picks up what adapters add there.

mod attention;
mod conv;
mod linear;
mod norm;
mod pointwise;

pub use attention::attention;
pub use conv::Conv2d;
pub use linear::{Embedding, Linear};
pub use norm::{GroupNorm, LayerNorm, RmsNorm};
pub use pointwise::{geglu, gelu, gelu_tanh, quick_gelu, silu};
pub(crate) use tintype_kernels::fused;
