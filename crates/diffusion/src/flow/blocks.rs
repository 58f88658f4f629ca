//! The parts of which transformers for pictures are made.

use candle_core::{Result, Tensor};

use crate::{
    Compute, LoadError, Weights,
    layers::{Linear, RmsNorm, gelu_tanh, silu},
};

/// Values that stand for a time or a guidance.
pub(crate) const TIME: usize = 256;
const LONGEST_PERIOD: f32 = 10_000.0;

/// Cosines, then sines, of a number at rates that fall from 1 to nearly 1 / 10,000; (1, 256).
pub(crate) fn time_features(time: f64, compute: &Compute) -> Result<Tensor> {
    let half = TIME / 2;
    // In single precision from beginning to end, as the networks were trained: what is rounded away shows.
    let angle = |n: usize| time as f32 * (-LONGEST_PERIOD.ln() * n as f32 / half as f32).exp();
    let values: Vec<f32> = (0..half).map(|n| angle(n).cos()).chain((0..half).map(|n| angle(n).sin())).collect();
    Tensor::from_vec(values, (1, TIME), &compute.device)?.to_dtype(compute.dtype)
}

/// Two layers that make a vector of the network's width.
pub(crate) struct Embedder([Linear; 2]);

impl Embedder {
    pub fn load(weights: &Weights, inputs: usize, width: usize) -> std::result::Result<Self, LoadError> {
        Self::named(weights, ["linear_1", "linear_2"], [inputs, width, width])
    }

    pub fn named(weights: &Weights, names: [&str; 2], widths: [usize; 3]) -> std::result::Result<Self, LoadError> {
        let [inputs, middle, outputs] = widths;
        let first = Linear::load(&weights.at(names[0]), inputs, middle)?;
        Ok(Self([first, Linear::load(&weights.at(names[1]), middle, outputs)?]))
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.0;
        second.forward(&silu(&first.forward(x)?)?)
    }
}

/// Makes scales, shifts and gates out of the condition (batch, inputs).
pub(crate) struct Modulation {
    linear: Linear,
    parts: usize,
}

impl Modulation {
    pub fn load(weights: &Weights, inputs: usize, width: usize, parts: usize) -> std::result::Result<Self, LoadError> {
        Ok(Self { linear: Linear::load(weights, inputs, parts * width)?, parts })
    }

    /// As many as are asked for, each (batch, width).
    pub fn forward<const PARTS: usize>(&self, condition: &Tensor) -> Result<[Tensor; PARTS]> {
        let parts = self.parts(condition)?;
        parts.try_into().map_err(|_| candle_core::Error::Msg("a modulation has another number of parts".into()))
    }

    pub fn parts(&self, condition: &Tensor) -> Result<Vec<Tensor>> {
        self.linear.forward(condition)?.chunk(self.parts, 1)
    }
}

/// `x + y gate`, with `gate` (batch, width).
pub(crate) fn gated(x: &Tensor, y: &Tensor, gate: &Tensor) -> Result<Tensor> {
    x + y.broadcast_mul(&gate.unsqueeze(1)?)?
}

/// Widens four times, and back.
pub(crate) struct FeedForward([Linear; 2]);

impl FeedForward {
    pub fn load(weights: &Weights, width: usize) -> std::result::Result<Self, LoadError> {
        let up = Linear::load(&weights.at("net.0.proj"), width, 4 * width)?;
        Ok(Self([up, Linear::load(&weights.at("net.2"), 4 * width, width)?]))
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [up, down] = &self.0;
        down.forward(&gelu_tanh(&up.forward(x)?)?)
    }
}

/// Normalises queries and keys within each head.
pub(crate) struct HeadNorms {
    q: RmsNorm,
    k: RmsNorm,
}

impl HeadNorms {
    pub fn load(
        weights: &Weights,
        names: [&str; 2],
        width: usize,
        epsilon: f64,
    ) -> std::result::Result<Self, LoadError> {
        let norm = |name: &str| RmsNorm::load(&weights.at(name), width, epsilon);
        Ok(Self { q: norm(names[0])?, k: norm(names[1])? })
    }

    pub fn forward(&self, q: &Tensor, k: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((self.q.forward(q)?, self.k.forward(k)?))
    }
}

/// (batch, tokens, width) as (batch, tokens, heads, width of a head).
pub(crate) fn heads(x: &Tensor, head: usize) -> Result<Tensor> {
    let (batch, tokens, width) = x.dims3()?;
    x.reshape((batch, tokens, width / head, head))
}

/// Cuts latents (batch, channels, height, width) into squares of two by two: (batch, tokens, 4 channels). The order
/// within a token is channel, row, column, or row, column, channel.
pub(crate) fn patched(latents: &Tensor, channels_last: bool) -> Result<Tensor> {
    let (batch, channels, height, width) = latents.dims4()?;
    let squares = latents.reshape((batch, channels, height / 2, 2, width / 2, 2))?;
    let order = if channels_last { [0, 2, 4, 3, 5, 1] } else { [0, 2, 4, 1, 3, 5] };
    squares.permute(order)?.contiguous()?.reshape((batch, (height / 2) * (width / 2), 4 * channels))
}

/// The latents of `size` (height, width) that the squares make.
pub(crate) fn joined(tokens: &Tensor, size: (usize, usize), channels_last: bool) -> Result<Tensor> {
    let (batch, _, values) = tokens.dims3()?;
    let ((height, width), channels) = (size, values / 4);
    let squares = if channels_last {
        tokens.reshape((batch, height / 2, width / 2, 2, 2, channels))?.permute([0, 5, 1, 3, 2, 4])?
    } else {
        tokens.reshape((batch, height / 2, width / 2, channels, 2, 2))?.permute([0, 3, 1, 4, 2, 5])?
    };
    squares.contiguous()?.reshape((batch, channels, height, width))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn squares_join_to_what_was_cut() {
        let values: Vec<f32> = (0..2 * 3 * 4 * 6_u16).map(f32::from).collect();
        let latents = Tensor::from_vec(values, (2, 3, 4, 6), &Device::Cpu).unwrap();
        for channels_last in [false, true] {
            let tokens = patched(&latents, channels_last).unwrap();
            assert_eq!(tokens.dims(), [2, 6, 12]);
            let again = joined(&tokens, (4, 6), channels_last).unwrap();
            assert_eq!(
                again.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
                latents.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            );
        }
    }
}
