"""Tiny parts with random weights, of the kinds that the flow-matching families are made of."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

PROMPT = "A small red fox, sitting on an old wooden bridge at dawn; oil painting"
NEGATIVE = "blurry, low quality"
WORDS = [
    PROMPT,
    NEGATIVE,
    "the quick brown fox jumps over the lazy dog while a photo of a cat by the sea shows light and shade",
    "a portrait of an astronaut riding a horse on the moon, highly detailed, cinematic, 35mm, 1024",
]


def loud(model, gain=1.0):
    """Weights large enough that every layer matters to the outcome, norms away from one, biases from nought."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                base = 1.0 if name.endswith("weight") else 0.0
                parameter.copy_(base + 0.1 * torch.randn_like(parameter))
            else:
                fan = parameter[0].numel()
                parameter.copy_(gain * torch.randn_like(parameter) / fan**0.5)
    return model.eval()


def clip_tokenizer(folder, pad="<|endoftext|>"):
    """Byte-level pairs as CLIP has them, written as the published repositories lay them out."""
    trained = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    trained.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=640, end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train_from_iterator(WORDS, trainer)
    model = json.loads(trained.to_str())["model"]
    vocab = dict(model["vocab"])
    for letter in pre_tokenizers.ByteLevel.alphabet():
        for token in (letter, letter + "</w>"):
            vocab.setdefault(token, len(vocab))
    for token in ("<|startoftext|>", "<|endoftext|>"):
        vocab[token] = len(vocab)
    merges = ["#version: 0.2"] + [" ".join(pair) for pair in model["merges"]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>", "pad_token": pad, "unk_token": "<|endoftext|>",
    }))
    return CLIPTokenizer.from_pretrained(folder)


def clip(vocab, projection=None, seed=1, hidden_size=32):
    torch.manual_seed(seed)
    config = CLIPTextConfig(
        vocab_size=vocab, hidden_size=hidden_size, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        projection_dim=projection or hidden_size, hidden_act="gelu" if seed % 2 else "quick_gelu",
        bos_token_id=vocab - 2, eos_token_id=vocab - 1, pad_token_id=vocab - 1,
    )
    kind = CLIPTextModelWithProjection if projection else CLIPTextModel
    return loud(kind(config))


def t5_tokenizer(folder):
    trained = Tokenizer(models.Unigram())
    trained.normalizer = normalizers.Sequence([normalizers.NFKC()])
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    trained.train_from_iterator(WORDS, trainer)
    end = trained.token_to_id("</s>")
    trained.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", end)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=trained, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )
    fast.save_pretrained(folder)
    return fast


def t5(vocab, width=32, seed=2):
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=vocab, d_model=width, d_kv=8, d_ff=64, num_layers=3, num_heads=4, feed_forward_proj="gated-gelu",
        is_encoder_decoder=False, use_cache=False, tie_word_embeddings=False,
    )
    return loud(T5EncoderModel(config), gain=0.5)


def vae(seed=3):
    torch.manual_seed(seed)
    model = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=16, block_out_channels=(8, 8, 16, 16), layers_per_block=1,
        norm_num_groups=4, sample_size=64, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False,
        use_post_quant_conv=False, mid_block_add_attention=True, force_upcast=False,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )
    return loud(model)


def picture(height, width):
    """A smooth picture in [0, 1], (1, 3, height, width)."""
    y = torch.linspace(0, 1, height)[:, None]
    x = torch.linspace(0, 1, width)[None, :]
    planes = [x + 0 * y, y + 0 * x, (torch.sin(6 * x) * torch.cos(5 * y) + 1) / 2]
    return (torch.stack(planes)[None] * 255).round() / 255


def published(folder):
    """Names and files as the published repositories have them, which older libraries wrote."""
    for tokenizer in ("tokenizer", "tokenizer_2"):
        if (folder / tokenizer / "vocab.json").exists():
            (folder / tokenizer / "tokenizer.json").unlink(missing_ok=True)
    for path in sorted((folder / "text_encoder").glob("model*")):
        if path.suffix == ".safetensors":
            tensors = load_file(str(path))
            if any(name.startswith("embeddings.") or name.startswith("encoder.") for name in tensors):
                save_file({f"text_model.{name}": tensor for name, tensor in tensors.items()}, str(path))


def write(folder, tensors):
    """Reference tensors, in single precision."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    plain = {
        name: (tensor if tensor.dtype in (torch.int64, torch.uint8) else tensor.float()).detach().clone().contiguous()
        for name, tensor in tensors.items()
    }
    save_file(plain, str(Path(folder) / "reference.safetensors"))
