"""A tiny FLUX.1 with random weights and what diffusers makes of it. Usage: flux.py FOLDER"""

import sys
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxImg2ImgPipeline, FluxPipeline, FluxTransformer2DModel

from parts import PROMPT, clip, clip_tokenizer, loud, picture, published, t5, t5_tokenizer, vae, write

HEIGHT, WIDTH, STEPS = 64, 96, 3
TOKENS = 24


def transformer(guidance):
    torch.manual_seed(4)
    return loud(FluxTransformer2DModel(
        in_channels=64, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, guidance_embeds=guidance, axes_dims_rope=(4, 6, 6),
    ))


@torch.no_grad()
def main(folder):
    tokenizers = [clip_tokenizer(folder / "tokenizer"), t5_tokenizer(folder / "tokenizer_2")]
    pipe = FluxPipeline(
        FlowMatchEulerDiscreteScheduler(
            base_shift=0.5, max_shift=1.15, base_image_seq_len=256, max_image_seq_len=4096, shift=3.0, use_dynamic_shifting=True
        ),
        vae(), clip(len(tokenizers[0])), tokenizers[0], t5(len(tokenizers[1])), tokenizers[1], transformer(True),
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder, max_shard_size="400KB")
    out = {}
    words, pooled, _ = pipe.encode_prompt(PROMPT, max_sequence_length=TOKENS)
    out["clip_ids"] = tokenizers[0](PROMPT, padding="max_length", max_length=77, return_tensors="pt").input_ids
    out["t5_ids"] = tokenizers[1](
        PROMPT, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    out["words"], out["pooled"] = words, pooled

    latents = torch.randn((1, 16, HEIGHT // 8, WIDTH // 8), generator=torch.Generator().manual_seed(5))
    packed = pipe._pack_latents(latents, 1, 16, HEIGHT // 8, WIDTH // 8)
    ids = pipe._prepare_latent_image_ids(1, HEIGHT // 16, WIDTH // 16, "cpu", torch.float32)
    arguments = dict(
        hidden_states=packed, timestep=torch.tensor([0.7]), pooled_projections=pooled, encoder_hidden_states=words,
        txt_ids=torch.zeros(TOKENS, 3), img_ids=ids, return_dict=False,
    )
    unpack = lambda x: pipe._unpack_latents(x, HEIGHT, WIDTH, 8)
    out["latents"] = latents
    out["velocity"] = unpack(pipe.transformer(**arguments, guidance=torch.tensor([3.5]))[0])
    schnell = transformer(False)
    schnell.load_state_dict(pipe.transformer.state_dict(), strict=False)
    out["velocity_without_guidance"] = unpack(schnell(**arguments)[0])

    call = dict(
        prompt=PROMPT, height=HEIGHT, width=WIDTH, num_inference_steps=STEPS, max_sequence_length=TOKENS, return_dict=False
    )
    seed = lambda: torch.Generator().manual_seed(7)
    out["drawn"] = pipe(**call, guidance_scale=3.5, generator=seed(), output_type="pt")[0]
    out["sigmas"] = pipe.scheduler.sigmas
    out["two"] = pipe(**call, guidance_scale=3.5, num_images_per_prompt=2, generator=seed(), output_type="pt")[0]

    given = picture(HEIGHT, WIDTH)
    out["given"] = (given * 255).round().to(torch.uint8)
    again = FluxImg2ImgPipeline(**pipe.components)
    again.set_progress_bar_config(disable=True)
    out["redrawn"] = again(
        **call, image=given, strength=0.6, guidance_scale=3.5, generator=seed(), output_type="pt"
    )[0]

    lora = {}
    torch.manual_seed(9)
    for name in ("transformer_blocks.0.attn.to_q", "transformer_blocks.1.ff.net.0.proj", "single_transformer_blocks.1.proj_out"):
        weight = pipe.transformer.get_submodule(name).weight
        lora[f"transformer.{name}.lora_A.weight"] = torch.randn(4, weight.shape[1]) / 4
        lora[f"transformer.{name}.lora_B.weight"] = torch.randn(weight.shape[0], 4) / 4
    from safetensors.torch import save_file
    save_file(lora, str(folder / "lora.safetensors"))
    pipe.load_lora_weights(str(folder), weight_name="lora.safetensors", adapter_name="x")
    pipe.set_adapters(["x"], [0.8])
    out["velocity_lora"] = unpack(pipe.transformer(**arguments, guidance=torch.tensor([3.5]))[0])

    schedules = {}
    for name, config in {
        "flux": dict(base_shift=0.5, max_shift=1.15, shift=3.0, use_dynamic_shifting=True),
        "plain": dict(shift=3.0), "schnell": dict(shift=1.0),
    }.items():
        for steps in (1, 4, 28):
            from diffusers.pipelines.flux.pipeline_flux import calculate_shift
            import numpy as np
            scheduler = FlowMatchEulerDiscreteScheduler(**config)
            scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=calculate_shift(3072))
            out[f"sigmas_{name}_{steps}"] = scheduler.sigmas
            scheduler.set_timesteps(steps, mu=calculate_shift(3072))
            out[f"default_sigmas_{name}_{steps}"] = scheduler.sigmas
    published(folder)
    write(folder, out)


main(Path(sys.argv[1]))
