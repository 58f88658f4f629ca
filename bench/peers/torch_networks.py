"""Networks of random weights in PyTorch, written to a folder and asked for steps. Usage: torch_networks.py KIND SIZE FOLDER

Says one JSON line when the folder is written, then one for each line of input: the seconds of one step.
"""

import json
import sys
import time

import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel, UNet2DConditionModel, ZImageTransformer2DModel

KIND, SIZE, FOLDER = sys.argv[1:]
# Width of a head, heads, layers (twice as many in the second kind of blocks), words, latents a side.
SHAPES = {"tiny": (16, 2, 2, 24, 16), "middle": (64, 8, 2, 128, 48), "large": (128, 12, 4, 16, 4)}
HEAD, HEADS, LAYERS, TOKENS, SIDE = SHAPES[SIZE]
WIDTH = HEAD * HEADS


def network():
    if KIND == "flux":
        return FluxTransformer2DModel(
            in_channels=64, num_layers=LAYERS, num_single_layers=2 * LAYERS if SIZE != "large" else 6,
            attention_head_dim=HEAD, num_attention_heads=HEADS, joint_attention_dim=WIDTH, pooled_projection_dim=WIDTH,
            guidance_embeds=True, axes_dims_rope=axes(),
        )
    if KIND == "sd3":
        return SD3Transformer2DModel(
            sample_size=SIDE, in_channels=16, num_layers=2 * LAYERS, attention_head_dim=HEAD, num_attention_heads=HEADS,
            joint_attention_dim=WIDTH, caption_projection_dim=WIDTH, pooled_projection_dim=WIDTH, out_channels=16,
            pos_embed_max_size=64, qk_norm="rms_norm",
        )
    if KIND == "unet":
        return UNet2DConditionModel(
            sample_size=SIDE, block_out_channels=(WIDTH // 4, WIDTH // 2, WIDTH), layers_per_block=2, cross_attention_dim=WIDTH,
            attention_head_dim=HEADS, norm_num_groups=8 if SIZE == "tiny" else 32,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        )
    return ZImageTransformer2DModel(
        dim=WIDTH, n_layers=2 * LAYERS, n_refiner_layers=1, n_heads=HEADS, n_kv_heads=HEADS, cap_feat_dim=WIDTH,
        axes_dims=axes(), axes_lens=[1024, 128, 128],
    )


def axes():
    first = HEAD // 8 * 2
    return [first, (HEAD - first) // 2, (HEAD - first) // 2]


@torch.inference_mode()
def ask(model):
    latents = torch.randn(1, 4 if KIND == "unet" else 16, SIDE, SIDE)
    words = torch.randn(1, TOKENS, WIDTH)
    if KIND == "unet":
        return model(latents, torch.tensor(500.0), words)
    if KIND == "flux":
        rows = SIDE // 2
        ids = torch.stack(torch.meshgrid(torch.zeros(1).long(), torch.arange(rows), torch.arange(rows), indexing="ij"), -1)
        squares = latents.view(1, 16, rows, 2, rows, 2).permute(0, 2, 4, 1, 3, 5).reshape(1, rows * rows, 64)
        return model(
            hidden_states=squares, encoder_hidden_states=words, pooled_projections=torch.randn(1, WIDTH),
            timestep=torch.tensor([0.7]), guidance=torch.tensor([3.5]), img_ids=ids.reshape(-1, 3).float(),
            txt_ids=torch.zeros(TOKENS, 3),
        )
    if KIND == "sd3":
        return model(
            hidden_states=latents, encoder_hidden_states=words, pooled_projections=torch.randn(1, WIDTH),
            timestep=torch.tensor([700.0]),
        )
    return model([latents[0].unsqueeze(1)], torch.tensor([0.3]), [words[0]])


torch.manual_seed(0)
torch.set_num_threads(1)
model = network().eval()
model.save_pretrained(FOLDER, max_shard_size="20GB")
print(json.dumps({"tokens": TOKENS, "side": SIDE}), flush=True)
for _ in sys.stdin:
    begun, worked = time.perf_counter(), time.process_time()
    ask(model)
    print(json.dumps({"seconds": time.perf_counter() - begun, "worked": time.process_time() - worked}), flush=True)
