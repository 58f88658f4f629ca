"""Tiny random weights of SAM 2, and what transformers makes of them. Usage: sam2.py FOLDER"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import Sam2Config, Sam2Model
from transformers.models.sam2.configuration_sam2 import (
    Sam2HieraDetConfig, Sam2MaskDecoderConfig, Sam2PromptEncoderConfig, Sam2VisionConfig)

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(5)

# 128 pixels a side: grids of 32, 16, 8 and 4. The third stage's window of 3 leaves a remainder.
hiera = Sam2HieraDetConfig(
    hidden_size=8, image_size=[128, 128], blocks_per_stage=[1, 2, 2, 1], embed_dim_per_stage=[8, 16, 32, 48],
    num_attention_heads_per_stage=[1, 2, 4, 4], window_size_per_stage=[8, 4, 6, 4], global_attention_blocks=[4],
    window_positional_embedding_background_size=[7, 7])
vision = Sam2VisionConfig(
    backbone_config=hiera, backbone_channel_list=[48, 32, 16, 8], backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
    fpn_hidden_size=32)
config = Sam2Config(
    vision_config=vision, prompt_encoder_config=Sam2PromptEncoderConfig(hidden_size=32, image_size=128, patch_size=16),
    mask_decoder_config=Sam2MaskDecoderConfig(
        hidden_size=32, mlp_dim=48, num_attention_heads=4, iou_head_hidden_dim=24))
model = Sam2Model(config).eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            weight.normal_(1, 0.2)
        else:
            weight.normal_(0, 0.25)
model.save_pretrained(folder)
(folder / "preprocessor_config.json").write_text(json.dumps({
    "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": {"height": 128, "width": 128}}))

pixels = torch.linspace(-2, 2, 3 * 128 * 128).reshape(1, 3, 128, 128).sin() * torch.linspace(0.2, 3, 128).cos()
with torch.no_grad():
    stages = model.vision_encoder.backbone(pixels).intermediate_hidden_states
    embeddings = model.get_image_embeddings(pixels)
    point = model(image_embeddings=embeddings, input_points=torch.tensor([[[[40.0, 70.0]]]]),
                  input_labels=torch.tensor([[[1]]]), multimask_output=True)
    several = model(image_embeddings=embeddings, input_points=torch.tensor([[[[40.0, 70.0], [100.0, 20.0]]]]),
                    input_labels=torch.tensor([[[1, 0]]]), input_boxes=torch.tensor([[[10.0, 20.0, 90.0, 110.0]]]),
                    multimask_output=False)
save_file({
    **{f"stage{n}": stage[0].contiguous() for n, stage in enumerate(stages)},
    **{f"embedding{n}": embedding[0].contiguous() for n, embedding in enumerate(embeddings)},
    "point_masks": point.pred_masks[0, 0].contiguous(), "point_quality": point.iou_scores[0, 0].contiguous(),
    "several_mask": several.pred_masks[0, 0].contiguous(), "several_quality": several.iou_scores[0, 0].contiguous(),
}, folder / "reference.safetensors")
print(point.pred_masks.shape, point.iou_scores, several.iou_scores, point.pred_masks.std())
print([name for name in load_file(folder / "model.safetensors") if "neck" in name or "embed" in name])
