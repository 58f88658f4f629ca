//! Qwen3 as a reader of prompts: its hidden states, not its words.

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::{HeadNorms, Pairing, Rotary, heads};
use crate::{
    Compute, LoadError, Weights,
    layers::{Embedding, Linear, RmsNorm, attention, silu},
};

/// A repository's `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    vocab_size: usize,
    pub hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_parameters: Option<RopeParameters>,
}

/// Where newer configurations say it.
#[derive(Clone, Debug, Deserialize)]
struct RopeParameters {
    rope_theta: f64,
}

impl Config {
    fn theta(&self) -> f64 {
        self.rope_parameters.as_ref().map(|rope| rope.rope_theta).or(self.rope_theta).unwrap_or(10_000.0)
    }
}

pub struct Qwen3 {
    words: Embedding,
    layers: Vec<Layer>,
    config: Config,
    compute: Compute,
}

struct Layer {
    norms: [RmsNorm; 2],
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    head_norms: HeadNorms,
    gate: Linear,
    up: Linear,
    down: Linear,
    head: usize,
    /// Queries that share a key.
    group: usize,
}

impl Qwen3 {
    /// All layers but the last, whose states are not asked for.
    pub fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        let weights = if weights.has("model.embed_tokens.weight") { weights.at("model") } else { weights.clone() };
        let layer = |n| Layer::load(&weights.at(format!("layers.{n}")), config);
        let layers = 0..config.num_hidden_layers.saturating_sub(1);
        Ok(Self {
            words: Embedding::load(&weights.at("embed_tokens"), config.vocab_size, config.hidden_size)?,
            layers: layers.map(layer).collect::<std::result::Result<_, _>>()?,
            config: config.clone(),
            compute: weights.compute().clone(),
        })
    }

    /// The states before the last layer, (1, tokens, width).
    pub fn read(&self, ids: &[u32]) -> Result<Tensor> {
        let (tokens, head_dim) = (ids.len(), self.config.head_dim);
        let places: Vec<[usize; 1]> = (0..tokens).map(|at| [at]).collect();
        let rotary = Rotary::new(&places, &[head_dim], self.config.theta(), Pairing::Halves, &self.compute)?;
        let row = |query: usize| (0..tokens).map(move |key| if key > query { f32::NEG_INFINITY } else { 0.0 });
        let mask: Vec<f32> = (0..tokens).flat_map(row).collect();
        let mask = Tensor::from_vec(mask, (tokens, tokens), &self.compute.device)?;
        let ids = Tensor::new(ids, &self.compute.device)?.unsqueeze(0)?;
        let mut x = self.words.forward(&ids)?;
        for layer in &self.layers {
            x = layer.forward(&x, &rotary, &mask)?;
        }
        Ok(x)
    }
}

impl Layer {
    fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        let Config { hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, head_dim, .. } = *config;
        let norm = |name: &str| RmsNorm::load(&weights.at(name), hidden_size, config.rms_norm_eps);
        let (own, wide) = (weights.at("self_attn"), weights.at("mlp"));
        let kv = num_key_value_heads * head_dim;
        Ok(Self {
            norms: [norm("input_layernorm")?, norm("post_attention_layernorm")?],
            q: Linear::load(&own.at("q_proj"), hidden_size, num_attention_heads * head_dim)?,
            k: Linear::load(&own.at("k_proj"), hidden_size, kv)?,
            v: Linear::load(&own.at("v_proj"), hidden_size, kv)?,
            out: Linear::load(&own.at("o_proj"), num_attention_heads * head_dim, hidden_size)?,
            head_norms: HeadNorms::load(&own, ["q_norm", "k_norm"], head_dim, config.rms_norm_eps)?,
            gate: Linear::load(&wide.at("gate_proj"), hidden_size, intermediate_size)?,
            up: Linear::load(&wide.at("up_proj"), hidden_size, intermediate_size)?,
            down: Linear::load(&wide.at("down_proj"), intermediate_size, hidden_size)?,
            head: head_dim,
            group: num_attention_heads / num_key_value_heads.max(1),
        })
    }

    fn forward(&self, x: &Tensor, rotary: &Rotary, mask: &Tensor) -> Result<Tensor> {
        let normal = self.norms[0].forward(x)?;
        let split = |linear: &Linear| heads(&linear.forward(&normal)?, self.head);
        let (q, k) = self.head_norms.forward(&split(&self.q)?, &split(&self.k)?)?;
        let (q, k, v) = (rotary.turn(&q)?, self.shared(&rotary.turn(&k)?)?, self.shared(&split(&self.v)?)?);
        let x = (x + self.out.forward(&attention(&q, &k, &v, Some(mask))?)?)?;
        let normal = self.norms[1].forward(&x)?;
        let wide = (silu(&self.gate.forward(&normal)?)? * self.up.forward(&normal)?)?;
        x + self.down.forward(&wide)?
    }

    /// Each key's head once for every query's head that uses it.
    fn shared(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, tokens, heads, width) = x.dims4()?;
        let each = x.unsqueeze(3)?.expand((batch, tokens, heads, self.group, width))?;
        each.contiguous()?.reshape((batch, tokens, heads * self.group, width))
    }
}
