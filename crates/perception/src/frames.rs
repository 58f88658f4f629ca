//! Convolutions over time. Sound lies as (frames, channels): what is under a kernel is then a few runs of memory.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use crate::{
    layers::Linear,
    weights::{LoadError, Loaded, Scope},
};

/// Frames whose surroundings are laid out at a time.
const TILE: usize = 2048;
/// Values in one thread's piece.
const PIECE: usize = 16 * 1024;

/// Keeps the length; the edges are padded with zeros, the longer pad on the right.
pub(crate) struct Conv {
    linear: Linear,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    dilation: usize,
}

impl Conv {
    pub fn load(scope: &Scope<'_>, [outputs, inputs, kernel]: [usize; 3], dilation: usize) -> Loaded<Self> {
        let weight = weight(scope, &[outputs, inputs, kernel])?;
        let weight = weight.permute((0, 2, 1))?.contiguous()?.reshape((outputs, kernel * inputs))?;
        let bias = if scope.has("bias") { Some(scope.tensor("bias", &[outputs])?) } else { None };
        Ok(Self { linear: Linear::new(&weight, bias)?, inputs, outputs, kernel, dilation })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.kernel == 1 {
            return self.linear.forward(x);
        }
        let values = x.flatten_all()?.to_vec1::<f32>()?;
        let (frames, width) = (x.dim(0)?, self.inputs);
        let pad = (self.kernel - 1) * self.dilation / 2;
        let mut out = Vec::with_capacity(frames * self.outputs);
        for first in (0..frames).step_by(TILE) {
            let count = TILE.min(frames - first);
            let mut rows = vec![0.0_f32; count * self.kernel * width];
            rows.par_chunks_mut(self.kernel * width).enumerate().for_each(|(n, row)| {
                for (tap, part) in row.chunks_exact_mut(width).enumerate() {
                    let frame = (first + n + tap * self.dilation).checked_sub(pad).filter(|frame| *frame < frames);
                    if let Some(frame) = frame {
                        part.copy_from_slice(&values[frame * width..][..width]);
                    }
                }
            });
            let rows = Tensor::from_vec(rows, (count, self.kernel * width), &Device::Cpu)?;
            out.extend(self.linear.forward(&rows)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Tensor::from_vec(out, (frames, self.outputs), &Device::Cpu)
    }
}

/// A transposed convolution: every frame becomes `stride` frames, and reaches over into its neighbours'.
pub(crate) struct Stretch {
    linear: Linear,
    bias: Vec<f32>,
    kernel: usize,
    stride: usize,
}

impl Stretch {
    pub fn load(scope: &Scope<'_>, [inputs, outputs, kernel]: [usize; 3], stride: usize) -> Loaded<Self> {
        if stride == 0 || kernel < stride || !(kernel - stride).is_multiple_of(2) {
            let (found, expected) = (format!("{kernel}"), "the stride, or more by an even number");
            return Err(LoadError::Unsupported { field: "upsample_kernel_sizes", found, expected });
        }
        let weight = weight(scope, &[inputs, outputs, kernel])?;
        let weight = weight.permute((2, 1, 0))?.contiguous()?.reshape((kernel * outputs, inputs))?;
        let bias = scope.tensor("bias", &[outputs])?.to_vec1()?;
        Ok(Self { linear: Linear::new(&weight, None)?, bias, kernel, stride })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (frames, width, pad) = (x.dim(0)?, self.bias.len(), (self.kernel - self.stride) / 2);
        let parts = self.linear.forward(x)?.flatten_all()?.to_vec1::<f32>()?;
        let mut out = vec![0.0; frames * self.stride * width];
        out.par_chunks_mut(width).enumerate().for_each(|(at, out)| {
            out.copy_from_slice(&self.bias);
            // Every (frame, tap) with frame * stride + tap = at + pad.
            let last = (at + pad) / self.stride;
            let first = (at + pad + 1).saturating_sub(self.kernel).div_ceil(self.stride);
            for frame in first..=last.min(frames - 1) {
                let tap = at + pad - frame * self.stride;
                let part = &parts[(frame * self.kernel + tap) * width..][..width];
                out.iter_mut().zip(part).for_each(|(out, part)| *out += part);
            }
        });
        Tensor::from_vec(out, (frames * self.stride, width), &Device::Cpu)
    }
}

/// Each channel for itself.
pub(crate) struct Depthwise {
    /// (kernel, channels)
    weight: Vec<f32>,
    bias: Vec<f32>,
    kernel: usize,
    dilation: usize,
}

impl Depthwise {
    pub fn load(scope: &Scope<'_>, channels: usize, kernel: usize, dilation: usize) -> Loaded<Self> {
        let weight = scope.tensor("weight", &[channels, 1, kernel])?.squeeze(1)?.t()?.contiguous()?;
        let bias = scope.tensor("bias", &[channels])?.to_vec1()?;
        Ok(Self { weight: weight.flatten_all()?.to_vec1()?, bias, kernel, dilation })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (frames, width) = x.dims2()?;
        let values = x.flatten_all()?.to_vec1::<f32>()?;
        let pad = (self.kernel - 1) * self.dilation / 2;
        let mut out = self.bias.repeat(frames);
        for (n, out) in out.chunks_exact_mut(width).enumerate() {
            for tap in 0..self.kernel {
                let frame = (n + tap * self.dilation).checked_sub(pad).filter(|frame| *frame < frames);
                let Some(frame) = frame else { continue };
                let weights = &self.weight[tap * width..][..width];
                let pairs = values[frame * width..][..width].iter().zip(weights);
                out.iter_mut().zip(pairs).for_each(|(out, (value, weight))| *out += value * weight);
            }
        }
        Tensor::from_vec(out, (frames, width), &Device::Cpu)
    }
}

/// A weight as it is, or as a direction and a length: training keeps them apart.
fn weight(scope: &Scope<'_>, shape: &[usize; 3]) -> Loaded<Tensor> {
    for (length, direction) in
        [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")]
    {
        if scope.has(direction) {
            let length = scope.tensor(length, &[shape[0], 1, 1])?;
            let direction = scope.tensor(direction, shape)?;
            let norm = direction.sqr()?.sum_keepdim((1, 2))?.sqrt()?;
            return Ok(direction.broadcast_mul(&length.broadcast_div(&norm)?)?);
        }
    }
    scope.tensor("weight", shape)
}

/// Every value for itself, on all threads.
pub(crate) fn each(x: &Tensor, change: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let mut values = x.flatten_all()?.to_vec1::<f32>()?;
    values.par_chunks_mut(PIECE).for_each(|piece| piece.iter_mut().for_each(|value| *value = change(*value)));
    Tensor::from_vec(values, x.shape(), &Device::Cpu)
}

pub(crate) fn leaky(x: &Tensor, slope: f32) -> Result<Tensor> {
    each(x, |value| if value < 0.0 { value * slope } else { value })
}
