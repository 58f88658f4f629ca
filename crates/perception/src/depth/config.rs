//! `config.json` of Depth Anything.

use serde::Deserialize;

use crate::weights::LoadError;

#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(rename = "backbone_config")]
    pub backbone: Backbone,
    pub neck_hidden_sizes: Vec<usize>,
    pub fusion_hidden_size: usize,
    pub head_hidden_size: usize,
    pub reassemble_factors: Vec<f32>,
    #[serde(default = "relative")]
    pub depth_estimation_type: String,
    #[serde(default)]
    pub max_depth: Option<f64>,
}

/// DINOv2.
#[derive(Clone, Debug, Deserialize)]
pub struct Backbone {
    pub hidden_size: usize,
    #[serde(default = "twelve")]
    pub num_hidden_layers: usize,
    #[serde(default = "twelve")]
    pub num_attention_heads: usize,
    #[serde(default = "four")]
    pub mlp_ratio: usize,
    #[serde(default = "epsilon")]
    pub layer_norm_eps: f32,
    pub image_size: usize,
    pub patch_size: usize,
    pub out_indices: Vec<usize>,
    #[serde(default)]
    pub use_swiglu_ffn: bool,
}

impl Config {
    pub fn check(&self) -> Result<(), LoadError> {
        let refused = |field, found: String, expected| Err(LoadError::Unsupported { field, found, expected });
        let Backbone { hidden_size, num_attention_heads, num_hidden_layers, out_indices, .. } = &self.backbone;
        if *num_attention_heads == 0 || !hidden_size.is_multiple_of(*num_attention_heads) {
            return refused("num_attention_heads", num_attention_heads.to_string(), "a divisor of hidden_size");
        }
        if self.backbone.use_swiglu_ffn {
            return refused("use_swiglu_ffn", "true".into(), "false, as in the small, base and large models");
        }
        let stages = self.neck_hidden_sizes.len();
        let is_fit = out_indices.len() == stages && self.reassemble_factors.len() == stages && stages > 0;
        if !is_fit || !out_indices.is_sorted() || out_indices.iter().any(|n| n > num_hidden_layers) {
            return refused("out_indices", format!("{out_indices:?}"), "one layer for each size of the neck, in order");
        }
        if self.backbone.patch_size == 0 || self.backbone.image_size < self.backbone.patch_size {
            return refused("image_size", self.backbone.image_size.to_string(), "at least one patch");
        }
        match self.depth_estimation_type.as_str() {
            "relative" | "metric" => Ok(()),
            other => refused("depth_estimation_type", other.into(), "relative or metric"),
        }
    }
}

fn relative() -> String {
    "relative".into()
}

fn twelve() -> usize {
    12
}

fn four() -> usize {
    4
}

fn epsilon() -> f32 {
    1e-6
}
