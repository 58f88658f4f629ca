//! What `unet/config.json` says.

use serde::Deserialize;

use crate::config::Each;

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct UnetConfig {
    pub in_channels: usize,
    pub out_channels: usize,
    pub sample_size: Option<usize>,
    pub block_out_channels: Vec<usize>,
    pub down_block_types: Vec<String>,
    pub up_block_types: Vec<String>,
    pub layers_per_block: usize,
    /// In spite of its name, the number of heads.
    pub attention_head_dim: Each<usize>,
    pub num_attention_heads: Option<Each<usize>>,
    pub cross_attention_dim: usize,
    pub transformer_layers_per_block: Each<usize>,
    pub use_linear_projection: bool,
    pub norm_num_groups: usize,
    pub norm_eps: f64,
    pub flip_sin_to_cos: bool,
    pub freq_shift: f64,
    pub act_fn: String,
    pub addition_embed_type: Option<String>,
    pub addition_time_embed_dim: Option<usize>,
    pub projection_class_embeddings_input_dim: Option<usize>,
    pub time_cond_proj_dim: Option<usize>,
    pub class_embed_type: Option<String>,
    pub mid_block_type: Option<String>,
    pub resnet_time_scale_shift: String,
    pub dual_cross_attention: bool,
}

impl Default for UnetConfig {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.into()).collect();
        Self {
            in_channels: 4,
            out_channels: 4,
            sample_size: None,
            block_out_channels: vec![320, 640, 1280, 1280],
            down_block_types: words(&[CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, "DownBlock2D"]),
            up_block_types: words(&["UpBlock2D", CROSS_UP, CROSS_UP, CROSS_UP]),
            layers_per_block: 2,
            attention_head_dim: Each::All(8),
            num_attention_heads: None,
            cross_attention_dim: 1280,
            transformer_layers_per_block: Each::All(1),
            use_linear_projection: false,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            act_fn: "silu".into(),
            addition_embed_type: None,
            addition_time_embed_dim: None,
            projection_class_embeddings_input_dim: None,
            time_cond_proj_dim: None,
            class_embed_type: None,
            mid_block_type: Some("UNetMidBlock2DCrossAttn".into()),
            resnet_time_scale_shift: "default".into(),
            dual_cross_attention: false,
        }
    }
}

const CROSS_DOWN: &str = "CrossAttnDownBlock2D";
const CROSS_UP: &str = "CrossAttnUpBlock2D";

impl UnetConfig {
    /// Whether this program computes such a network.
    pub(super) fn check(&self) -> Result<(), String> {
        let count = self.block_out_channels.len();
        if count == 0 || self.down_block_types.len() != count || self.up_block_types.len() != count {
            return Err("its lists of blocks are of different lengths".into());
        }
        let known = |kinds: &[String], names: [&str; 2]| {
            kinds.iter().find(|kind| !names.contains(&kind.as_str())).map_or(Ok(()), |kind| Err(kind.clone()))
        };
        known(&self.down_block_types, [CROSS_DOWN, "DownBlock2D"])
            .and_then(|()| known(&self.up_block_types, [CROSS_UP, "UpBlock2D"]))
            .map_err(|kind| format!("`{kind}` is no block that this program computes"))?;
        if self.class_embed_type.is_some() || self.dual_cross_attention || self.resnet_time_scale_shift != "default" {
            return Err("it has parts that this program does not compute".into());
        }
        let middle = self.mid_block_type.as_deref();
        if middle != Some("UNetMidBlock2DCrossAttn") || !["silu", "swish"].contains(&self.act_fn.as_str()) {
            return Err(format!("`mid_block_type` is {middle:?} and `act_fn` is `{}`", self.act_fn));
        }
        match self.addition_embed_type.as_deref() {
            None => Ok(()),
            Some("text_time") if self.addition_time_embed_dim.is_some() => Ok(()),
            Some(other) => Err(format!("`addition_embed_type` is `{other}`")),
        }
    }

    pub fn time_width(&self) -> usize {
        self.block_out_channels[0] * 4
    }

    pub(super) fn norm(&self) -> (usize, f64) {
        (self.norm_num_groups, self.norm_eps)
    }

    pub(super) fn heads(&self, block: usize) -> usize {
        let heads = self.num_attention_heads.as_ref().unwrap_or(&self.attention_head_dim);
        heads.at(block).unwrap_or(8).max(1)
    }

    /// Blocks of each transformer.
    pub(super) fn depth(&self, block: usize) -> usize {
        self.transformer_layers_per_block.at(block).unwrap_or(1)
    }

    pub(super) fn attends_down(&self, block: usize) -> bool {
        self.down_block_types[block] == CROSS_DOWN
    }

    pub(super) fn attends_up(&self, block: usize) -> bool {
        self.up_block_types[block] == CROSS_UP
    }
}
