//! Convolutions over time. Sound lies as (frames, channels): what is under a kernel is then a few runs of memory.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use tintype_kernels::{Kernel, conv1d};

use crate::weights::{LoadError, Loaded, Scope};

/// Values in one thread's piece.
const PIECE: usize = 16 * 1024;

/// Keeps the length; the edges are padded with zeros, the longer pad on the right.
pub(crate) struct Conv {
    /// (out, kernel * in), the transpose of a contiguous tensor.
    weight: Tensor,
    bias: Tensor,
    kernel: Kernel,
}

impl Conv {
    pub fn load(scope: &Scope<'_>, [outputs, inputs, size]: [usize; 3], dilation: usize) -> Loaded<Self> {
        let weight = weight(scope, &[outputs, inputs, size])?;
        let weight = weight.permute((2, 1, 0))?.contiguous()?.reshape((size * inputs, outputs))?.t()?;
        let bias = if scope.has("bias") {
            scope.tensor("bias", &[outputs])?
        } else {
            Tensor::zeros(outputs, weight.dtype(), weight.device())?
        };
        let reach = size.saturating_sub(1) * dilation;
        let pad = (reach / 2, reach - reach / 2);
        Ok(Self { weight, bias, kernel: Kernel { size, dilation, pad, slope: 1.0 } })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv1d(x, &self.weight, &self.bias, self.kernel, None)
    }

    /// Of `x` behind a leaky rectifier, with `add` added.
    pub fn rectified(&self, x: &Tensor, slope: f32, add: Option<&Tensor>) -> Result<Tensor> {
        conv1d(x, &self.weight, &self.bias, Kernel { slope, ..self.kernel }, add)
    }
}

/// A transposed convolution: every frame becomes `stride` frames, and reaches over into its neighbours'.
///
/// The `stride` frames that begin where a frame does are seen as one frame of as many times the channels: each is then
/// made of the frames that reach it as any convolution is.
pub(crate) struct Stretch {
    conv: Conv,
    outputs: usize,
    stride: usize,
    pad: usize,
}

impl Stretch {
    pub fn load(scope: &Scope<'_>, [inputs, outputs, size]: [usize; 3], stride: usize) -> Loaded<Self> {
        if stride == 0 || size < stride || !(size - stride).is_multiple_of(2) {
            let (found, expected) = (format!("{size}"), "the stride, or more by an even number");
            return Err(LoadError::Unsupported { field: "upsample_kernel_sizes", found, expected });
        }
        let taps = size.div_ceil(stride);
        let weight = weight(scope, &[inputs, outputs, size])?.pad_with_zeros(2, 0, taps * stride - size)?;
        // The frame that came first reaches over with the end of its kernel.
        let weight = weight.reshape((inputs, outputs, taps, stride))?.flip(&[2])?.permute((2, 0, 3, 1))?;
        let weight = weight.contiguous()?.reshape((taps * inputs, stride * outputs))?.t()?;
        let bias = scope.tensor("bias", &[outputs])?.repeat(stride)?;
        let kernel = Kernel { size: taps, dilation: 1, pad: (taps - 1, taps - 1), slope: 1.0 };
        Ok(Self { conv: Conv { weight, bias, kernel }, outputs, stride, pad: (size - stride) / 2 })
    }

    /// Of `x` behind a leaky rectifier.
    pub fn rectified(&self, x: &Tensor, slope: f32) -> Result<Tensor> {
        let frames = x.dim(0)? * self.stride;
        let wide = self.conv.rectified(x, slope, None)?.reshape(((), self.outputs))?;
        wide.narrow(0, self.pad, frames)
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
