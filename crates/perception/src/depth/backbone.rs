//! DINOv2: a transformer over patches of a picture.

use candle_core::{Result, Tensor};
use tintype_kernels::gelu_exact;

use super::config::Backbone as Config;
use crate::{
    interpolate::{Kind, interpolate},
    layers::{LayerNorm, Linear, Patches, attend},
    weights::{Loaded, Scope},
};

pub struct Backbone {
    patches: Patches,
    class: Tensor,
    /// (1, 1 + patches, width)
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    outputs: Vec<usize>,
    side: usize,
}

impl Backbone {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, patch) = (config.hidden_size, config.patch_size);
        let side = config.image_size / patch;
        let embeddings = scope.at("embeddings");
        let layer = |n| Layer::load(&scope.at("encoder.layer").at(n), config);
        Ok(Self {
            patches: Patches::load(&embeddings.at("patch_embeddings.projection"), &[width, 3, patch, patch], patch, 0)?,
            class: embeddings.tensor("cls_token", &[1, 1, width])?,
            positions: embeddings.tensor("position_embeddings", &[1, 1 + side * side, width])?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Loaded<_>>()?,
            norm: LayerNorm::load(&scope.at("layernorm"), width, config.layer_norm_eps)?,
            outputs: config.out_indices.clone(),
            side,
        })
    }

    /// Of `x` (1, 3, height, width): (1, patches, width) of each layer that is asked for, and the patches' grid.
    pub fn forward(&self, x: &Tensor) -> Result<(Vec<Tensor>, (usize, usize))> {
        let (patches, grid) = self.patches.forward(&x.squeeze(0)?)?;
        let patches = Tensor::cat(&[&self.class, &patches.unsqueeze(0)?], 1)?;
        let mut x = (patches + self.positions(grid)?)?;
        let mut found = Vec::with_capacity(self.outputs.len());
        for n in 0..=self.layers.len() {
            if n > 0 {
                x = self.layers[n - 1].forward(&x)?;
            }
            for _ in self.outputs.iter().filter(|output| **output == n) {
                let normal = self.norm.forward(&x)?;
                found.push(normal.narrow(1, 1, normal.dim(1)? - 1)?);
            }
        }
        Ok((found, grid))
    }

    /// The positions are learned for one grid and scaled to others.
    fn positions(&self, grid: (usize, usize)) -> Result<Tensor> {
        if grid == (self.side, self.side) {
            return Ok(self.positions.clone());
        }
        let width = self.positions.dim(2)?;
        let learned = self.positions.narrow(1, 1, self.side * self.side)?;
        let map = learned.reshape((1, self.side, self.side, width))?.permute((0, 3, 1, 2))?.contiguous()?;
        let map = interpolate(&map, grid, Kind::Bicubic)?;
        let rows = map.permute((0, 2, 3, 1))?.contiguous()?.reshape((1, grid.0 * grid.1, width))?;
        Tensor::cat(&[&self.positions.narrow(1, 0, 1)?, &rows], 1)
    }
}

struct Layer {
    norms: [LayerNorm; 2],
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    scales: [Tensor; 2],
    up: Linear,
    down: Linear,
    heads: usize,
}

impl Layer {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, hidden) = (config.hidden_size, config.hidden_size * config.mlp_ratio);
        let norm = |name: &str| LayerNorm::load(&scope.at(name), width, config.layer_norm_eps);
        // Published checkpoints have the older of the two names.
        let part = |names: &[&str]| Linear::load(&scope.either(names), width, width);
        Ok(Self {
            norms: [norm("norm1")?, norm("norm2")?],
            query: part(&["attention.attention.query", "attention.q_proj"])?,
            key: part(&["attention.attention.key", "attention.k_proj"])?,
            value: part(&["attention.attention.value", "attention.v_proj"])?,
            out: part(&["attention.output.dense", "attention.o_proj"])?,
            scales: [
                scope.at("layer_scale1").tensor("lambda1", &[width])?,
                scope.at("layer_scale2").tensor("lambda1", &[width])?,
            ],
            up: Linear::load(&scope.at("mlp.fc1"), width, hidden)?,
            down: Linear::load(&scope.at("mlp.fc2"), hidden, width)?,
            heads: config.num_attention_heads,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let own = self.norms[0].forward(x)?;
        let (q, k, v) = (self.query.forward(&own)?, self.key.forward(&own)?, self.value.forward(&own)?);
        let seen = self.out.forward(&attend(&q, &k, &v, self.heads)?)?;
        let x = (x + seen.broadcast_mul(&self.scales[0])?)?;
        let own = self.norms[1].forward(&x)?;
        let own = self.down.forward(&gelu_exact(&self.up.forward(&own)?)?)?;
        &x + own.broadcast_mul(&self.scales[1])?
    }
}
