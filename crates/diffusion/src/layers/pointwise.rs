//! Activations.

use candle_core::{Result, Tensor};

/// With the error function.
pub use tintype_kernels::gelu_erf as gelu;

/// The approximation with the hyperbolic tangent.
pub use tintype_kernels::gelu as gelu_tanh;

pub use tintype_kernels::{geglu, silu};

/// The approximation `x * sigmoid(1.702 x)`.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    silu(&(x * 1.702)?)? / 1.702
}
