//! From what letters sound like to what this voice sounds like: flows of wave networks, followed backwards.

use candle_core::{Result, Tensor};

use super::config::Config;
use crate::{
    frames::{Conv, each},
    weights::{Loaded, Scope},
};

pub struct Flow(Vec<Coupling>);

impl Flow {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let coupling = |n| Coupling::load(&scope.at("flows").at(n), config);
        Ok(Self((0..config.prior_encoder_num_flows).rev().map(coupling).collect::<Loaded<_>>()?))
    }

    /// (frames, flow)
    pub fn back(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for coupling in &self.0 {
            x = coupling.back(&flipped(&x)?)?;
        }
        Ok(x)
    }
}

/// The channels in the opposite order.
fn flipped(x: &Tensor) -> Result<Tensor> {
    let order: Vec<u32> = (0..x.dim(1)? as u32).rev().collect();
    x.index_select(&Tensor::new(order, x.device())?, 1)
}

struct Coupling {
    enter: Conv,
    waves: Vec<(Conv, Conv)>,
    leave: Conv,
    half: usize,
    width: usize,
}

impl Coupling {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, half, count) = (config.hidden_size, config.flow_size / 2, config.prior_encoder_num_wavenet_layers);
        let waves = scope.at("wavenet");
        let wave = |n: usize| {
            let dilation = config.wavenet_dilation_rate.pow(n as u32);
            let shape = [2 * width, width, config.wavenet_kernel_size];
            let gate = Conv::load(&waves.at("in_layers").at(n), shape, dilation)?;
            let out = if n + 1 < count { 2 * width } else { width };
            Ok((gate, Conv::load(&waves.at("res_skip_layers").at(n), [out, width, 1], 1)?))
        };
        Ok(Self {
            enter: Conv::load(&scope.at("conv_pre"), [width, half, 1], 1)?,
            waves: (0..count).map(wave).collect::<Loaded<_>>()?,
            leave: Conv::load(&scope.at("conv_post"), [half, width, 1], 1)?,
            half,
            width,
        })
    }

    fn back(&self, x: &Tensor) -> Result<Tensor> {
        let first = x.narrow(1, 0, self.half)?.contiguous()?;
        let mut wave = self.enter.forward(&first)?;
        let mut kept: Option<Tensor> = None;
        for (n, (gate, out)) in self.waves.iter().enumerate() {
            let both = gate.forward(&wave)?;
            let sound = each(&both.narrow(1, 0, self.width)?.contiguous()?, f32::tanh)?;
            let open = each(&both.narrow(1, self.width, self.width)?.contiguous()?, |x| 1.0 / (1.0 + (-x).exp()))?;
            let mut own = out.forward(&(sound * open)?)?;
            if n + 1 < self.waves.len() {
                wave = (wave + own.narrow(1, 0, self.width)?.contiguous()?)?;
                own = own.narrow(1, self.width, self.width)?.contiguous()?;
            }
            kept = Some(kept.map_or(Ok(own.clone()), |kept| kept + &own)?);
        }
        let Some(kept) = kept else { candle_core::bail!("a wave network without layers") };
        let second = (x.narrow(1, self.half, self.half)? - self.leave.forward(&kept)?)?;
        Tensor::cat(&[&first, &second], 1)
    }
}
