//! `config.json` of SAM 2.
//!
//! The published files say little and leave the rest to defaults, which are those of the tiny model.

use serde::Deserialize;

use crate::weights::LoadError;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    #[serde(rename = "vision_config")]
    pub seeing: Vision,
    #[serde(rename = "prompt_encoder_config")]
    pub asking: Prompt,
    #[serde(rename = "mask_decoder_config")]
    pub answering: Decoder,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Vision {
    pub backbone_config: Hiera,
    pub fpn_hidden_size: usize,
    pub fpn_top_down_levels: Vec<usize>,
    pub num_feature_levels: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Hiera {
    pub hidden_size: usize,
    pub blocks_per_stage: Vec<usize>,
    pub embed_dim_per_stage: Vec<usize>,
    pub num_attention_heads_per_stage: Vec<usize>,
    pub window_size_per_stage: Vec<usize>,
    pub global_attention_blocks: Vec<usize>,
    pub window_positional_embedding_background_size: [usize; 2],
    pub num_query_pool_stages: usize,
    pub mlp_ratio: f32,
    pub layer_norm_eps: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Prompt {
    #[serde(rename = "hidden_size")]
    pub width: usize,
    #[serde(rename = "image_size")]
    pub side: usize,
    #[serde(rename = "patch_size")]
    pub patch: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Decoder {
    pub hidden_size: usize,
    pub mlp_dim: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub attention_downsample_rate: usize,
    pub num_multimask_outputs: usize,
    pub iou_head_depth: usize,
    pub iou_head_hidden_dim: usize,
    pub dynamic_multimask_stability_delta: f32,
    pub dynamic_multimask_stability_thresh: f32,
}

impl Default for Vision {
    fn default() -> Self {
        Self {
            backbone_config: Hiera::default(),
            fpn_hidden_size: 256,
            fpn_top_down_levels: vec![2, 3],
            num_feature_levels: 3,
        }
    }
}

impl Default for Hiera {
    fn default() -> Self {
        Self {
            hidden_size: 96,
            blocks_per_stage: vec![1, 2, 7, 2],
            embed_dim_per_stage: vec![96, 192, 384, 768],
            num_attention_heads_per_stage: vec![1, 2, 4, 8],
            window_size_per_stage: vec![8, 4, 14, 7],
            global_attention_blocks: vec![5, 7, 9],
            window_positional_embedding_background_size: [7, 7],
            num_query_pool_stages: 3,
            mlp_ratio: 4.0,
            layer_norm_eps: 1e-6,
        }
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self { width: 256, side: 1024, patch: 16 }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            mlp_dim: 2048,
            num_hidden_layers: 2,
            num_attention_heads: 8,
            attention_downsample_rate: 2,
            num_multimask_outputs: 3,
            iou_head_depth: 3,
            iou_head_hidden_dim: 256,
            dynamic_multimask_stability_delta: 0.05,
            dynamic_multimask_stability_thresh: 0.98,
        }
    }
}

impl Config {
    pub fn check(&self) -> Result<(), LoadError> {
        let refused = |field, found: String, expected| Err(LoadError::Unsupported { field, found, expected });
        let Hiera { blocks_per_stage, embed_dim_per_stage, num_attention_heads_per_stage, .. } =
            &self.seeing.backbone_config;
        let stages = blocks_per_stage.len();
        let windows = &self.seeing.backbone_config.window_size_per_stage;
        let lists = [embed_dim_per_stage.len(), num_attention_heads_per_stage.len(), windows.len()];
        if stages != 4 || lists != [4; 3] || blocks_per_stage.contains(&0) {
            return refused(
                "blocks_per_stage",
                format!("{blocks_per_stage:?}"),
                "four stages, each with what it needs",
            );
        }
        let divides = |(width, heads): (&usize, &usize)| *heads > 0 && width.is_multiple_of(*heads);
        if !embed_dim_per_stage.iter().zip(num_attention_heads_per_stage).all(divides) {
            let found = format!("{num_attention_heads_per_stage:?}");
            return refused("num_attention_heads_per_stage", found, "divisors of embed_dim_per_stage");
        }
        if windows.contains(&0) || windows[0] < 2 {
            return refused("window_size_per_stage", format!("{windows:?}"), "windows of some size");
        }
        if self.seeing.num_feature_levels != 3 {
            return refused("num_feature_levels", self.seeing.num_feature_levels.to_string(), "3");
        }
        let Prompt { side, patch, .. } = self.asking;
        if patch != 16 || side == 0 || !side.is_multiple_of(32) {
            return refused("image_size", side.to_string(), "a multiple of 32, with patches of 16");
        }
        let Decoder { hidden_size, num_attention_heads, attention_downsample_rate, .. } = self.answering;
        let smallest = num_attention_heads * attention_downsample_rate;
        if smallest == 0 || !hidden_size.is_multiple_of(smallest) || !hidden_size.is_multiple_of(8) {
            return refused("hidden_size", hidden_size.to_string(), "a multiple of the heads and of 8");
        }
        Ok(())
    }
}
