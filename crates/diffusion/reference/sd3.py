"""A tiny Stable Diffusion 3.5 with random weights and what diffusers makes of it. Usage: sd3.py FOLDER"""

import sys
from pathlib import Path

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)

from parts import NEGATIVE, PROMPT, clip, clip_tokenizer, loud, published, t5, t5_tokenizer, vae, write

HEIGHT, WIDTH, STEPS = 64, 96, 3
TOKENS = 24


def transformer():
    torch.manual_seed(4)
    return loud(SD3Transformer2DModel(
        sample_size=16, patch_size=2, in_channels=16, num_layers=3, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=80, caption_projection_dim=32, pooled_projection_dim=56, out_channels=16,
        pos_embed_max_size=16, dual_attention_layers=(0,), qk_norm="rms_norm",
    ))


@torch.no_grad()
def main(folder):
    first, second = clip_tokenizer(folder / "tokenizer"), clip_tokenizer(folder / "tokenizer_2")
    third = t5_tokenizer(folder / "tokenizer_3")
    torch.manual_seed(2)
    pipe = StableDiffusion3Pipeline(
        transformer(), FlowMatchEulerDiscreteScheduler(shift=3.0), vae(),
        clip(len(first), 32, seed=2), first, clip(len(second), 24, seed=3), second, t5(len(third), width=80), third,
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder)
    out = {}
    words, negative, pooled, negative_pooled = pipe.encode_prompt(
        PROMPT, None, None, negative_prompt=NEGATIVE, max_sequence_length=TOKENS
    )
    out["words"], out["negative"], out["pooled"], out["negative_pooled"] = words, negative, pooled, negative_pooled
    latents = torch.randn((1, 16, HEIGHT // 8, WIDTH // 8), generator=torch.Generator().manual_seed(5))
    out["latents"] = latents
    out["velocity"] = pipe.transformer(
        hidden_states=latents, timestep=torch.tensor([700.0]), encoder_hidden_states=words, pooled_projections=pooled,
        return_dict=False,
    )[0]
    call = dict(
        prompt=PROMPT, negative_prompt=NEGATIVE, height=HEIGHT, width=WIDTH, num_inference_steps=STEPS, guidance_scale=3.5,
        max_sequence_length=TOKENS, return_dict=False,
    )
    out["drawn"] = pipe(**call, generator=torch.Generator().manual_seed(7), output_type="pt")[0]
    call["guidance_scale"] = 1.0
    out["unguided"] = pipe(**call, generator=torch.Generator().manual_seed(7), output_type="pt")[0]
    published(folder)
    write(folder, out)


main(Path(sys.argv[1]))
