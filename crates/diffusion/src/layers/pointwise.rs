//! Activations.

use candle_core::{D, Result, Tensor};

use super::fused;

/// `x * sigmoid(x)`.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if fused(x) { tintype_kernels::silu(x) } else { x.silu() }
}

/// With the error function.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if fused(x) { tintype_kernels::gelu_erf(x) } else { x.gelu_erf() }
}

/// The approximation with the hyperbolic tangent.
pub fn gelu_tanh(x: &Tensor) -> Result<Tensor> {
    if fused(x) { tintype_kernels::gelu(x) } else { x.gelu() }
}

/// The approximation `x * sigmoid(1.702 x)`.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    silu(&(x * 1.702)?)? / 1.702
}

/// (.., 2 width) to (.., width): the first half, times the GELU of the second.
pub fn geglu(x: &Tensor) -> Result<Tensor> {
    if fused(x) {
        return tintype_kernels::geglu(x);
    }
    let width = x.dim(D::Minus1)? / 2;
    x.narrow(D::Minus1, 0, width)? * x.narrow(D::Minus1, width, width)?.contiguous()?.gelu_erf()?
}
