"""Tiny Stable Diffusions with random weights, 1.x, 2.x and XL, and what diffusers makes of them.

Usage: stable_diffusion.py FOLDER [NAME...], where the names are those of functions below: classic, seeing, second, xl.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from PIL import Image
from safetensors.torch import load_file, save_file

from parts import NEGATIVE, PROMPT, clip, clip_tokenizer, loud, picture, published, write

HEIGHT, WIDTH, STEPS = 64, 80, 4
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
CROSS, PLAIN = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D"), ("DownBlock2D", "UpBlock2D")


def vae():
    torch.manual_seed(3)
    return loud(AutoencoderKL(
        latent_channels=4, block_out_channels=(8, 8, 16, 16), layers_per_block=1, norm_num_groups=4, sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, force_upcast=False,
    ))


def unet(inputs=4, **more):
    torch.manual_seed(4)
    settings = dict(
        in_channels=inputs, sample_size=8, block_out_channels=(16, 32), layers_per_block=1, cross_attention_dim=32,
        attention_head_dim=4, norm_num_groups=4, down_block_types=(CROSS[0], PLAIN[0]), up_block_types=(PLAIN[1], CROSS[1]),
    )
    return loud(UNet2DConditionModel(**(settings | more)))


def samplers():
    """By the name that callers use: the class, and what distinguishes it."""
    multistep, linspace = DPMSolverMultistepScheduler, {}
    yield "euler", EulerDiscreteScheduler, linspace
    yield "euler_a", EulerAncestralDiscreteScheduler, linspace
    yield "euler_trailing", EulerDiscreteScheduler, dict(timestep_spacing="trailing")
    yield "euler_leading", EulerDiscreteScheduler, dict(timestep_spacing="leading", steps_offset=1)
    yield "euler_karras", EulerDiscreteScheduler, dict(use_karras_sigmas=True)
    yield "euler_velocity", EulerDiscreteScheduler, dict(
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing"
    )
    yield "multistep", multistep, linspace
    yield "multistep_leading", multistep, dict(timestep_spacing="leading", steps_offset=1)
    yield "multistep_karras", multistep, dict(use_karras_sigmas=True)
    yield "multistep_velocity", multistep, dict(prediction_type="v_prediction")
    yield "stochastic", multistep, dict(algorithm_type="sde-dpmsolver++")
    yield "stochastic_karras", multistep, dict(algorithm_type="sde-dpmsolver++", use_karras_sigmas=True)
    yield "unified", UniPCMultistepScheduler, linspace
    yield "unified_karras", UniPCMultistepScheduler, dict(use_karras_sigmas=True)
    yield "consistency", LCMScheduler, linspace
    yield "implicit", DDIMScheduler, dict(steps_offset=1, clip_sample=False, set_alpha_to_one=False)
    yield "implicit_velocity", DDIMScheduler, dict(prediction_type="v_prediction", clip_sample=False)


def walk(scheduler, steps, skip, noise, clean):
    """A walk with a network that says something simple: times, and the latents at the end."""
    generator = torch.Generator().manual_seed(11)
    scheduler.set_timesteps(steps)
    times = scheduler.timesteps[skip:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(skip)
    latents = scheduler.add_noise(clean, noise, times[:1]) if skip else noise * scheduler.init_noise_sigma
    takes = "generator" in scheduler.step.__code__.co_varnames
    for time in times:
        said = torch.sin(scheduler.scale_model_input(latents, time) * 1.5 + float(time) / 500)
        latents = scheduler.step(said, time, latents, **(dict(generator=generator) if takes else {})).prev_sample
    return times.float(), latents


def plms():
    """As `samplers`, for the linear multistep method that 1.x and 2.x were published with."""
    published = dict(skip_prk_steps=True, steps_offset=1)
    yield "plms", PNDMScheduler, published
    yield "plms_velocity", PNDMScheduler, published | dict(prediction_type="v_prediction")
    yield "plms_linspace", PNDMScheduler, published | dict(timestep_spacing="linspace", set_alpha_to_one=True)
    yield "plms_trailing", PNDMScheduler, published | dict(timestep_spacing="trailing")


def walks(all=samplers):
    out = {}
    noise = torch.randn((1, 4, 4, 4), generator=torch.Generator().manual_seed(9))
    clean = torch.randn((1, 4, 4, 4), generator=torch.Generator().manual_seed(10))
    out["noise"], out["clean"] = noise, clean
    for name, kind, settings in all():
        for steps, skip in ((7, 0), (20, 0), (7, 3), (1, 0)):
            scheduler = kind(**BETAS, **settings)
            times, latents = walk(scheduler, steps, skip, noise, clean)
            out[f"{name}.{steps}.{skip}.times"], out[f"{name}.{steps}.{skip}.latents"] = times, latents
    return out


def halved(folder):
    """Weights as they are published most often: in half precision. Done before anything is computed with them."""
    for path in folder.rglob("*.safetensors"):
        if path.name != "reference.safetensors" and not path.name.startswith("lora"):
            save_file({name: tensor.half() for name, tensor in load_file(str(path)).items()}, str(path))


def rounded(model):
    return model.half().float()


def lora(layers, rank=2, seed=6):
    """Low-rank pairs for layers of the U-Net, as (module name, down, up, alpha)."""
    torch.manual_seed(seed)
    for name, module in layers:
        weight = module.weight
        if weight.ndim == 4:
            down = torch.randn(rank, weight.shape[1], *weight.shape[2:]) / weight[0].numel() ** 0.5
            yield name, down, torch.randn(weight.shape[0], rank, 1, 1), 1.0
        else:
            down = torch.randn(rank, weight.shape[1]) / weight.shape[1] ** 0.5
            yield name, down, torch.randn(weight.shape[0], rank), 1.0


@torch.no_grad()
def merged(model, pairs, scale):
    modules = dict(model.named_modules())
    for name, down, up, alpha in pairs:
        weight = modules[name].weight
        change = up.flatten(1) @ down.flatten(1) * (scale * alpha / down.shape[0])
        weight.copy_(weight + change.reshape(weight.shape))


@torch.no_grad()
def classic(folder):
    tokenizer = clip_tokenizer(folder / "tokenizer")
    parts = dict(
        vae=rounded(vae()), text_encoder=rounded(clip(len(tokenizer), seed=2)), tokenizer=tokenizer, unet=rounded(unet()),
        scheduler=PNDMScheduler(**BETAS, skip_prk_steps=True, steps_offset=1, timestep_spacing="leading"), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe = StableDiffusionPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder)
    halved(folder)
    out = walks()
    ids = tokenizer(PROMPT, padding="max_length", max_length=77, return_tensors="pt").input_ids
    out["ids"] = ids
    encoded = pipe.text_encoder(ids, output_hidden_states=True)
    out["last"], out["pooled"] = encoded.last_hidden_state, encoded.pooler_output
    words = encoded.last_hidden_state
    latents = torch.randn((2, 4, 9, 7), generator=torch.Generator().manual_seed(5))
    out["latents"] = latents
    out["said"] = pipe.unet(latents, torch.tensor(341.5), words.repeat(2, 1, 1)).sample
    given = picture(HEIGHT, WIDTH)
    out["given"] = (given * 255).to(torch.uint8)
    out["mean"] = pipe.vae.encode(given * 2 - 1).latent_dist.mean * pipe.vae.config.scaling_factor
    wide = torch.randn((1, 4, 12, 20), generator=torch.Generator().manual_seed(8))
    out["wide"] = wide
    out["decoded"] = pipe.vae.decode(wide / pipe.vae.config.scaling_factor).sample
    pipe.vae.enable_tiling()
    out["tiled"] = pipe.vae.decode(wide / pipe.vae.config.scaling_factor).sample
    pipe.vae.disable_tiling()

    seed = lambda: torch.Generator().manual_seed(7)
    call = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS, output_type="pt", return_dict=False)
    size = dict(height=HEIGHT, width=WIDTH)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    out["drawn"] = pipe(**call, **size, guidance_scale=7.5, num_images_per_prompt=2, generator=seed())[0]
    # Where this version of diffusers looks for what newer text encoders have at the top.
    object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)
    out["drawn_skipping"] = pipe(**call, **size, guidance_scale=1.0, clip_skip=1, generator=seed())[0]

    image = Image.fromarray((given[0].permute(1, 2, 0) * 255).to(torch.uint8).numpy())
    covered = torch.zeros(1, 1, HEIGHT, WIDTH)
    covered[..., 16:50, 24:70] = 1
    out["mask"] = (covered * 255).to(torch.uint8)
    mask = Image.fromarray((covered[0, 0] * 255).to(torch.uint8).numpy())
    config = pipe.scheduler.config
    second = StableDiffusionImg2ImgPipeline(**parts)
    second.set_progress_bar_config(disable=True)
    second.scheduler = EulerAncestralDiscreteScheduler.from_config(config)
    out["drawn_again"] = second(**call, image=image, strength=0.6, guidance_scale=5.0, generator=seed())[0]
    third = StableDiffusionInpaintPipeline(**parts)
    third.set_progress_bar_config(disable=True)
    for name, scheduler, strength in (
        ("painted", DPMSolverMultistepScheduler.from_config(config, use_karras_sigmas=True), 0.75),
        ("painted_anew", EulerAncestralDiscreteScheduler.from_config(config), 1.0),
    ):
        third.scheduler = scheduler
        out[name] = third(
            **call, **size, image=image, mask_image=mask, strength=strength, guidance_scale=5.0, generator=seed()
        )[0]

    wanted = ("to_q", "to_v", "to_out.0", "ff.net.0.proj", "proj_in", "conv1", "downsamplers.0.conv")
    pairs = list(lora([(n, m) for n, m in pipe.unet.named_modules() if n.endswith(wanted)]))
    plain, flat = {}, {}
    for name, down, up, alpha in pairs:
        plain |= {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up, f"unet.{name}.alpha": torch.tensor(alpha)}
        short = "lora_unet_" + name.replace(".", "_")
        flat |= {f"{short}.lora_down.weight": down, f"{short}.lora_up.weight": up, f"{short}.alpha": torch.tensor(alpha)}
    save_file(plain, str(folder / "lora.safetensors"))
    save_file(flat, str(folder / "lora_flat.safetensors"))
    merged(pipe.unet, pairs, 0.7)
    out["drawn_with_lora"] = pipe(**call, **size, guidance_scale=7.5, generator=seed())[0]
    published(folder)
    write(folder, out)


@torch.no_grad()
def seeing(folder):
    """A U-Net that was made for inpainting: it sees the mask and what is around it."""
    source = folder.parent / "classic"
    pipe = StableDiffusionInpaintPipeline.from_pretrained(source, unet=rounded(unet(9)), safety_checker=None, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    pipe.unet.save_pretrained(folder / "unet")
    halved(folder)
    given = load_file(str(source / "reference.safetensors"))
    image = Image.fromarray(given["given"][0].permute(1, 2, 0).contiguous().numpy())
    mask = Image.fromarray(given["mask"][0, 0].contiguous().numpy())
    out = {}
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    for name, strength in (("painted", 0.8), ("painted_anew", 1.0)):
        out[name] = pipe(
            prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS, height=HEIGHT, width=WIDTH, image=image,
            mask_image=mask, strength=strength, guidance_scale=5.0, generator=torch.Generator().manual_seed(7),
            output_type="pt", return_dict=False,
        )[0]
    write(folder, out)


@torch.no_grad()
def second(folder):
    """2.x: a text encoder of OpenCLIP's kind, heads by block, and a network that says velocities."""
    tokenizer = clip_tokenizer(folder / "tokenizer", pad="!")
    network = unet(cross_attention_dim=48, attention_head_dim=(2, 4), use_linear_projection=True, upcast_attention=True)
    scheduler = DDIMScheduler(**BETAS, prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    parts = dict(
        vae=rounded(vae()), text_encoder=rounded(clip(len(tokenizer), seed=5, hidden_size=48)), tokenizer=tokenizer,
        unet=rounded(network), scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )
    pipe = StableDiffusionPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder)
    halved(folder)
    out = walks(plms)
    loud_prompt = "A fox! Look at it!! <|endoftext|> Now."
    for name, prompt in (("ids", PROMPT), ("ids_loud", loud_prompt)):
        out[name] = tokenizer(prompt, padding="max_length", max_length=77, return_tensors="pt").input_ids
    words = pipe.text_encoder(out["ids"]).last_hidden_state
    latents = torch.randn((2, 4, 9, 7), generator=torch.Generator().manual_seed(5))
    out["last"], out["latents"] = words, latents
    out["said"] = pipe.unet(latents, torch.tensor(341.5), words.repeat(2, 1, 1)).sample
    seed = lambda: torch.Generator().manual_seed(7)
    call = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS, output_type="pt", return_dict=False)
    size = dict(height=HEIGHT, width=WIDTH)
    out["drawn"] = pipe(**call, **size, guidance_scale=7.5, generator=seed())[0]
    given = picture(HEIGHT, WIDTH)
    out["given"] = (given * 255).to(torch.uint8)
    image = Image.fromarray((given[0].permute(1, 2, 0) * 255).to(torch.uint8).numpy())
    covered = torch.zeros(1, 1, HEIGHT, WIDTH)
    covered[..., 16:50, 24:70] = 1
    out["mask"] = (covered * 255).to(torch.uint8)
    mask = Image.fromarray((covered[0, 0] * 255).to(torch.uint8).numpy())
    again = StableDiffusionImg2ImgPipeline(**parts)
    again.scheduler = PNDMScheduler.from_config(scheduler.config, skip_prk_steps=True)
    painter = StableDiffusionInpaintPipeline(**parts)
    painter.scheduler = EulerDiscreteScheduler.from_config(scheduler.config)
    for one in (again, painter):
        one.set_progress_bar_config(disable=True)
    out["drawn_again"] = again(**call, image=image, strength=0.6, guidance_scale=5.0, generator=seed())[0]
    out["painted"] = painter(
        **call, **size, image=image, mask_image=mask, strength=0.75, guidance_scale=5.0, generator=seed()
    )[0]
    first = StableDiffusionPipeline.from_pretrained(folder.parent / "classic", safety_checker=None, torch_dtype=torch.float32)
    first.set_progress_bar_config(disable=True)
    out["classic"] = first(**call, **size, guidance_scale=7.5, generator=seed())[0]
    published(folder)
    # As it was published: each method spaces its steps as it does by itself.
    settings = folder / "scheduler" / "scheduler_config.json"
    own = json.loads(settings.read_text())
    del own["timestep_spacing"]
    settings.write_text(json.dumps(own, indent=2) + "\n")
    # And the padding is said beside the tokenizer's own settings, which say something else.
    settings = folder / "tokenizer" / "tokenizer_config.json"
    settings.write_text(settings.read_text().replace('"pad_token": "!"', '"pad_token": "<|endoftext|>"'))
    (folder / "tokenizer" / "special_tokens_map.json").write_text('{"pad_token": "!"}')
    write(folder, out)


@torch.no_grad()
def xl(folder):
    tokenizers = [clip_tokenizer(folder / "tokenizer"), clip_tokenizer(folder / "tokenizer_2")]
    vocab = len(tokenizers[0])
    network = unet(
        cross_attention_dim=64, transformer_layers_per_block=(1, 2), attention_head_dim=(2, 4), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=48 + 32,
        down_block_types=(PLAIN[0], CROSS[0]), up_block_types=(CROSS[1], PLAIN[1]),
    )
    parts = dict(
        vae=rounded(vae()), text_encoder=rounded(clip(vocab, seed=2)), tokenizer=tokenizers[0],
        text_encoder_2=rounded(clip(vocab, projection=32, seed=5)), tokenizer_2=tokenizers[1], unet=rounded(network),
        scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1), add_watermarker=False,
        force_zeros_for_empty_prompt=True,
    )
    pipe = StableDiffusionXLPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder)
    halved(folder)
    out = {}
    for name, tokenizer in zip(("ids", "ids_2"), tokenizers):
        out[name] = tokenizer(PROMPT, padding="max_length", max_length=77, return_tensors="pt").input_ids
    words, _, pooled, _ = pipe.encode_prompt(PROMPT, do_classifier_free_guidance=False)
    out["words"], out["pooled"] = words, pooled
    latents = torch.randn((1, 4, 8, 10), generator=torch.Generator().manual_seed(5))
    sizes = torch.tensor([[64.0, 80.0, 0.0, 0.0, 64.0, 80.0]])
    out["latents"] = latents
    out["said"] = pipe.unet(
        latents, torch.tensor(341.5), words, added_cond_kwargs=dict(text_embeds=pooled, time_ids=sizes)
    ).sample
    call = dict(prompt=PROMPT, num_inference_steps=STEPS, guidance_scale=6.0, output_type="pt", return_dict=False)
    seed = lambda: torch.Generator().manual_seed(7)
    out["drawn"] = pipe(**call, height=HEIGHT, width=WIDTH, generator=seed())[0]
    out["drawn_away"] = pipe(**call, height=HEIGHT, width=WIDTH, negative_prompt=NEGATIVE, generator=seed())[0]
    given = picture(HEIGHT, WIDTH)
    out["given"] = (given * 255).to(torch.uint8)
    image = Image.fromarray((given[0].permute(1, 2, 0) * 255).to(torch.uint8).numpy())
    second = StableDiffusionXLImg2ImgPipeline(**parts)
    second.set_progress_bar_config(disable=True)
    second.scheduler = UniPCMultistepScheduler.from_config(pipe.scheduler.config)
    out["drawn_again"] = second(**call, image=image, strength=0.8, negative_prompt=NEGATIVE, generator=seed())[0]
    published(folder)
    for part in ("text_encoder_2",):
        for path in (folder / part).glob("*.safetensors"):
            names = load_file(str(path))
            old = {n if n.startswith(("text_model.", "text_projection")) else f"text_model.{n}": t for n, t in names.items()}
            save_file(old, str(path))
    write(folder, out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    for make in (classic, seeing, second, xl):
        if make.__name__ in (sys.argv[2:] or make.__name__):
            make(root / make.__name__)
