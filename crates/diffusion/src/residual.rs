//! The residual block and the changes of size that U-Nets and autoencoders share.

use candle_core::{Result, Tensor};

use crate::{
    LoadError, Weights,
    layers::{Conv2d, GroupNorm, Linear},
};

/// Two 3x3 convolutions; what the time says is added between them.
#[derive(Clone)]
pub struct Residual {
    norms: [GroupNorm; 2],
    convs: [Conv2d; 2],
    time: Option<Linear>,
    shortcut: Option<Conv2d>,
}

impl Residual {
    /// `time`: the width of what the time says, where the block hears of it.
    pub fn load(
        w: &Weights,
        [inputs, outputs]: [usize; 2],
        time: Option<usize>,
        (groups, epsilon): (usize, f64),
    ) -> std::result::Result<Self, LoadError> {
        let conv = |name: &str, from, kernel: usize| Conv2d::load(&w.at(name), [from, outputs, kernel], 1, kernel / 2);
        let norm = |name: &str, channels| GroupNorm::load(&w.at(name), groups, channels, epsilon);
        Ok(Self {
            norms: [norm("norm1", inputs)?, norm("norm2", outputs)?],
            convs: [conv("conv1", inputs, 3)?, conv("conv2", outputs, 3)?],
            time: time.map(|width| Linear::load(&w.at("time_emb_proj"), width, outputs)).transpose()?,
            shortcut: (inputs != outputs).then(|| conv("conv_shortcut", inputs, 1)).transpose()?,
        })
    }

    /// `time` (batch, width) comes after its activation.
    pub fn forward(&self, x: &Tensor, time: Option<&Tensor>) -> Result<Tensor> {
        let hidden = self.norms[0].silu(x)?;
        let hidden = match (&self.time, time) {
            (Some(linear), Some(time)) => self.convs[0].shifted(&hidden, &linear.forward(time)?)?,
            _ => self.convs[0].forward(&hidden)?,
        };
        let hidden = self.convs[1].forward(&self.norms[1].silu(&hidden)?)?;
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x)? + hidden,
            None => x + hidden,
        }
    }
}

/// Half the size. Autoencoders pad at the right and the bottom alone.
#[derive(Clone)]
pub struct Downsample {
    conv: Conv2d,
    lopsided: bool,
}

impl Downsample {
    pub fn load(w: &Weights, channels: usize, lopsided: bool) -> std::result::Result<Self, LoadError> {
        let padding = usize::from(!lopsided);
        Ok(Self { conv: Conv2d::load(&w.at("conv"), [channels, channels, 3], 2, padding)?, lopsided })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.lopsided {
            return self.conv.forward(&x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?);
        }
        self.conv.forward(x)
    }
}

/// Twice the size, or another that is asked for.
#[derive(Clone)]
pub struct Upsample(Conv2d);

impl Upsample {
    pub fn load(w: &Weights, channels: usize) -> std::result::Result<Self, LoadError> {
        Ok(Self(Conv2d::load(&w.at("conv"), [channels, channels, 3], 1, 1)?))
    }

    pub fn forward(&self, x: &Tensor, size: Option<(usize, usize)>) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let (height, width) = size.unwrap_or((height * 2, width * 2));
        self.0.forward(&x.upsample_nearest2d(height, width)?)
    }
}
