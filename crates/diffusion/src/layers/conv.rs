//! Two-dimensional convolutions.

use candle_core::{Result, Tensor};

use super::fused;
use crate::{LoadError, Weights, adapters::Adapter};

#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    padding: usize,
    adapters: Vec<Adapter>,
}

impl Conv2d {
    /// (out, in, kernel, kernel), with a bias if the weights have one.
    pub fn load(
        weights: &Weights,
        [inputs, outputs, kernel]: [usize; 3],
        stride: usize,
        padding: usize,
    ) -> std::result::Result<Self, LoadError> {
        let weight = weights.shaped("weight", &[outputs, inputs, kernel, kernel])?;
        let bias = if weights.has("bias") {
            weights.shaped("bias", &[outputs])?
        } else {
            Tensor::zeros(outputs, weight.dtype(), weight.device())?
        };
        let adapters = weights.adapters();
        for adapter in &adapters {
            let rank = adapter.down.dim(0)?;
            if adapter.down.dims() != [rank, inputs, kernel, kernel] || adapter.up.dims() != [outputs, rank, 1, 1] {
                return Err(LoadError::Adapter {
                    layer: weights.place().into(),
                    found: format!("{:?} and {:?}", adapter.down.dims(), adapter.up.dims()),
                    expected: format!("[rank, {inputs}, {kernel}, {kernel}] and [{outputs}, rank, 1, 1]"),
                });
            }
        }
        Ok(Self { weight, bias, stride, padding, adapters })
    }

    /// (batch, in, height, width).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut y = product(x, &self.weight, Some(&self.bias), self.stride, self.padding)?;
        for Adapter { down, up, scale } in &self.adapters {
            let low = (product(x, down, None, self.stride, self.padding)? * *scale)?;
            y = (y + product(&low, up, None, 1, 0)?)?;
        }
        Ok(y)
    }

    /// As `forward`, with `shift` (batch, out) added to every pixel.
    pub fn shifted(&self, x: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let batch = x.dim(0)?;
        if !fused(x) || !self.adapters.is_empty() {
            return self.forward(x)?.broadcast_add(&shift.unsqueeze(2)?.unsqueeze(3)?);
        }
        // It costs nothing as a part of the bias.
        let one = |n: usize| {
            let bias = (&self.bias + shift.get(n)?)?;
            product(&x.narrow(0, n, 1)?, &self.weight, Some(&bias), self.stride, self.padding)
        };
        if batch == 1 { one(0) } else { Tensor::cat(&(0..batch).map(one).collect::<Result<Vec<_>>>()?, 0) }
    }
}

fn product(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, stride: usize, padding: usize) -> Result<Tensor> {
    let (outputs, _, kernel, _) = w.dims4()?;
    if fused(x) && stride == 1 && kernel == 2 * padding + 1 {
        return match bias {
            Some(bias) => tintype_kernels::conv2d(x, w, bias),
            None => tintype_kernels::conv2d(x, w, &Tensor::zeros(outputs, x.dtype(), x.device())?),
        };
    }
    let y = x.conv2d(w, padding, stride, 1, 1)?;
    bias.map_or(Ok(y.clone()), |bias| y.broadcast_add(&bias.reshape((1, outputs, 1, 1))?))
}
