"""Tiny random weights of Depth Anything V2, and what transformers makes of them. Usage: depth.py FOLDER"""

import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(11)

backbone = Dinov2Config(hidden_size=24, num_hidden_layers=4, num_attention_heads=3, image_size=70, patch_size=14,
                        out_indices=[1, 2, 3, 4], reshape_hidden_states=False)
config = DepthAnythingConfig(backbone_config=backbone, patch_size=14, reassemble_hidden_size=24,
                             reassemble_factors=[4, 2, 1, 0.5], neck_hidden_sizes=[6, 8, 10, 12],
                             fusion_hidden_size=8, head_in_index=-1, head_hidden_size=6,
                             depth_estimation_type="relative")
model = DepthAnythingForDepthEstimation(config).eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            weight.normal_(1, 0.2)
        elif "lambda" in name:
            weight.normal_(0.5, 0.2)
        else:
            weight.normal_(0, 0.3 if weight.dim() > 1 else 0.2)
    model.head.conv3.bias.fill_(2)
model.save_pretrained(folder)
DPTImageProcessor(do_resize=True, size={"height": 70, "width": 70}, keep_aspect_ratio=True, ensure_multiple_of=14,
                  image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], resample=3).save_pretrained(folder)

# Of another shape than the positions were learned for: 5 by 7 patches.
pixels = torch.linspace(-2, 2, 3 * 70 * 98).reshape(1, 3, 70, 98).sin() * torch.linspace(0.2, 3, 98).cos()
with torch.no_grad():
    layers = model.backbone(pixels).feature_maps
    depth = model(pixels).predicted_depth
save_file({"layers": torch.stack([layer[0] for layer in layers]).contiguous(), "depth": depth[0].contiguous()},
          folder / "reference.safetensors")
print(depth.min(), depth.max(), [layer.shape for layer in layers])
print([name for name in load_file(folder / "model.safetensors") if "layer.0" in name])
