"""CLIP's tokenizer and text encoder in small, as published folders hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from answerprint.backends.text import Text

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
WIDTH = 16
MERGES = (("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>"), ("r", "e"), ("re", "d</w>"))

FULL_TEXT: dict[str, Any] = {
    "hidden_act": "gelu",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "max_position_embeddings": 77,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,
    "projection_dim": 512,
    "vocab_size": 49408,
}
"""OpenCLIP ViT-H without its last layer, as the folders of SD 2.x and of the x4 upscaler have it."""


def small_vocabulary() -> dict[str, int]:
    """All bytes, alone and at the end of a word, then the merges, then the two tokens at the ends, as CLIP has them."""
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in MERGES), BEGIN, END]
    return {word: number for number, word in enumerate(words)}


def text_config() -> dict[str, Any]:
    """Two layers of 16 numbers per token."""
    config = CLIPTextConfig(
        vocab_size=len(small_vocabulary()),
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        hidden_act="gelu",
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )
    return dict(config.to_dict())


def small_text_encoder(seed: int = 0) -> CLIPTextModel:
    """Random weights, larger than CLIP's first ones, so that prompts differ by more than rounding."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = CLIPTextModel(CLIPTextConfig.from_dict(text_config())).eval()
        for weight in encoder.parameters():
            weight.data.normal_(0, 0.5)
    return encoder


def small_text(seed: int = 0) -> Text:
    """What `write_text` writes, without files."""
    ends = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": "!"}
    return Text(CLIPTokenizer(vocab=small_vocabulary(), merges=list(MERGES), **ends), small_text_encoder(seed))


def write_text(folder: Path, seed: int = 0, *, pad: str = "!") -> None:
    """`tokenizer/` and `text_encoder/` of a model folder, in the layout and with the names of published ones."""
    tokenizer, encoder = folder / "tokenizer", folder / "text_encoder"
    for part in (tokenizer, encoder):
        part.mkdir(parents=True, exist_ok=True)
    (tokenizer / "vocab.json").write_text(json.dumps(small_vocabulary(), ensure_ascii=False), encoding="utf-8")
    rows = "\n".join(" ".join(pair) for pair in MERGES)
    (tokenizer / "merges.txt").write_text(f"#version: 0.2\n{rows}\n", encoding="utf-8")
    ways = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    ends = {"bos_token": {"content": BEGIN, **ways}, "eos_token": {"content": END, **ways}}
    config = {
        "pad_token": END,  # SD 2.x says this here, and "!" in the other file, which decides
        "unk_token": {"__type": "AddedToken", "content": END, **ways},
        "model_max_length": 77,
        "tokenizer_class": "CLIPTokenizer",
    }
    special = {**ends, "unk_token": END, "pad_token": pad}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(config))
    (tokenizer / "special_tokens_map.json").write_text(json.dumps(special))
    (encoder / "config.json").write_text(json.dumps(text_config()))
    weights = {f"text_model.{name}": t.contiguous() for name, t in small_text_encoder(seed).state_dict().items()}
    save_file(weights, encoder / "model.safetensors", metadata={"format": "pt"})
