//! LoRA files of other programs: the names of the original code in the place of those of the repositories.

/// The layer's name in this model; a name that is known already stays.
pub(super) fn renamed(layer: &str) -> String {
    let Some(rest) = layer.strip_prefix("unet_") else { return layer.into() };
    let name = blocks(rest).unwrap_or_else(|| rest.into());
    // The older custom of attention processors leaves the place in the list away.
    let name = if name.ends_with("_to_out") { format!("{name}_0") } else { name };
    format!("unet_{name}")
}

fn blocks(name: &str) -> Option<String> {
    const WHOLE: [(&str, &str); 8] = [
        ("input_blocks_0_0", "conv_in"),
        ("out_0", "conv_norm_out"),
        ("out_2", "conv_out"),
        ("time_embed_0", "time_embedding_linear_1"),
        ("time_embed_2", "time_embedding_linear_2"),
        ("label_emb_0_0", "add_embedding_linear_1"),
        ("label_emb_0_2", "add_embedding_linear_2"),
        ("middle_block_1", "mid_block_attentions_0"),
    ];
    if let Some((_, own)) = WHOLE.iter().find(|(known, _)| *known == name) {
        return Some((*own).into());
    }
    if let Some(rest) = name.strip_prefix("middle_block_") {
        let (part, rest) = number(rest)?;
        let place = ["mid_block_resnets_0", "mid_block_attentions_0", "mid_block_resnets_1"].get(part)?;
        return Some(format!("{place}_{}", if part == 1 { rest.into() } else { inner(rest) }));
    }
    let (input, rest) = match name.strip_prefix("input_blocks_") {
        Some(rest) => (true, rest),
        None => (false, name.strip_prefix("output_blocks_")?),
    };
    let (block, rest) = number(rest)?;
    let (part, rest) = number(rest)?;
    // Three to a block; the very first on the way down is the entrance.
    let block = if input { block.checked_sub(1)? } else { block };
    let (block, layer) = (block / 3, block % 3);
    let side = if input { "down_blocks" } else { "up_blocks" };
    Some(match rest {
        "op" => format!("{side}_{block}_downsamplers_0_conv"),
        "conv" => format!("{side}_{block}_upsamplers_0_conv"),
        _ if part == 0 => format!("{side}_{block}_resnets_{layer}_{}", inner(rest)),
        _ => format!("{side}_{block}_attentions_{layer}_{rest}"),
    })
}

/// The parts of a residual block.
fn inner(name: &str) -> String {
    let known = match name {
        "in_layers_0" => "norm1",
        "in_layers_2" => "conv1",
        "emb_layers_1" => "time_emb_proj",
        "out_layers_0" => "norm2",
        "out_layers_3" => "conv2",
        "skip_connection" => "conv_shortcut",
        other => other,
    };
    known.into()
}

/// `4_1_rest` to 4 and `1_rest`.
fn number(text: &str) -> Option<(usize, &str)> {
    let (digits, rest) = text.split_once('_')?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_original_code_become_those_of_the_repositories() {
        for (given, expected) in [
            (
                "input_blocks_4_1_transformer_blocks_0_attn1_to_q",
                "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
            ),
            ("input_blocks_8_1_proj_in", "down_blocks_2_attentions_1_proj_in"),
            ("input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
            ("middle_block_1_transformer_blocks_3_ff_net_2", "mid_block_attentions_0_transformer_blocks_3_ff_net_2"),
            ("middle_block_2_in_layers_2", "mid_block_resnets_1_conv1"),
            ("output_blocks_2_2_conv", "up_blocks_0_upsamplers_0_conv"),
            ("output_blocks_5_0_skip_connection", "up_blocks_1_resnets_2_conv_shortcut"),
            ("mid_block_attentions_0_proj_out", "mid_block_attentions_0_proj_out"),
            (
                "up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_out",
                "up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_out_0",
            ),
        ] {
            assert_eq!(renamed(&format!("unet_{given}")), format!("unet_{expected}"));
        }
        assert_eq!(renamed("text_encoder_encoder_layers_0_mlp_fc1"), "text_encoder_encoder_layers_0_mlp_fc1");
    }
}
