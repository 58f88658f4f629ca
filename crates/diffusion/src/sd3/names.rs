//! What the layers of LoRA files are called here. Files name them as diffusers does, or as the network was first
//! published, where queries, keys and values are one layer.

use crate::{
    LoadError,
    adapters::{Adapter, split},
};

const PARTS: [(&str, &str); 9] = [
    ("x_block_attn_proj", "attn_to_out_0"),
    ("x_block_attn2_proj", "attn2_to_out_0"),
    ("x_block_mlp_fc1", "ff_net_0_proj"),
    ("x_block_mlp_fc2", "ff_net_2"),
    ("x_block_adaLN_modulation_1", "norm1_linear"),
    ("context_block_attn_proj", "attn_to_add_out"),
    ("context_block_mlp_fc1", "ff_context_net_0_proj"),
    ("context_block_mlp_fc2", "ff_context_net_2"),
    ("context_block_adaLN_modulation_1", "norm1_context_linear"),
];

/// The name here of a layer in a LoRA file.
pub fn rename(layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
    let Some(rest) = layer.strip_prefix("transformer_").or_else(|| layer.strip_prefix("unet_")) else {
        return Ok(vec![(layer.into(), adapter)]);
    };
    let Some((number, part)) = rest.strip_prefix("joint_blocks_").and_then(|block| block.split_once('_')) else {
        return Ok(vec![(format!("transformer_{rest}"), adapter)]);
    };
    let place = format!("transformer_transformer_blocks_{number}_");
    let names = match part {
        "x_block_attn_qkv" => ["attn_to_q", "attn_to_k", "attn_to_v"],
        "x_block_attn2_qkv" => ["attn2_to_q", "attn2_to_k", "attn2_to_v"],
        "context_block_attn_qkv" => ["attn_add_q_proj", "attn_add_k_proj", "attn_add_v_proj"],
        _ => {
            let name = PARTS.iter().find(|(published, _)| *published == part).map_or(part, |(_, here)| *here);
            return Ok(vec![(format!("{place}{name}"), adapter)]);
        }
    };
    split(&place, &names, &[1, 1, 1], layer, &adapter)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;

    #[test]
    fn published_names_become_ours() {
        let zeros = |rows: usize, columns: usize| Tensor::zeros((rows, columns), DType::F32, &Device::Cpu).unwrap();
        let adapter = Adapter { down: zeros(2, 8), up: zeros(24, 2), scale: 1.0 };
        let names = |layer: &str| -> Vec<String> {
            rename(layer, adapter.clone()).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names("unet_joint_blocks_7_x_block_mlp_fc2"), ["transformer_transformer_blocks_7_ff_net_2"]);
        assert_eq!(names("transformer_joint_blocks_0_context_block_attn_qkv").len(), 3);
        assert_eq!(names("transformer_transformer_blocks_0_attn_to_q"), ["transformer_transformer_blocks_0_attn_to_q"]);
    }
}
