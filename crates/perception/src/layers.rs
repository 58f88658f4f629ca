//! The layers that the networks share.

use candle_core::{Device, Result, Tensor};
use tintype_kernels::{Norm as Kind, attention, fused, linear, modulated_norm};

use crate::{
    columns::{Grid, columns},
    weights::{LoadError, Loaded, Scope},
};

/// `x w^T + b`
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// A missing bias is zero.
    pub fn load(scope: &Scope<'_>, inputs: usize, outputs: usize) -> Loaded<Self> {
        let bias = if scope.has("bias") { Some(scope.tensor("bias", &[outputs])?) } else { None };
        Self::new(&scope.tensor("weight", &[outputs, inputs])?, bias)
    }

    /// `weight` is (out, in).
    pub fn new(weight: &Tensor, bias: Option<Tensor>) -> Loaded<Self> {
        let outputs = weight.dim(0)?;
        let bias = bias.map_or_else(|| Tensor::zeros(outputs, weight.dtype(), weight.device()), Ok)?;
        // The transpose of what is contiguous, which is how the product reads it best.
        Ok(Self { weight: weight.t()?.contiguous()?.t()?, bias })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, &self.bias)
    }
}

/// Layer normalisation over the last axis.
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f32,
}

impl LayerNorm {
    pub fn load(scope: &Scope<'_>, width: usize, epsilon: f32) -> Loaded<Self> {
        let part = |name: &str| scope.tensor(name, &[width])?.unsqueeze(0).map_err(LoadError::from);
        Ok(Self { weight: part("weight")?, bias: part("bias")?, epsilon })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        modulated_norm(x, &self.weight, &self.bias, Kind::Layer, self.epsilon)
    }
}

/// A convolution of any kernel, stride and padding, from (channels, height, width) to pixels by channels.
pub struct Patches {
    linear: Linear,
    grid: Grid,
    /// The weight with the axes of its kernel, where no operation is fused.
    plain: Option<Tensor>,
}

impl Patches {
    /// `weight` is (out, in, kernel height, kernel width), or without the height for sound.
    pub fn load(scope: &Scope<'_>, shape: &[usize], stride: usize, pad: usize) -> Loaded<Self> {
        let weight = scope.tensor("weight", shape)?;
        let bias = if scope.has("bias") { Some(scope.tensor("bias", &shape[..1])?) } else { None };
        let flat = shape.len() == 3;
        let kernel = (if flat { 1 } else { shape[2] }, shape[shape.len() - 1]);
        let grid =
            Grid { kernel, stride: (if flat { 1 } else { stride }, stride), pad: (if flat { 0 } else { pad }, pad) };
        let linear = Linear::new(&weight.reshape((shape[0], ()))?, bias)?;
        Ok(Self { linear, grid, plain: (!fused(&weight)).then_some(weight) })
    }

    /// `x` (channels, height, width) to (pixels, out), with the height and width of the result.
    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, (usize, usize))> {
        if let Some(weight) = &self.plain {
            return self.forward_plain(x, weight);
        }
        let (channels, height, width) = x.dims3()?;
        let values = x.flatten_all()?.to_vec1::<f32>()?;
        let (columns, size) = columns(&values, channels, (height, width), self.grid);
        let rows = Tensor::from_vec(columns, (size.0 * size.1, ()), &Device::Cpu)?;
        Ok((self.linear.forward(&rows)?, size))
    }

    fn forward_plain(&self, x: &Tensor, weight: &Tensor) -> Result<(Tensor, (usize, usize))> {
        let Grid { stride, pad, .. } = self.grid;
        let y = if weight.rank() == 3 {
            x.squeeze(1)?.unsqueeze(0)?.contiguous()?.conv1d(weight, pad.1, stride.1, 1, 1)?.unsqueeze(2)?
        } else {
            x.unsqueeze(0)?.contiguous()?.conv2d(weight, pad.1, stride.1, 1, 1)?
        };
        let (_, _, height, width) = y.dims4()?;
        Ok((to_rows(&y)?.broadcast_add(&self.linear.bias)?, (height, width)))
    }
}

/// Splits the last axis of (batch, tokens, width) into heads.
pub fn heads(x: &Tensor, count: usize) -> Result<Tensor> {
    let (batch, tokens, width) = x.dims3()?;
    x.reshape((batch, tokens, count, width / count))
}

/// Attention with query, key and value of (batch, tokens, width).
pub fn attend(q: &Tensor, k: &Tensor, v: &Tensor, count: usize) -> Result<Tensor> {
    attention(&heads(q, count)?, &heads(k, count)?, &heads(v, count)?, None)
}

/// (1, pixels, channels) to (1, channels, height, width).
pub fn to_image(x: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
    let channels = x.dim(candle_core::D::Minus1)?;
    x.reshape((height * width, channels))?.t()?.contiguous()?.reshape((1, channels, height, width))
}

/// (1, channels, height, width) to (pixels, channels).
pub fn to_rows(x: &Tensor) -> Result<Tensor> {
    let (_, channels, height, width) = x.dims4()?;
    x.reshape((channels, height * width))?.t()?.contiguous()
}

/// A convolution that keeps the size: an odd kernel, stride 1, the edges padded with zeros.
pub struct Conv {
    weight: Tensor,
    bias: Tensor,
}

impl Conv {
    /// A missing bias is zero.
    pub fn load(scope: &Scope<'_>, shape: &[usize]) -> Loaded<Self> {
        let weight = scope.tensor("weight", shape)?;
        let bias = if scope.has("bias") {
            scope.tensor("bias", &shape[..1])?
        } else {
            Tensor::zeros(shape[0], weight.dtype(), weight.device())?
        };
        Ok(Self { weight, bias })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        tintype_kernels::conv2d(x, &self.weight, &self.bias)
    }
}

/// A transposed convolution whose kernel is as wide as its stride: every pixel becomes a square of its own.
pub struct Unpatch {
    linear: Linear,
    factor: usize,
}

impl Unpatch {
    pub fn load(scope: &Scope<'_>, inputs: usize, outputs: usize, factor: usize) -> Loaded<Self> {
        let weight = scope.tensor("weight", &[inputs, outputs, factor, factor])?.reshape((inputs, ()))?;
        let bias = scope.tensor("bias", &[outputs])?.unsqueeze(1)?.repeat((1, factor * factor))?.flatten_all()?;
        Ok(Self { linear: Linear::new(&weight.t()?, Some(bias))?, factor })
    }

    /// (pixels, in) to (1, out, height * factor, width * factor).
    pub fn forward(&self, x: &Tensor, size: (usize, usize)) -> Result<Tensor> {
        tintype_kernels::pixel_shuffle(&to_image(&self.linear.forward(x)?, size)?, self.factor)
    }
}
