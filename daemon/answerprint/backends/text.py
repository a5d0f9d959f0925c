"""Prompt encoding: CLIP's tokenizer and text encoder, from the verified files of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AddedToken, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from answerprint.backends.weights import fill, parsing, read_weights
from answerprint.errors import ModelError
from answerprint.weights.verify import VerifiedModel

__all__ = ["Text", "fill_text_encoder", "load_text", "load_tokenizer"]

_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")

_PREFIX = "text_model."
"""Prefix of every name in published files; dropped by transformers 5."""


class Text:
    """A tokenizer and its text encoder.

    The encoder stays on the CPU: it encodes two prompts per job, and SD 2.1's would take 1.4 GB of the device's memory.
    """

    def __init__(self, tokenizer: CLIPTokenizer, encoder: CLIPTextModel) -> None:
        """Raises ModelError if the tokenizer's vocabulary is larger than the encoder's."""
        if len(tokenizer) > encoder.config.vocab_size:
            raise ModelError(
                f"The tokenizer has {len(tokenizer)} tokens, but the text encoder only {encoder.config.vocab_size}.",
                "Download the model again from its source.",
            )
        self._tokenizer = tokenizer
        self._encoder = encoder.eval().requires_grad_(False)
        self.length: int = encoder.config.max_position_embeddings
        """Tokens of an encoded prompt: 77."""
        self.width: int = encoder.config.hidden_size
        """Numbers per token, C."""

    def tokens(self, prompts: Sequence[str]) -> Tensor:
        """Token ids [B, 77], truncated or padded as in diffusers' pipelines."""
        read = self._tokenizer(
            list(prompts), padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        )
        ids: Tensor = read.input_ids
        return ids

    @torch.no_grad()
    def encode(self, prompts: Sequence[str], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
        """The encoder's last hidden state [B, 77, C], after its final norm, of `prompts`."""
        hidden: Tensor = self._encoder(self.tokens(prompts))[0]
        return hidden.to(device, dtype)


def load_text(model: VerifiedModel) -> Text:
    """Load tokenizer and encoder from the folders `tokenizer` and `text_encoder` of `model`.

    Raises ModelError if files are missing or do not match.
    """
    config = model.read_json("text_encoder/config.json")
    path = model.path("text_encoder/model.safetensors")
    with parsing(path.parent):
        encoder = fill_text_encoder(config, read_weights(path))
    return Text(load_tokenizer(model), encoder)


def fill_text_encoder(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> CLIPTextModel:
    """CLIP's text encoder with configuration `config` and `weights`, for inference; draws no random numbers.

    The weights have the names of published files or of transformers 5. Raises TypeError or ValueError if they do not
    match the network; `weights.parsing` translates these.
    """
    with torch.device("meta"):
        encoder = CLIPTextModel(CLIPTextConfig.from_dict(dict(config)))
    wanted = set(encoder.state_dict())
    named = {_current(name, wanted): tensor for name, tensor in weights.items()}
    # Files written before transformers 4.31 contain the positions 0..76, which are not weights.
    fill(encoder, {name: tensor for name, tensor in named.items() if not name.endswith("position_ids")})
    for module in encoder.modules():
        if "position_ids" in module._buffers:
            module.position_ids = torch.arange(encoder.config.max_position_embeddings)[None]
    return encoder.eval().requires_grad_(False)


def load_tokenizer(model: VerifiedModel) -> CLIPTokenizer:
    """CLIP's tokenizer from `tokenizer/` of `model`: vocab.json, merges.txt and the special tokens.

    transformers' `from_pretrained` is not used: it would also read files that the manifest does not list.
    """
    vocabulary = model.read_json("tokenizer/vocab.json")
    path = model.path("tokenizer/merges.txt")
    special = _special_tokens(model)
    try:
        tokens = {name: _token(value) for name, value in special.items()}
        lines = path.read_text(encoding="utf-8").split("\n")
        merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        return CLIPTokenizer(vocab=vocabulary, merges=merges, **tokens)
    # Measured: UnicodeDecodeError (a ValueError) and TypeError for invalid files; tokenizers raises a plain Exception
    # for a merge whose parts are not in the vocabulary.
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"The files in {path.parent} are not a valid tokenizer: {reason}",
            "Download the model again from its source.",
        ) from error


def _special_tokens(model: VerifiedModel) -> dict[str, Any]:
    """Begin, end, unknown and padding token.

    Folders of 2022 list them in a separate file, which takes precedence: SD 2.x has another padding token there.
    """
    config = model.read_json("tokenizer/tokenizer_config.json")
    older = "tokenizer/special_tokens_map.json"
    if "added_tokens_decoder" not in config and older in {record.name for record in model.manifest.files}:
        config = config | model.read_json(older)
    return {name: config[name] for name in _SPECIAL if config.get(name) is not None}


def _token(value: Any) -> Any:  # noqa: ANN401 - a text, or an object with matching flags
    if not isinstance(value, dict):
        return value
    flags = {key: bool(value.get(key)) for key in ("single_word", "lstrip", "rstrip", "normalized")}
    return AddedToken(value["content"], special=True, **flags)


def _current(name: str, wanted: set[str]) -> str:
    """`name` with or without the prefix, as in the network."""
    bare = name.removeprefix(_PREFIX)
    return bare if bare in wanted else _PREFIX + bare
