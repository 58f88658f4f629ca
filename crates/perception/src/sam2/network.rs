//! The whole network: the picture is looked at once, then masks are asked for.

use candle_core::{Result, Tensor};
use tintype_kernels::Compute;

use super::{
    config::Config,
    decoder::{Decoder, Masks, Seen},
    hiera::Hiera,
    prompt::{Object, Places, Prompts},
};
use crate::{
    layers::{Conv, Linear, to_image},
    weights::{Loaded, Weights},
};

pub struct Network {
    hiera: Hiera,
    /// From the last stage to the first.
    laterals: Vec<Linear>,
    top_down: Vec<usize>,
    fine: Conv,
    middle: Conv,
    no_memory: Tensor,
    prompts: Prompts,
    decoder: Decoder,
    places: Tensor,
    compute: Compute,
}

impl Network {
    pub fn load(weights: &Weights, config: &Config) -> Loaded<Self> {
        let root = weights.root();
        let (vision, prompt, mask) = (&config.seeing, &config.asking, &config.answering);
        let (encoder, decoder) = (root.at("vision_encoder"), root.at("mask_decoder"));
        let width = vision.fpn_hidden_size;
        let mut laterals = Vec::new();
        for (n, channels) in vision.backbone_config.embed_dim_per_stage.iter().rev().enumerate() {
            let scope = encoder.at("neck.convs").at(n);
            let weight = scope.tensor("weight", &[width, *channels, 1, 1])?.reshape((width, *channels))?;
            laterals.push(Linear::new(&weight, Some(scope.tensor("bias", &[width])?))?);
        }
        let (grid, compute) = (prompt.side / prompt.patch, root.compute().clone());
        Ok(Self {
            hiera: Hiera::load(&encoder.at("backbone"), &vision.backbone_config)?,
            laterals,
            top_down: vision.fpn_top_down_levels.clone(),
            fine: Conv::load(&decoder.at("conv_s0"), &[mask.hidden_size / 8, mask.hidden_size, 1, 1])?,
            middle: Conv::load(&decoder.at("conv_s1"), &[mask.hidden_size / 4, mask.hidden_size, 1, 1])?,
            no_memory: root.tensor("no_memory_embedding", &[1, 1, width])?.squeeze(0)?,
            prompts: Prompts::load(&root.at("prompt_encoder"), prompt)?,
            decoder: Decoder::load(&decoder, mask)?,
            places: compute.take(&Places::load(&root.at("shared_image_embedding"), prompt.width)?.grid(grid)?)?,
            compute,
        })
    }

    /// What the stages of the picture's transformer end with.
    #[cfg(test)]
    pub fn hiera(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        self.hiera.forward(&self.compute.take(x)?)
    }

    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// `x` (1, 3, side, side)
    pub fn see(&self, x: &Tensor) -> Result<Seen> {
        let stages = self.hiera.forward(&self.compute.take(x)?)?;
        let [fine, middle, coarse] = self.pyramid(&stages)?;
        let side = coarse.dim(1)?;
        let rows = coarse.reshape((side * side, ()))?.broadcast_add(&self.no_memory)?;
        let image = |x: &Tensor| to_image(x, (x.dim(1)?, x.dim(2)?));
        let (middle, fine) = (self.middle.forward(&image(&middle)?)?, self.fine.forward(&image(&fine)?)?);
        Ok(Seen { coarse: rows, side, middle, fine })
    }

    /// The three finest levels, (1, height, width, channels), the finest first; some take from the level below them.
    fn pyramid(&self, stages: &[Tensor]) -> Result<[Tensor; 3]> {
        let mut levels: Vec<Tensor> = Vec::new();
        for (lateral, (level, stage)) in self.laterals.iter().zip(stages.iter().enumerate().rev()) {
            let own = lateral.forward(stage)?;
            levels.push(match levels.last() {
                Some(below) if self.top_down.contains(&level) => (own + doubled(below)?)?,
                _ => own,
            });
        }
        Ok([levels[3].clone(), levels[2].clone(), levels[1].clone()])
    }

    pub fn masks(&self, seen: &Seen, object: &Object) -> Result<Masks> {
        let tokens = self.compute.take(&self.prompts.tokens(object)?)?;
        self.decoder.forward(seen, &tokens, &self.places, self.prompts.no_mask())
    }
}

/// Every pixel becomes four.
fn doubled(x: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let x = x.reshape((batch, height, 1, width, 1, channels))?;
    x.broadcast_as((batch, height, 2, width, 2, channels))?.contiguous()?.reshape((
        batch,
        2 * height,
        2 * width,
        channels,
    ))
}
