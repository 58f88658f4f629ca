//! CLIP's text encoder, of OpenAI's and of OpenCLIP's sizes.

mod tokens;

use std::path::Path;

use candle_core::{Result, Tensor};
use serde::Deserialize;

pub use tokens::{ClipTokenizer, Tokens};

use crate::{
    LoadError, Weights, config,
    layers::{Embedding, LayerNorm, Linear, attention, gelu, quick_gelu},
};

#[derive(Clone, Debug, Deserialize)]
pub struct ClipConfig {
    #[serde(default = "defaults::vocabulary")]
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    #[serde(default = "defaults::positions")]
    pub max_position_embeddings: usize,
    #[serde(default = "defaults::activation")]
    pub hidden_act: String,
    #[serde(default = "defaults::epsilon")]
    pub layer_norm_eps: f64,
    #[serde(default)]
    pub projection_dim: Option<usize>,
    #[serde(default = "defaults::end")]
    pub eos_token_id: u32,
}

mod defaults {
    pub(super) fn vocabulary() -> usize {
        49_408
    }
    pub(super) fn positions() -> usize {
        77
    }
    pub(super) fn activation() -> String {
        "quick_gelu".into()
    }
    pub(super) fn epsilon() -> f64 {
        1e-5
    }
    pub(super) fn end() -> u32 {
        49_407
    }
}

/// A text as the encoder sees it.
pub struct Encoded {
    /// (1, tokens, width): what comes out of a layer, not normalised.
    pub hidden: Tensor,
    /// (1, width): the normalised last layer at the end token, projected if the encoder has a projection.
    pub pooled: Tensor,
}

#[derive(Clone)]
pub struct Clip {
    words: Embedding,
    positions: Embedding,
    layers: Vec<Layer>,
    last: LayerNorm,
    projection: Option<Linear>,
    end: u32,
}

impl Clip {
    /// From a folder `text_encoder`; `weights` are its own, perhaps with adapters.
    pub fn load(folder: &Path, weights: &Weights) -> std::result::Result<Self, LoadError> {
        let path = folder.join("config.json");
        let config: ClipConfig = config::read(&path)?;
        let gelu = match config.hidden_act.as_str() {
            "quick_gelu" => Activation::Quick,
            "gelu" => Activation::Exact,
            other => return Err(config::wrong(&path, format!("`hidden_act` is `{other}`"))),
        };
        let wrapped = weights.has("text_model.embeddings.token_embedding.weight");
        let model = if wrapped { weights.at("text_model") } else { weights.clone() };
        let width = config.hidden_size;
        let layer = |n| Layer::load(&model.at(format_args!("encoder.layers.{n}")), &config, gelu);
        let projection = config.projection_dim.filter(|_| weights.has("text_projection.weight"));
        let projection = projection.map(|out| Linear::load(&weights.at("text_projection"), width, out)).transpose()?;
        Ok(Self {
            words: Embedding::load(&model.at("embeddings.token_embedding"), config.vocab_size, width)?,
            positions: Embedding::load(
                &model.at("embeddings.position_embedding"),
                config.max_position_embeddings,
                width,
            )?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<std::result::Result<_, _>>()?,
            last: LayerNorm::load(&model.at("final_layer_norm"), width, config.layer_norm_eps)?,
            projection,
            end: config.eos_token_id,
        })
    }

    /// `skip` layers at the end are left out of `hidden`, but not of `pooled`.
    pub fn encode(&self, ids: &[u32], skip: usize) -> Result<Encoded> {
        let table = self.words.table();
        let count = ids.len();
        let input = Tensor::new(ids, table.device())?.unsqueeze(0)?;
        let positions = self.positions.table().narrow(0, 0, count)?;
        let mut x = self.words.forward(&input)?.broadcast_add(&positions)?;
        let mask = causal(count, &x)?;
        let taken = self.layers.len() - skip.min(self.layers.len());
        let mut hidden = x.clone();
        for (number, layer) in (1..).zip(&self.layers) {
            x = layer.forward(&x, &mask)?;
            if number == taken {
                hidden = x.clone();
            }
        }
        let pooled = self.last.forward(&x)?.narrow(1, self.end_of(ids), 1)?.squeeze(1)?;
        let pooled = match &self.projection {
            Some(projection) => projection.forward(&pooled)?,
            None => pooled,
        };
        Ok(Encoded { hidden, pooled })
    }

    /// `hidden` through the last normalisation.
    pub fn normalised(&self, hidden: &Tensor) -> Result<Tensor> {
        self.last.forward(hidden)
    }

    /// Where the text ends. The first published configurations name a wrong token; there the largest id is meant.
    fn end_of(&self, ids: &[u32]) -> usize {
        let end = if self.end == 2 { ids.iter().max().copied().unwrap_or(0) } else { self.end };
        ids.iter().position(|&id| id == end).unwrap_or(0)
    }
}

/// (tokens, tokens): minus infinity above the diagonal.
fn causal(count: usize, like: &Tensor) -> Result<Tensor> {
    let values = (0..count * count).map(|at| if at % count > at / count { f32::NEG_INFINITY } else { 0.0 });
    Tensor::from_vec(values.collect::<Vec<f32>>(), (count, count), like.device())?.to_dtype(like.dtype())
}

#[derive(Clone, Copy)]
enum Activation {
    Quick,
    Exact,
}

#[derive(Clone)]
struct Layer {
    norms: [LayerNorm; 2],
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    wide: Linear,
    narrow: Linear,
    heads: usize,
    activation: Activation,
}

impl Layer {
    fn load(w: &Weights, config: &ClipConfig, activation: Activation) -> std::result::Result<Self, LoadError> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let norm = |name: &str| LayerNorm::load(&w.at(name), width, config.layer_norm_eps);
        let linear = |name: &str, from, to| Linear::load(&w.at(name), from, to);
        Ok(Self {
            norms: [norm("layer_norm1")?, norm("layer_norm2")?],
            queries: linear("self_attn.q_proj", width, width)?,
            keys: linear("self_attn.k_proj", width, width)?,
            values: linear("self_attn.v_proj", width, width)?,
            out: linear("self_attn.out_proj", width, width)?,
            wide: linear("mlp.fc1", width, inner)?,
            narrow: linear("mlp.fc2", inner, width)?,
            heads: config.num_attention_heads,
            activation,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (batch, count, width) = x.dims3()?;
        let normal = self.norms[0].forward(x)?;
        let split = |linear: &Linear| linear.forward(&normal)?.reshape((batch, count, self.heads, width / self.heads));
        let seen = attention(&split(&self.queries)?, &split(&self.keys)?, &split(&self.values)?, Some(mask))?;
        let x = (x + self.out.forward(&seen)?)?;
        let inner = self.wide.forward(&self.norms[1].forward(&x)?)?;
        let inner = match self.activation {
            Activation::Quick => quick_gelu(&inner)?,
            Activation::Exact => gelu(&inner)?,
        };
        x + self.narrow.forward(&inner)?
    }
}
