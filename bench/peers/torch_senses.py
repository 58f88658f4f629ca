"""Networks that hear, see and speak, of random weights, in PyTorch: written to a folder and asked for steps.

Usage: torch_senses.py NAME SIZE FOLDER. Says one JSON line when the folder is written, then one for each line of input.
"""

import json
import pathlib
import sys
import time

import torch
from transformers import (
    DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, GenerationConfig, Sam2Config, Sam2Model, VitsConfig,
    VitsModel, WhisperConfig, WhisperForConditionalGeneration)
from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig, Sam2VisionConfig

NAME, SIZE, FOLDER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
TINY = SIZE == "tiny"
LETTERS = ["|"] + list(" abcdefghijklmnopqrstuvwxyz'-_")
TEXT = "the quick brown fox jumps over the lazy dog"


def tokenizer():
    """As small as one can be: only the ids count."""
    from tokenizers import Tokenizer, models

    words = Tokenizer(models.BPE({"a": 0}, []))
    words.save(str(FOLDER / "tokenizer.json"))


def whisper():
    width, layers = (64, 2) if TINY else (512, 6)
    config = WhisperConfig(
        vocab_size=51865, d_model=width, encoder_layers=layers, decoder_layers=layers, encoder_attention_heads=width // 64,
        decoder_attention_heads=width // 64, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width, suppress_tokens=None,
        begin_suppress_tokens=None)
    model = WhisperForConditionalGeneration(config).eval()
    model.generation_config = GenerationConfig(
        decoder_start_token_id=50258, eos_token_id=50257, pad_token_id=50257, no_timestamps_token_id=50363)
    tokenizer()
    mel = torch.zeros(1, 80, 3000)
    if NAME == "whisper-hear":
        return model, lambda: model.model.encoder(mel)
    with torch.inference_mode():
        heard = model.model.encoder(mel).last_hidden_state

    def write():
        kept = None
        for token in range(16):
            done = model(
                encoder_outputs=(heard,), decoder_input_ids=torch.tensor([[token]]), past_key_values=kept, use_cache=True)
            kept = done.past_key_values

    return model, write


def depth():
    shape = (
        dict(hidden_size=48, num_hidden_layers=4, num_attention_heads=3, out_indices=[1, 2, 3, 4]) if TINY
        else dict(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, out_indices=[3, 6, 9, 12]))
    neck, fusion, head = ([6, 12, 24, 48], 16, 8) if TINY else ([48, 96, 192, 384], 64, 32)
    backbone = Dinov2Config(image_size=518, patch_size=14, reshape_hidden_states=False, **shape)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=shape["hidden_size"], neck_hidden_sizes=neck,
        fusion_hidden_size=fusion, head_hidden_size=head)).eval()
    (FOLDER / "preprocessor_config.json").write_text("{}")
    pixels = torch.randn(1, 3, 518, 518)
    return model, lambda: model(pixels)


def sam2():
    # The middle size is the smallest that is published.
    hiera = Sam2HieraDetConfig(hidden_size=24, embed_dim_per_stage=[24, 48, 96, 192]) if TINY else Sam2HieraDetConfig()
    model = Sam2Model(Sam2Config(vision_config=Sam2VisionConfig(
        backbone_config=hiera, backbone_channel_list=list(reversed(hiera.embed_dim_per_stage))))).eval()
    (FOLDER / "preprocessor_config.json").write_text("{}")
    pixels = torch.randn(1, 3, 1024, 1024)
    return model, lambda: model.get_image_embeddings(pixels)


def vits():
    shape = dict(hidden_size=32, num_hidden_layers=2, flow_size=32, upsample_initial_channel=64, ffn_dim=64) if TINY else {}
    model = VitsModel(VitsConfig(vocab_size=len(LETTERS), **shape)).eval()
    with torch.no_grad():
        # About five frames a letter, as in speech.
        model.duration_predictor.flows[0].translate.fill_(-1.6)
    voice = FOLDER / "eng"
    voice.mkdir()
    (voice / "vocab.json").write_text(json.dumps({letter: n for n, letter in enumerate(LETTERS)}))
    (voice / "tokenizer_config.json").write_text(json.dumps({"phonemize": False, "language": "eng"}))
    ids = [0]
    for letter in TEXT:
        ids += [LETTERS.index(letter), 0]
    ids = torch.tensor([ids])

    def say():
        torch.manual_seed(1)
        return model(ids)

    return model, say


torch.manual_seed(0)
torch.set_num_threads(1)
model, step = {"whisper-hear": whisper, "whisper-write": whisper, "depth": depth, "sam2": sam2, "vits": vits}[NAME]()
model.save_pretrained(FOLDER / "eng" if NAME == "vits" else FOLDER)
print(json.dumps({}), flush=True)
with torch.inference_mode():
    for _ in sys.stdin:
        begun, worked = time.perf_counter(), time.process_time()
        step()
        print(json.dumps({"seconds": time.perf_counter() - begun, "worked": time.process_time() - worked}), flush=True)
