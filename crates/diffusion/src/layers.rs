//! The building blocks of networks: fused operations where they fit (single precision on a CPU), candle's elsewhere.
//!
//! `load` takes the weights at the layer's own place, checks shapes, and picks up what adapters add there.

mod attention;
mod conv;
mod linear;
mod norm;
mod pointwise;

use candle_core::{DType, Tensor};

pub use attention::attention;
pub use conv::Conv2d;
pub use linear::{Embedding, Linear};
pub use norm::{GroupNorm, LayerNorm, RmsNorm};
pub use pointwise::{geglu, gelu, gelu_tanh, quick_gelu, silu};

/// Whether the fused operations take this.
pub(crate) fn fused(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}
