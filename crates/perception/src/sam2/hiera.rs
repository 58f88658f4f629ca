//! Hiera: a transformer over a picture's patches, in windows, which halves their grid between its stages.

use candle_core::{Result, Tensor};
use tintype_kernels::{attention, gelu_exact};

use super::config::Hiera as Config;
use crate::{
    interpolate::{Kind, interpolate},
    layers::{LayerNorm, Linear, Patches},
    weights::{Loaded, Scope},
};

pub struct Hiera {
    patches: Patches,
    positions: Tensor,
    window: Tensor,
    blocks: Vec<Block>,
    ends: Vec<usize>,
}

impl Hiera {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, [high, wide]) = (config.hidden_size, config.window_positional_embedding_background_size);
        let side = config.window_size_per_stage[0];
        let (mut blocks, mut ends) = (Vec::new(), Vec::new());
        for stage in 0..config.blocks_per_stage.len() {
            for first in (0..config.blocks_per_stage[stage]).map(|n| n == 0 && stage > 0) {
                blocks.push(Block::load(&scope.at("blocks").at(blocks.len()), config, stage, first, blocks.len())?);
            }
            ends.push(blocks.len());
        }
        Ok(Self {
            patches: Patches::load(&scope.at("patch_embed.projection"), &[width, 3, 7, 7], 4, 3)?,
            positions: scope.tensor("pos_embed", &[1, width, high, wide])?,
            window: scope.tensor("pos_embed_window", &[1, width, side, side])?,
            blocks,
            ends,
        })
    }

    /// Of `x` (1, 3, height, width): what each stage ends with, as (1, height, width, channels).
    pub fn forward(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        let (rows, (height, width)) = self.patches.forward(&x.squeeze(0)?)?;
        let channels = rows.dim(1)?;
        let mut x = (rows.reshape((1, height, width, channels))? + self.positions(height, width)?)?;
        let mut found = Vec::with_capacity(self.ends.len());
        for (n, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x)?;
            if self.ends.contains(&(n + 1)) {
                found.push(x.clone());
            }
        }
        Ok(found)
    }

    /// One table is scaled over the picture, the other repeated in every window.
    fn positions(&self, height: usize, width: usize) -> Result<Tensor> {
        let over = interpolate(&self.positions, (height, width), Kind::Bicubic)?;
        let side = self.window.dim(2)?;
        let tiled = self.window.repeat((1, 1, height.div_ceil(side), width.div_ceil(side)))?;
        let tiled = tiled.narrow(2, 0, height)?.narrow(3, 0, width)?;
        (over + tiled)?.permute((0, 2, 3, 1))?.contiguous()
    }
}

struct Block {
    norms: [LayerNorm; 2],
    qkv: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
    /// Where the width changes.
    project: Option<Linear>,
    heads: usize,
    /// 0: over the whole picture.
    window: usize,
    halves: bool,
}

impl Block {
    fn load(scope: &Scope<'_>, config: &Config, stage: usize, first: bool, number: usize) -> Loaded<Self> {
        let to = config.embed_dim_per_stage[stage];
        let before = if first { stage - 1 } else { stage };
        let from = config.embed_dim_per_stage[before];
        let hidden = (to as f32 * config.mlp_ratio) as usize;
        let is_global = config.global_attention_blocks.contains(&number);
        let norm = |name: &str, width| LayerNorm::load(&scope.at(name), width, config.layer_norm_eps);
        let project = (from != to).then(|| Linear::load(&scope.at("proj"), from, to)).transpose()?;
        Ok(Self {
            norms: [norm("layer_norm1", from)?, norm("layer_norm2", to)?],
            qkv: Linear::load(&scope.at("attn.qkv"), from, 3 * to)?,
            out: Linear::load(&scope.at("attn.proj"), to, to)?,
            up: Linear::load(&scope.at("mlp.proj_in"), to, hidden)?,
            down: Linear::load(&scope.at("mlp.proj_out"), hidden, to)?,
            project,
            heads: config.num_attention_heads_per_stage[stage],
            window: if is_global { 0 } else { config.window_size_per_stage[before] },
            halves: first && stage <= config.num_query_pool_stages,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, height, width, _) = x.dims4()?;
        let own = self.norms[0].forward(x)?;
        let kept = match &self.project {
            None => x.clone(),
            Some(project) if self.halves => halved(&project.forward(&own)?)?,
            Some(project) => project.forward(&own)?,
        };
        let seen = if self.window == 0 {
            self.attend(&own)?
        } else {
            let (parts, count) = split(&own, self.window)?;
            let window = if self.halves { self.window / 2 } else { self.window };
            let size = if self.halves { (height / 2, width / 2) } else { (height, width) };
            join(&self.attend(&parts)?, window, count, size)?
        };
        let x = (kept + seen)?;
        let own = self.up.forward(&self.norms[1].forward(&x)?)?;
        &x + self.down.forward(&gelu_exact(&own)?)?
    }

    /// `x` (windows, height, width, channels): each window looks at itself alone.
    fn attend(&self, x: &Tensor) -> Result<Tensor> {
        let (windows, height, width, _) = x.dims4()?;
        let qkv = self.qkv.forward(x)?;
        let channels = qkv.dim(3)? / 3;
        let part = |n: usize| qkv.narrow(3, n * channels, channels);
        let by_head = |x: &Tensor| x.contiguous()?.reshape((windows, (), self.heads, channels / self.heads));
        let (mut query, mut size) = (part(0)?, (height, width));
        if self.halves {
            query = halved(&query)?;
            size = (height / 2, width / 2);
        }
        let seen = attention(&by_head(&query)?, &by_head(&part(1)?)?, &by_head(&part(2)?)?, None)?;
        self.out.forward(&seen)?.reshape((windows, size.0, size.1, channels))
    }
}

/// The greatest of each square of four.
fn halved(x: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let x = x.narrow(1, 0, height / 2 * 2)?.narrow(2, 0, width / 2 * 2)?.contiguous()?;
    x.reshape((batch, height / 2, 2, width / 2, 2, channels))?.max(4)?.max(2)
}

/// (1, height, width, channels) to (windows, side, side, channels), with the number of windows down and across; zeros fill
/// up the last ones.
fn split(x: &Tensor, side: usize) -> Result<(Tensor, (usize, usize))> {
    let (_, height, width, channels) = x.dims4()?;
    let (down, across) = (height.div_ceil(side), width.div_ceil(side));
    let x = x.pad_with_zeros(1, 0, down * side - height)?.pad_with_zeros(2, 0, across * side - width)?;
    let x = x.reshape((down, side, across, side, channels))?.permute((0, 2, 1, 3, 4))?.contiguous()?;
    Ok((x.reshape((down * across, side, side, channels))?, (down, across)))
}

/// The inverse of `split`, where the windows are now of another side.
fn join(x: &Tensor, side: usize, (down, across): (usize, usize), whole: (usize, usize)) -> Result<Tensor> {
    let channels = x.dim(3)?;
    let x = x.reshape((down, across, side, side, channels))?.permute((0, 2, 1, 3, 4))?.contiguous()?;
    x.reshape((1, down * side, across * side, channels))?.narrow(1, 0, whole.0)?.narrow(2, 0, whole.1)?.contiguous()
}
