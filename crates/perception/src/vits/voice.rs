//! From frames to samples: HiFi-GAN.

use candle_core::{Result, Tensor};

use super::config::Config;
use crate::{
    frames::{Conv, Stretch, each},
    weights::{Loaded, Scope},
};

/// Of the last rectifier, whatever the others have.
const LAST_SLOPE: f32 = 0.01;

pub struct Voice {
    enter: Conv,
    stages: Vec<(Stretch, Vec<Residual>)>,
    leave: Conv,
    slope: f32,
}

impl Voice {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let first = config.upsample_initial_channel;
        let mut stages = Vec::new();
        let (mut width, mut block) = (first, 0);
        for (n, (rate, kernel)) in config.upsample_rates.iter().zip(&config.upsample_kernel_sizes).enumerate() {
            let stretch = Stretch::load(&scope.at("upsampler").at(n), [width, width / 2, *kernel], *rate)?;
            width /= 2;
            let mut residuals = Vec::new();
            for (kernel, dilations) in config.resblock_kernel_sizes.iter().zip(&config.resblock_dilation_sizes) {
                let scope = scope.at("resblocks").at(block);
                residuals.push(Residual::load(&scope, width, *kernel, dilations, config.leaky_relu_slope)?);
                block += 1;
            }
            stages.push((stretch, residuals));
        }
        Ok(Self {
            enter: Conv::load(&scope.at("conv_pre"), [first, config.flow_size, 7], 1)?,
            stages,
            leave: Conv::load(&scope.at("conv_post"), [1, width, 7], 1)?,
            slope: config.leaky_relu_slope,
        })
    }

    /// `wanted` is asked between the stages, and ends the work with its error.
    pub fn forward<E: From<candle_core::Error>>(
        &self,
        frames: &Tensor,
        mut wanted: impl FnMut() -> std::result::Result<(), E>,
    ) -> std::result::Result<Vec<f32>, E> {
        let mut x = self.enter.forward(frames)?;
        for (stretch, residuals) in &self.stages {
            x = stretch.rectified(&x, self.slope)?;
            let mut sum: Option<Tensor> = None;
            for residual in residuals {
                wanted()?;
                let own = residual.forward(&x)?;
                sum = Some(sum.map_or(Ok(own.clone()), |sum| sum + &own)?);
            }
            let scale = 1.0 / residuals.len() as f64;
            x = (sum.unwrap_or(x) * scale)?;
        }
        let samples = self.leave.rectified(&x, LAST_SLOPE, None)?;
        Ok(each(&samples, f32::tanh)?.flatten_all()?.to_vec1()?)
    }
}

struct Residual {
    layers: Vec<(Conv, Conv)>,
    slope: f32,
}

impl Residual {
    fn load(root: &Scope<'_>, width: usize, kernel: usize, dilations: &[usize], slope: f32) -> Loaded<Self> {
        let layer = |(n, dilation): (usize, &usize)| {
            let shape = [width, width, kernel];
            Ok((
                Conv::load(&root.at("convs1").at(n), shape, *dilation)?,
                Conv::load(&root.at("convs2").at(n), shape, 1)?,
            ))
        };
        Ok(Self { layers: dilations.iter().enumerate().map(layer).collect::<Loaded<_>>()?, slope })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (wide, near) in &self.layers {
            let own = wide.rectified(&x, self.slope, None)?;
            x = near.rectified(&own, self.slope, Some(&x))?;
        }
        Ok(x)
    }
}
