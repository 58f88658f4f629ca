//! How long each letter is held: noise, bent by flows that know the letters.

use candle_core::{Device, Result, Tensor};
use tintype_kernels::gelu_exact;

use super::{config::Config, spline};
use crate::{
    frames::{Conv, Depthwise},
    layers::LayerNorm,
    weights::{Loaded, Scope},
};

const EPSILON: f32 = 1e-5;

pub struct Durations {
    enter: Conv,
    layers: Separable,
    leave: Conv,
    flows: Vec<Flow>,
    /// Of two channels each.
    translate: Vec<f32>,
    log_scale: Vec<f32>,
}

impl Durations {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let width = config.hidden_size;
        let flows = scope.at("flows");
        let affine = |name: &str| flows.at(0).tensor(name, &[2, 1])?.flatten_all()?.to_vec1().map_err(Into::into);
        let (translate, log_scale): (Loaded<Vec<f32>>, Loaded<Vec<f32>>) = (affine("translate"), affine("log_scale"));
        // Backwards; the first of them is never used on the way back.
        let count = config.duration_predictor_num_flows;
        let flow = |n: usize| Flow::load(&flows.at(n), config);
        Ok(Self {
            enter: Conv::load(&scope.at("conv_pre"), [width, width, 1], 1)?,
            layers: Separable::load(&scope.at("conv_dds"), config)?,
            leave: Conv::load(&scope.at("conv_proj"), [width, width, 1], 1)?,
            flows: (2..=count).rev().map(flow).collect::<Loaded<_>>()?,
            translate: translate?,
            log_scale: log_scale?,
        })
    }

    /// The logarithm of each letter's frames. `noise` is of two channels, one behind the other.
    pub fn forward(&self, letters: &Tensor, noise: &[f32]) -> Result<Vec<f32>> {
        let known = self.leave.forward(&self.layers.forward(&self.enter.forward(letters)?)?)?;
        let (first, second) = noise.split_at(noise.len() / 2);
        let (mut first, mut second) = (first.to_vec(), second.to_vec());
        for flow in &self.flows {
            std::mem::swap(&mut first, &mut second);
            flow.back(&first, &mut second, &known)?;
        }
        // The last flow moves and scales; of its two channels the first is the answer.
        let back = |value: &f32| (value - self.translate[0]) * (-self.log_scale[0]).exp();
        Ok(second.iter().map(back).collect())
    }
}

struct Separable {
    layers: Vec<(Depthwise, LayerNorm, Conv, LayerNorm)>,
}

impl Separable {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, kernel) = (config.hidden_size, config.duration_predictor_kernel_size);
        let layer = |n: usize| {
            let norm = |name: &str| LayerNorm::load(&scope.at(name).at(n), width, EPSILON);
            let wide = Depthwise::load(&scope.at("convs_dilated").at(n), width, kernel, kernel.pow(n as u32))?;
            let point = Conv::load(&scope.at("convs_pointwise").at(n), [width, width, 1], 1)?;
            Ok((wide, norm("norms_1")?, point, norm("norms_2")?))
        };
        Ok(Self { layers: (0..config.depth_separable_num_layers).map(layer).collect::<Loaded<_>>()? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (wide, first, point, second) in &self.layers {
            let own = gelu_exact(&first.forward(&wide.forward(&x)?)?)?;
            x = (x + gelu_exact(&second.forward(&point.forward(&own)?)?)?)?;
        }
        Ok(x)
    }
}

struct Flow {
    enter: Conv,
    layers: Separable,
    leave: Conv,
    bins: usize,
    bound: f32,
    width: usize,
}

impl Flow {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, bins) = (config.hidden_size, config.duration_predictor_flow_bins);
        Ok(Self {
            enter: Conv::load(&scope.at("conv_pre"), [width, 1, 1], 1)?,
            layers: Separable::load(&scope.at("conv_dds"), config)?,
            leave: Conv::load(&scope.at("conv_proj"), [3 * bins - 1, width, 1], 1)?,
            bins,
            bound: config.duration_predictor_tail_bound,
            width,
        })
    }

    /// Bends the second channel back, as the first and the letters say.
    fn back(&self, first: &[f32], second: &mut [f32], known: &Tensor) -> Result<()> {
        let x = Tensor::from_slice(first, (first.len(), 1), &Device::Cpu)?;
        let x = self.leave.forward(&self.layers.forward(&(self.enter.forward(&x)? + known)?)?)?;
        let scale = 1.0 / (self.width as f32).sqrt();
        for (value, row) in second.iter_mut().zip(x.to_vec2::<f32>()?) {
            let (shape, slopes) = row.split_at(2 * self.bins);
            let shape: Vec<f32> = shape.iter().map(|value| value * scale).collect();
            let (widths, heights) = shape.split_at(self.bins);
            *value = spline::back(*value, widths, heights, slopes, self.bound);
        }
        Ok(())
    }
}
