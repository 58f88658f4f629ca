//! Linear layers and tables of embeddings.

use candle_core::{Result, Tensor};

use super::fused;
use crate::{LoadError, Weights, adapters::Adapter};

#[derive(Clone, Debug)]
pub struct Linear {
    /// (out, in).
    weight: Tensor,
    /// Zeros where the layer has none and the fused operation wants one.
    bias: Option<Tensor>,
    adapters: Vec<Adapter>,
}

impl Linear {
    /// With a bias if the weights have one.
    pub fn load(weights: &Weights, inputs: usize, outputs: usize) -> std::result::Result<Self, LoadError> {
        let weight = weights.shaped("weight", &[outputs, inputs])?;
        let bias = if weights.has("bias") {
            Some(weights.shaped("bias", &[outputs])?)
        } else if fused(&weight) {
            Some(Tensor::zeros(outputs, weight.dtype(), weight.device())?)
        } else {
            None
        };
        let mut adapters = weights.adapters();
        for adapter in &mut adapters {
            flatten(adapter, weights.place(), inputs, outputs)?;
        }
        Ok(Self { weight, bias, adapters })
    }

    /// A convolution of squares of two by two that do not overlap, as a layer over squares whose values are in the
    /// order channel, row, column.
    pub fn squares(weights: &Weights, channels: usize, outputs: usize) -> std::result::Result<Self, LoadError> {
        let weight = weights.shaped("weight", &[outputs, channels, 2, 2])?.reshape((outputs, 4 * channels))?;
        Ok(Self { weight, bias: Some(weights.shaped("bias", &[outputs])?), adapters: Vec::new() })
    }

    /// (.., in) to (.., out).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut y = product(x, &self.weight, self.bias.as_ref())?;
        for Adapter { down, up, scale } in &self.adapters {
            let low = (product(x, down, None)? * *scale)?;
            y = (y + product(&low, up, None)?)?;
        }
        Ok(y)
    }
}

/// `x w^T + b`.
fn product(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if fused(x) {
        return match bias {
            Some(bias) => tintype_kernels::linear(x, weight, bias),
            None => tintype_kernels::linear(x, weight, &Tensor::zeros(weight.dim(0)?, x.dtype(), x.device())?),
        };
    }
    let mut dims = x.dims().to_vec();
    let inputs = dims.pop().unwrap_or(1);
    dims.push(weight.dim(0)?);
    let y = x.contiguous()?.reshape(((), inputs))?.matmul(&weight.t()?)?.reshape(dims)?;
    bias.map_or(Ok(y.clone()), |bias| y.broadcast_add(bias))
}

/// Some files hold the matrices of linear layers as convolutions of a single pixel.
fn flatten(adapter: &mut Adapter, place: &str, inputs: usize, outputs: usize) -> std::result::Result<(), LoadError> {
    for matrix in [&mut adapter.down, &mut adapter.up] {
        if let [rows, columns, 1, 1] = *matrix.dims() {
            *matrix = matrix.reshape((rows, columns))?;
        }
    }
    let rank = adapter.down.dim(0)?;
    if adapter.down.dims() != [rank, inputs] || adapter.up.dims() != [outputs, rank] {
        return Err(LoadError::Adapter {
            layer: place.into(),
            found: format!("{:?} and {:?}", adapter.down.dims(), adapter.up.dims()),
            expected: format!("[rank, {inputs}] and [{outputs}, rank]"),
        });
    }
    Ok(())
}

/// A table of vectors.
#[derive(Clone, Debug)]
pub struct Embedding(Tensor);

impl Embedding {
    pub fn load(weights: &Weights, count: usize, width: usize) -> std::result::Result<Self, LoadError> {
        Ok(Self(weights.shaped("weight", &[count, width])?))
    }

    /// `ids` (batch, tokens) to (batch, tokens, width).
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let mut dims = ids.dims().to_vec();
        dims.push(self.0.dim(1)?);
        self.0.index_select(&ids.flatten_all()?, 0)?.reshape(dims)
    }

    /// The whole table, (count, width).
    pub fn table(&self) -> &Tensor {
        &self.0
    }
}
