"""Tiny random weights of Whisper, and what transformers makes of them. Usage: whisper.py FOLDER"""

import json
import pathlib
import sys

import numpy
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(7)

# A vocabulary of bytes, then the marks in the order of the published ones.
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE({letter: n for n, letter in enumerate(alphabet)}, []))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
marks = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|ja|>", "<|translate|>", "<|transcribe|>",
         "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in marks])
tokenizer.add_special_tokens([AddedToken(f"<|{n * 0.02:.2f}|>", special=True) for n in range(1501)])
tokenizer.save(str(folder / "tokenizer.json"))
at = {mark: tokenizer.token_to_id(mark) for mark in marks}

config = WhisperConfig(
    vocab_size=tokenizer.get_vocab_size(), num_mel_bins=80, d_model=32, encoder_layers=2, decoder_layers=2,
    encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
    max_source_positions=1500, max_target_positions=64, bos_token_id=at["<|endoftext|>"],
    eos_token_id=at["<|endoftext|>"], pad_token_id=at["<|endoftext|>"],
    decoder_start_token_id=at["<|startoftranscript|>"], suppress_tokens=None, begin_suppress_tokens=None)
model = WhisperForConditionalGeneration(config).eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        if weight.dim() > 1 and "encoder.embed_positions" not in name:
            weight.mul_(9 if "embed_tokens" in name else 5)
        elif "bias" in name:
            weight.normal_(0, 0.2)
model.generation_config = GenerationConfig(
    decoder_start_token_id=at["<|startoftranscript|>"], eos_token_id=at["<|endoftext|>"],
    pad_token_id=at["<|endoftext|>"], no_timestamps_token_id=at["<|notimestamps|>"],
    prev_sot_token_id=at["<|startofprev|>"], suppress_tokens=[1, 2, 7] + [at[mark] for mark in marks[1:-1]],
    begin_suppress_tokens=[5, at["<|endoftext|>"]], lang_to_id={mark: at[mark] for mark in marks[2:5]},
    task_to_id={"translate": at["<|translate|>"], "transcribe": at["<|transcribe|>"]}, is_multilingual=True,
    alignment_heads=[[0, 1], [1, 0], [1, 3]], max_initial_timestamp_index=50, max_length=64)
model.generation_config.save_pretrained(folder)
config.save_pretrained(folder)
model.save_pretrained(folder)
kept = {name: value for name, value in load_file(folder / "model.safetensors").items() if "proj_out" not in name}
save_file(kept, folder / "model.safetensors")

# 40 seconds of three tones that come and go: more than one window.
time = numpy.arange(40 * 16000) / 16000
sound = sum(numpy.sin(2 * numpy.pi * hertz * time) * (numpy.sin(2 * numpy.pi * rate * time) > 0) * 0.2
            for hertz, rate in [(220, 0.7), (880, 0.31), (3100, 1.3)]).astype(numpy.float32)
extract = WhisperFeatureExtractor(feature_size=80)
one = extract(sound[:30 * 16000], sampling_rate=16000, return_tensors="pt").input_features
long = extract(sound, sampling_rate=16000, return_tensors="pt", truncation=False, padding="longest",
               return_attention_mask=True)
options = dict(task="transcribe", language="de", do_sample=False)
with torch.no_grad():
    heard = model.model.encoder(one).last_hidden_state
    start = torch.tensor([[at["<|startoftranscript|>"], at["<|de|>"], at["<|transcribe|>"], 40, 41, 42]])
    logits = model(encoder_outputs=(heard,), decoder_input_ids=start).logits
    language = model.detect_language(one)
    windows = model.generate(long.input_features, attention_mask=long.attention_mask, return_timestamps=True,
                             return_segments=True, **options)
    words = model.generate(one, return_timestamps=True, return_token_timestamps=True, return_segments=True, **options)
segments = windows["segments"][0]
save_file({
    # In half precision: a picture of it, not its last digits.
    "mel": one[0, :, ::10].contiguous().half(), "heard": heard[0, ::10].contiguous(), "logits": logits[0].contiguous(),
    "language": language.to(torch.int64),
    "windows": torch.cat([segment["tokens"] for segment in segments]),
    "window_lengths": torch.tensor([len(segment["tokens"]) for segment in segments]),
    "window_times": torch.tensor([[float(segment["start"]), float(segment["end"])] for segment in segments]),
    "word_tokens": torch.cat([segment["tokens"] for segment in words["segments"][0]]),
    "word_times": torch.cat([segment["token_timestamps"] for segment in words["segments"][0]]).float(),
}, folder / "reference.safetensors")
