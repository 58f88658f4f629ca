"""A tiny Z-Image with random weights and what diffusers makes of it. Usage: z_image.py FOLDER"""

import sys
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImageImg2ImgPipeline, ZImagePipeline, ZImageTransformer2DModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from parts import NEGATIVE, PROMPT, WORDS, loud, picture, vae, write

HEIGHT, WIDTH, STEPS = 64, 96, 3
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(folder):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    )
    trained.train_from_iterator([*WORDS, "user assistant"] * 2, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=trained, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return fast


def reader(vocab):
    torch.manual_seed(2)
    return loud(Qwen3ForCausalLM(Qwen3Config(
        vocab_size=vocab, hidden_size=40, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=1024, rope_theta=1000000.0, rms_norm_eps=1e-6,
        tie_word_embeddings=True,
    )))


def transformer():
    torch.manual_seed(4)
    return loud(ZImageTransformer2DModel(
        in_channels=16, dim=48, n_layers=2, n_refiner_layers=1, n_heads=3, n_kv_heads=3, cap_feat_dim=40,
        axes_dims=[4, 6, 6], axes_lens=[256, 64, 64],
    ), gain=0.7)


@torch.no_grad()
def main(folder):
    words_of = tokenizer(folder / "tokenizer")
    pipe = ZImagePipeline(
        FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0, use_dynamic_shifting=False),
        vae(), reader(len(words_of)), words_of, transformer(),
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder)
    out = {}
    words, negative = pipe.encode_prompt(PROMPT, negative_prompt=NEGATIVE)
    out["words"], out["negative"] = words[0], negative[0]
    text = words_of.apply_chat_template(
        [{"role": "user", "content": PROMPT}], tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    out["ids"] = words_of(text, return_tensors="pt").input_ids
    latents = torch.randn((1, 16, HEIGHT // 8, WIDTH // 8), generator=torch.Generator().manual_seed(5))
    out["latents"] = latents
    out["velocity"] = pipe.transformer([latents[0].unsqueeze(1)], torch.tensor([0.3]), [words[0]], return_dict=False)[0][
        0
    ].squeeze(1)
    call = dict(prompt=PROMPT, height=HEIGHT, width=WIDTH, num_inference_steps=STEPS, return_dict=False)
    seed = lambda: torch.Generator().manual_seed(7)
    out["drawn"] = pipe(**call, guidance_scale=0.0, generator=seed(), output_type="pt")[0]
    out["guided"] = pipe(
        **call, negative_prompt=NEGATIVE, guidance_scale=2.0, generator=seed(), output_type="pt"
    )[0]
    again = ZImageImg2ImgPipeline(**pipe.components)
    again.set_progress_bar_config(disable=True)
    given = picture(HEIGHT, WIDTH)
    out["given"] = (given * 255).round().to(torch.uint8)
    out["redrawn"] = again(
        **call, image=given, strength=0.6, guidance_scale=0.0, generator=seed(), output_type="pt"
    )[0]
    write(folder, out)


main(Path(sys.argv[1]))
