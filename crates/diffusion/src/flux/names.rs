//! What the layers of LoRA files are called here. Files name them as diffusers does, or as the network was first
//! published, where queries, keys and values are one layer.

use crate::{
    LoadError,
    adapters::{Adapter, split},
};

/// Parts of the published names, by the parts that they are here.
const TOP: [(&str, &str); 8] = [
    ("img_in", "x_embedder"),
    ("txt_in", "context_embedder"),
    ("time_in_in_layer", "time_text_embed_timestep_embedder_linear_1"),
    ("time_in_out_layer", "time_text_embed_timestep_embedder_linear_2"),
    ("vector_in_in_layer", "time_text_embed_text_embedder_linear_1"),
    ("vector_in_out_layer", "time_text_embed_text_embedder_linear_2"),
    ("guidance_in_in_layer", "time_text_embed_guidance_embedder_linear_1"),
    ("guidance_in_out_layer", "time_text_embed_guidance_embedder_linear_2"),
];

const DOUBLE: [(&str, &str); 8] = [
    ("img_attn_proj", "attn_to_out_0"),
    ("img_mlp_0", "ff_net_0_proj"),
    ("img_mlp_2", "ff_net_2"),
    ("img_mod_lin", "norm1_linear"),
    ("txt_attn_proj", "attn_to_add_out"),
    ("txt_mlp_0", "ff_context_net_0_proj"),
    ("txt_mlp_2", "ff_context_net_2"),
    ("txt_mod_lin", "norm1_context_linear"),
];

const SINGLE: [(&str, &str); 2] = [("linear2", "proj_out"), ("modulation_lin", "norm_linear")];

const PIXELS: [&str; 3] = ["attn_to_q", "attn_to_k", "attn_to_v"];
const WORDS: [&str; 3] = ["attn_add_q_proj", "attn_add_k_proj", "attn_add_v_proj"];

/// The name here of a layer in a LoRA file.
pub fn rename(layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
    let Some(rest) = layer.strip_prefix("transformer_").or_else(|| layer.strip_prefix("unet_")) else {
        return Ok(vec![(layer.into(), adapter)]);
    };
    if let Some(block) = rest.strip_prefix("double_blocks_") {
        return double(layer, block, adapter);
    }
    if let Some(block) = rest.strip_prefix("single_blocks_") {
        return single(layer, block, adapter);
    }
    let name = known(&TOP, rest).unwrap_or(rest);
    Ok(vec![(format!("transformer_{name}"), adapter)])
}

fn double(layer: &str, block: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
    let Some((number, part)) = block.split_once('_') else { return Ok(vec![(layer.into(), adapter)]) };
    let place = format!("transformer_transformer_blocks_{number}_");
    match part {
        "img_attn_qkv" => split(&place, &PIXELS, &[1, 1, 1], layer, &adapter),
        "txt_attn_qkv" => split(&place, &WORDS, &[1, 1, 1], layer, &adapter),
        _ => Ok(vec![(format!("{place}{}", known(&DOUBLE, part).unwrap_or(part)), adapter)]),
    }
}

fn single(layer: &str, block: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
    let Some((number, part)) = block.split_once('_') else { return Ok(vec![(layer.into(), adapter)]) };
    let place = format!("transformer_single_transformer_blocks_{number}_");
    if part == "linear1" {
        let names = [PIXELS[0], PIXELS[1], PIXELS[2], "proj_mlp"];
        return split(&place, &names, &[1, 1, 1, 4], layer, &adapter);
    }
    Ok(vec![(format!("{place}{}", known(&SINGLE, part).unwrap_or(part)), adapter)])
}

fn known<'a>(table: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    table.iter().find(|(published, _)| *published == name).map(|(_, here)| *here)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;

    fn renamed(layer: &str, rows: usize) -> Vec<(String, Vec<usize>)> {
        let zeros = |rows: usize, columns: usize| Tensor::zeros((rows, columns), DType::F32, &Device::Cpu).unwrap();
        let adapter = Adapter { down: zeros(2, 8), up: zeros(rows, 2), scale: 1.0 };
        let renamed = rename(layer, adapter).unwrap();
        renamed.into_iter().map(|(name, adapter)| (name, adapter.up.dims().to_vec())).collect()
    }

    #[test]
    fn published_names_become_ours() {
        let cases = [
            ("transformer_transformer_blocks_3_attn_to_q", "transformer_transformer_blocks_3_attn_to_q"),
            ("unet_double_blocks_3_img_mlp_0", "transformer_transformer_blocks_3_ff_net_0_proj"),
            ("transformer_single_blocks_12_linear2", "transformer_single_transformer_blocks_12_proj_out"),
            ("unet_guidance_in_in_layer", "transformer_time_text_embed_guidance_embedder_linear_1"),
            ("text_encoder_text_model_encoder_layers_0_mlp_fc1", "text_encoder_text_model_encoder_layers_0_mlp_fc1"),
        ];
        for (published, here) in cases {
            assert_eq!(renamed(published, 8), [(here.to_owned(), vec![8, 2])]);
        }
    }

    #[test]
    fn layers_that_were_one_are_taken_apart() {
        let parts = renamed("unet_single_blocks_0_linear1", 56);
        let rows: Vec<usize> = parts.iter().map(|(_, shape)| shape[0]).collect();
        assert_eq!(rows, [8, 8, 8, 32]);
        assert_eq!(parts[3].0, "transformer_single_transformer_blocks_0_proj_mlp");
        assert_eq!(renamed("transformer_double_blocks_1_txt_attn_qkv", 24)[2].1, [8, 2]);
    }
}
