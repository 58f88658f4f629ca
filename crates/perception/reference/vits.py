"""Tiny random weights of VITS, and what transformers makes of them. Usage: vits.py FOLDER"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import VitsConfig, VitsModel

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(3)

alphabet = ["|"] + list(" abcdefghijklmnopqrstuvwxyz'-_")
config = VitsConfig(
    vocab_size=len(alphabet), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=24, flow_size=8,
    spectrogram_bins=9, upsample_initial_channel=16, upsample_rates=[4, 2], upsample_kernel_sizes=[8, 4],
    resblock_kernel_sizes=[3, 5], resblock_dilation_sizes=[[1, 3], [1, 2]], wavenet_dilation_rate=2,
    duration_predictor_num_flows=3, prior_encoder_num_flows=2, prior_encoder_num_wavenet_layers=2,
    posterior_encoder_num_wavenet_layers=1)
model = VitsModel(config).eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        if name.startswith("posterior_encoder"):
            continue
        if "norm" in name and name.endswith("weight") and "weight_" not in name:
            weight.normal_(1, 0.2)
        elif "log_scale" in name or "translate" in name:
            weight.normal_(0, 0.3)
        elif name.startswith("duration_predictor") and name.endswith("conv_proj.weight"):
            weight.normal_(0, 0.5)
        elif "original0" in name:
            weight.normal_(1, 0.2)
        elif name.startswith("decoder"):
            weight.normal_(0, 0.15)
        else:
            weight.normal_(0, 0.2)
model.save_pretrained(folder)
kept = {name: value for name, value in load_file(folder / "model.safetensors").items()
        if not name.startswith(("posterior_encoder", "duration_predictor.post_"))}
save_file(kept, folder / "model.safetensors")
(folder / "vocab.json").write_text(json.dumps({letter: n for n, letter in enumerate(alphabet)}))
(folder / "tokenizer_config.json").write_text(json.dumps(
    {"add_blank": True, "normalize": True, "phonemize": False, "is_uroman": False, "language": "eng"}))

ids = [0]
for letter in "hello it's a small voice":
    ids += [alphabet.index(letter), 0]
ids = torch.tensor([ids])
kept = {}
model.flow.register_forward_hook(lambda module, inputs, output: kept.update(before=inputs[0], after=output))
model.duration_predictor.register_forward_hook(lambda module, inputs, output: kept.update(durations=output))
with torch.no_grad():
    mask = torch.ones(1, ids.shape[1], 1)
    hidden = model.text_encoder(ids, padding_mask=mask).last_hidden_state
    torch.manual_seed(42)
    waveform = model(ids).waveform
save_file({"ids": ids[0], "hidden": hidden[0].contiguous(), "durations": kept["durations"][0, 0].contiguous(),
           "before": kept["before"][0].T.contiguous(), "after": kept["after"][0].T.contiguous(),
           "waveform": waveform[0].contiguous()}, folder / "reference.safetensors")
print(kept["durations"], waveform.shape, waveform.std(), waveform.abs().max())
print([name for name in load_file(folder / "model.safetensors") if "wavenet" in name][:6])
