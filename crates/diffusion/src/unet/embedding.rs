//! What the network hears beside the latents and the prompt: the time, sizes and crops, the guidance.

use candle_core::{Result, Tensor};

use super::{Condition, UnetConfig};
use crate::{
    Compute, LoadError, Weights,
    layers::{Linear, silu},
};

#[derive(Clone)]
pub(super) struct Embeddings {
    compute: Compute,
    /// Width, whether cosines come first, and the shift of frequencies.
    waves: (usize, bool, f64),
    time: [Linear; 2],
    guidance: Option<(Linear, usize)>,
    added: Option<([Linear; 2], usize)>,
}

impl Embeddings {
    pub fn load(w: &Weights, config: &UnetConfig) -> std::result::Result<Self, LoadError> {
        let (first, width) = (config.block_out_channels[0], config.time_width());
        let two = |name: &str, inputs| -> std::result::Result<_, LoadError> {
            let w = w.at(name);
            Ok([Linear::load(&w.at("linear_1"), inputs, width)?, Linear::load(&w.at("linear_2"), width, width)?])
        };
        let guidance = config.time_cond_proj_dim.map(|inputs| {
            Ok::<_, LoadError>((Linear::load(&w.at("time_embedding.cond_proj"), inputs, first)?, inputs))
        });
        let added = match (&config.addition_embed_type, config.addition_time_embed_dim) {
            (Some(_), Some(each)) => {
                let inputs = config.projection_class_embeddings_input_dim.unwrap_or(6 * each + 1280);
                Some((two("add_embedding", inputs)?, each))
            }
            _ => None,
        };
        Ok(Self {
            compute: w.compute().clone(),
            waves: (first, config.flip_sin_to_cos, config.freq_shift),
            time: two("time_embedding", first)?,
            guidance: guidance.transpose()?,
            added,
        })
    }

    /// (batch, width), with the activation that every block would begin with.
    pub fn forward(&self, batch: usize, time: f64, condition: &Condition) -> Result<Tensor> {
        let (width, cosines, shift) = self.waves;
        let mut x = waves(&vec![time; batch], width, cosines, shift, &self.compute)?;
        if let (Some((linear, width)), Some(scale)) = (&self.guidance, condition.guidance) {
            let scales = vec![(scale - 1.0) * 1000.0; batch];
            x = (x + linear.forward(&waves(&scales, *width, false, 1.0, &self.compute)?)?)?;
        }
        let mut x = through(&self.time, &x)?;
        if let (Some((linears, each)), Some((pooled, sizes))) = (&self.added, &condition.added) {
            let sizes: Vec<f64> = sizes.iter().map(|&size| f64::from(size)).collect();
            let sizes = waves(&sizes, *each, cosines, shift, &self.compute)?.reshape((batch, ()))?;
            x = (x + through(linears, &Tensor::cat(&[pooled, &sizes], 1)?)?)?;
        }
        silu(&x)
    }
}

fn through([first, second]: &[Linear; 2], x: &Tensor) -> Result<Tensor> {
    second.forward(&silu(&first.forward(x)?)?)
}

/// Sines and cosines of each value at geometric frequencies, (values, width).
fn waves(values: &[f64], width: usize, cosines: bool, shift: f64, compute: &Compute) -> Result<Tensor> {
    let half = width / 2;
    let rate = |at: usize| (-(10_000_f64.ln()) * at as f64 / (half as f64 - shift)).exp() as f32;
    let rates: Vec<f32> = (0..half).map(rate).collect();
    let mut out = Vec::with_capacity(values.len() * width);
    for &value in values {
        let angles = rates.iter().map(|rate| value as f32 * rate);
        let (sines, others): (Vec<f32>, Vec<f32>) = angles.map(f32::sin_cos).unzip();
        let (first, second) = if cosines { (others, sines) } else { (sines, others) };
        out.extend(first.into_iter().chain(second).chain(std::iter::repeat_n(0.0, width % 2)));
    }
    Tensor::from_vec(out, (values.len(), width), &compute.device)?.to_dtype(compute.dtype)
}
