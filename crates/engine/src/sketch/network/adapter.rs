//! Low-rank additions to layers: what is trained while the layers themselves stand still.

use candle_core::{DType, Result, Tensor};
use tintype_kernels::{conv2d, linear};

/// What a layer gets on top of its own answer: `up(down(x))`, through a waist of `rank` channels.
#[derive(Clone)]
pub(in crate::sketch) struct Adapter {
    /// (rank, in), or (rank, in, k, k) beside a convolution.
    pub down: Tensor,
    /// (out, rank), or (out, rank, 1, 1).
    pub up: Tensor,
}

impl Adapter {
    pub fn linear(&self, x: &Tensor) -> Result<Tensor> {
        linear(&linear(x, &self.down, &zeros(&self.down)?)?, &self.up, &zeros(&self.up)?)
    }

    pub fn conv(&self, x: &Tensor) -> Result<Tensor> {
        conv2d(&conv2d(x, &self.down, &zeros(&self.down)?)?, &self.up, &zeros(&self.up)?)
    }

    /// The same as one addition to the layer's weight.
    pub fn product(&self) -> Result<Tensor> {
        let (down, up) = (self.down.flatten_from(1)?, self.up.flatten_from(1)?);
        let mut dims = self.down.dims().to_vec();
        dims[0] = up.dim(0)?;
        up.matmul(&down)?.reshape(dims)
    }
}

fn zeros(weight: &Tensor) -> Result<Tensor> {
    Tensor::zeros(weight.dim(0)?, DType::F32, weight.device())
}
