//! The encoder half of T5 version 1.1, which reads prompts for FLUX and Stable Diffusion 3. Its activations leave the
//! range of half precision with 5 exponent bits: it is loaded in [`Compute::wide`].

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::heads;
use crate::{
    Compute, LoadError, Weights,
    layers::{Embedding, Linear, RmsNorm, attention, gelu_tanh},
};

/// A repository's `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    vocab_size: usize,
    pub d_model: usize,
    d_kv: usize,
    d_ff: usize,
    num_layers: usize,
    num_heads: usize,
    #[serde(default = "buckets")]
    relative_attention_num_buckets: usize,
    #[serde(default = "distance")]
    relative_attention_max_distance: usize,
    #[serde(default = "epsilon")]
    layer_norm_epsilon: f64,
    feed_forward_proj: String,
}

fn buckets() -> usize {
    32
}

fn distance() -> usize {
    128
}

fn epsilon() -> f64 {
    1e-6
}

pub struct T5 {
    words: Embedding,
    /// What the distance between two tokens adds to their scores, by bucket and head.
    distances: Embedding,
    layers: Vec<Layer>,
    norm: RmsNorm,
    config: Config,
    compute: Compute,
}

struct Layer {
    norms: [RmsNorm; 2],
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    gate: Linear,
    up: Linear,
    down: Linear,
    head: usize,
}

impl T5 {
    pub fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        if config.feed_forward_proj != "gated-gelu" {
            let reason = format!("`feed_forward_proj` is `{}`: expected `gated-gelu`", config.feed_forward_proj);
            return Err(LoadError::Configuration { path: "text encoder's config.json".into(), reason });
        }
        let words =
            if weights.has("shared.weight") { weights.at("shared") } else { weights.at("encoder.embed_tokens") };
        let encoder = weights.at("encoder");
        let layer = |n| Layer::load(&encoder.at(format!("block.{n}")), config);
        Ok(Self {
            words: Embedding::load(&words, config.vocab_size, config.d_model)?,
            distances: Embedding::load(
                &encoder.at("block.0.layer.0.SelfAttention.relative_attention_bias"),
                config.relative_attention_num_buckets,
                config.num_heads,
            )?,
            layers: (0..config.num_layers).map(layer).collect::<std::result::Result<_, _>>()?,
            norm: RmsNorm::load(&encoder.at("final_layer_norm"), config.d_model, config.layer_norm_epsilon)?,
            config: config.clone(),
            compute: weights.compute().clone(),
        })
    }

    /// What one prompt says, (1, tokens, width). The padding behind its end counts as words, as the models were
    /// trained.
    pub fn read(&self, ids: &[u32]) -> Result<Tensor> {
        let bias = self.bias(ids.len())?;
        let ids = Tensor::new(ids, &self.compute.device)?.unsqueeze(0)?;
        let mut x = self.words.forward(&ids)?;
        for layer in &self.layers {
            x = layer.forward(&x, &bias)?;
        }
        self.norm.forward(&x)
    }

    /// (1, heads, tokens, tokens).
    fn bias(&self, tokens: usize) -> Result<Tensor> {
        let Config { relative_attention_num_buckets: buckets, relative_attention_max_distance: most, .. } = self.config;
        let each = |query: usize| (0..tokens).map(move |key| bucket(key as i64 - query as i64, buckets, most));
        let ids: Vec<u32> = (0..tokens).flat_map(each).collect();
        let ids = Tensor::from_vec(ids, (tokens, tokens), &self.compute.device)?;
        self.distances.forward(&ids)?.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()
    }
}

impl Layer {
    fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        let Config { d_model, d_kv, d_ff, num_heads, layer_norm_epsilon, .. } = *config;
        let norm = |name: &str| RmsNorm::load(&weights.at(name), d_model, layer_norm_epsilon);
        let inner = d_kv * num_heads;
        let attention = weights.at("layer.0.SelfAttention");
        let wide = weights.at("layer.1.DenseReluDense");
        Ok(Self {
            norms: [norm("layer.0.layer_norm")?, norm("layer.1.layer_norm")?],
            q: Linear::load(&attention.at("q"), d_model, inner)?,
            k: Linear::load(&attention.at("k"), d_model, inner)?,
            v: Linear::load(&attention.at("v"), d_model, inner)?,
            out: Linear::load(&attention.at("o"), inner, d_model)?,
            gate: Linear::load(&wide.at("wi_0"), d_model, d_ff)?,
            up: Linear::load(&wide.at("wi_1"), d_model, d_ff)?,
            down: Linear::load(&wide.at("wo"), d_ff, d_model)?,
            head: d_kv,
        })
    }

    fn forward(&self, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let normal = self.norms[0].forward(x)?;
        // Scores are not divided by the root of the width here, which `attention` does.
        let q = (heads(&self.q.forward(&normal)?, self.head)? * (self.head as f64).sqrt())?;
        let (k, v) = (heads(&self.k.forward(&normal)?, self.head)?, heads(&self.v.forward(&normal)?, self.head)?);
        let x = (x + self.out.forward(&attention(&q, &k, &v, Some(bias))?)?)?;
        let normal = self.norms[1].forward(&x)?;
        let wide = (gelu_tanh(&self.gate.forward(&normal)?)? * self.up.forward(&normal)?)?;
        x + self.down.forward(&wide)?
    }
}

/// Near distances have buckets of their own, far ones share them by their logarithm; before and behind differ.
fn bucket(distance: i64, buckets: usize, most: usize) -> u32 {
    let half = buckets / 2;
    let (base, away, exact) = (if distance > 0 { half } else { 0 }, distance.unsigned_abs() as usize, half / 2);
    let within = if away < exact {
        away
    } else {
        let far = (away as f32 / exact as f32).ln() / (most as f32 / exact as f32).ln() * (half - exact) as f32;
        (exact + far as usize).min(half - 1)
    };
    (base + within) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_distances_share_buckets() {
        let found: Vec<u32> =
            [0, -1, -7, -8, -15, -16, -64, -127, -128, -4000, 1, 8, 4000].map(|at| bucket(at, 32, 128)).into();
        assert_eq!(found, [0, 1, 7, 8, 9, 10, 14, 15, 15, 15, 17, 24, 31]);
    }
}
