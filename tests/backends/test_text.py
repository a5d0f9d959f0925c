"""Prompts are read as transformers and diffusers' pipelines read them, from verified files alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from answerprint.backends.text import Text, fill_text_encoder, load_text
from answerprint.errors import ModelError
from answerprint.weights.manifest import Manifest
from answerprint.weights.verify import VerifiedModel, verify_model
from answerprint.weights.write_manifest import write_manifest
from backends.builders import CPU
from backends.builders_text import BEGIN, END, FULL_TEXT, WIDTH, write_text
from backends.influence import without_influence

PROMPTS = [
    "",
    "cat",
    "A Red   DOG, caté, 東京!",
    "wow! it's <|endoftext|> 42\n",
    "a dog and " * 60,
]


def sealed(folder: Path) -> VerifiedModel:
    """`folder`, verified as it is now."""
    write_manifest(folder, Manifest("text", "sd_x4", "1", "Apache-2.0", "random weights", 4, ()))
    return verify_model(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with nothing but its text parts."""
    write_text(tmp_path)
    return tmp_path


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def by_transformers(folder: Path) -> torch.Tensor:
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", local_files_only=True).eval()
    ids = tokenizer(PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    with torch.no_grad():
        hidden: torch.Tensor = encoder(ids)[0]
    return hidden


def as_of_2024(tokenizer: Path) -> None:
    """Configurations of that time hold all added tokens themselves, and the other file no longer decides."""
    way = {"lstrip": False, "rstrip": False, "single_word": False, "special": True}
    added = {str(n): {"content": text, "normalized": n > 0, **way} for n, text in ((0, "!"), (518, BEGIN), (519, END))}
    told = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": "!", "added_tokens_decoder": added}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(told | {"model_max_length": 77}))
    rewrite(tokenizer / "special_tokens_map.json", lambda special: special.update({"pad_token": END}))


def as_of_2026(tokenizer: Path) -> None:
    """transformers 5 writes one configuration, with plain texts in it."""
    known = CLIPTokenizer.from_pretrained(tokenizer, local_files_only=True)
    known.save_pretrained(tokenizer)
    (tokenizer / "special_tokens_map.json").unlink()
    (tokenizer / "tokenizer.json").unlink()


def as_of_2022(tokenizer: Path) -> None:
    """As `write_text` leaves it."""


@pytest.mark.parametrize("layout", [as_of_2022, as_of_2024, as_of_2026])
@pytest.mark.parametrize("pad", ["!", END])
def test_prompts_are_encoded_as_transformers_does(folder: Path, pad: str, layout: Callable[[Path], None]) -> None:
    write_text(folder, pad=pad)
    layout(folder / "tokenizer")
    ours = load_text(sealed(folder)).encode(PROMPTS, CPU)
    assert ours.shape == (len(PROMPTS), 77, WIDTH)
    theirs = by_transformers(folder)
    assert theirs.std() > 0.1
    assert (ours - theirs).abs().max() <= 1e-5


def test_weights_in_the_names_of_today_are_read(folder: Path) -> None:
    before = load_text(sealed(folder)).encode(PROMPTS, CPU)
    path = folder / "text_encoder" / "model.safetensors"
    save_file({name.removeprefix("text_model."): tensor for name, tensor in load_file(path).items()}, path)
    assert torch.equal(load_text(sealed(folder)).encode(PROMPTS, CPU), before)


def test_padding_token_is_the_folders(tmp_path: Path) -> None:
    found = []
    for number, pad in enumerate(("!", END)):
        folder = tmp_path / str(number)
        write_text(folder, pad=pad)
        found.append(int(load_text(sealed(folder)).tokens(["cat"])[0, -1]))
    assert found == [0, 519]


def test_positions_in_old_files_are_passed_over(folder: Path) -> None:
    """The published encoder of the upscaler has them among its weights."""
    path = folder / "text_encoder" / "model.safetensors"
    before = load_text(sealed(folder)).encode(["cat"], CPU)
    save_file(load_file(path) | {"text_model.embeddings.position_ids": torch.arange(77)[None]}, path)
    assert torch.equal(load_text(sealed(folder)).encode(["cat"], CPU), before)


def test_every_weight_counts(folder: Path) -> None:
    """Change one tensor and the result changes; only a key's bias cannot matter, for softmax ignores what is common."""
    text = load_text(sealed(folder))
    idle = without_influence(text._encoder, lambda: text.encode(["a red cat", ""], CPU))
    assert {name.partition("layers.")[2].partition(".")[2] for name in idle} == {"self_attn.k_proj.bias"}


def test_full_size_encoder_takes_every_tensor_of_published_files() -> None:
    """Of a fp16 file of 681 MB, whose names begin with text_model."""
    with torch.device("meta"):
        full = CLIPTextModel(CLIPTextConfig.from_dict(FULL_TEXT))
    weights = {f"text_model.{name}": tensor for name, tensor in full.state_dict().items()}
    assert (sum(t.numel() for t in weights.values()), len(weights)) == (340_387_840, 372)
    fill_text_encoder(FULL_TEXT, weights)
    with pytest.raises(ValueError, match=r"final_layer_norm\.bias"):
        fill_text_encoder(FULL_TEXT, {n: t for n, t in weights.items() if n != "text_model.final_layer_norm.bias"})
    with pytest.raises(ValueError, match=r"text_model\.more"):
        fill_text_encoder(FULL_TEXT, weights | {"text_model.more": weights["text_model.final_layer_norm.bias"]})


def test_half_precision_is_handed_out_on_request(folder: Path) -> None:
    text = load_text(sealed(folder))
    assert text.encode(["cat"], CPU, torch.float16).dtype == torch.float16


def test_loading_leaves_the_global_generator_alone(folder: Path) -> None:
    before = torch.random.get_rng_state()
    load_text(sealed(folder)).encode(["cat"], CPU)
    assert torch.equal(before, torch.random.get_rng_state())


def test_file_that_the_manifest_does_not_name_is_not_read(folder: Path) -> None:
    """transformers would prefer a tokenizer.json that someone puts there."""
    model = sealed(folder)
    (folder / "tokenizer" / "tokenizer.json").write_text("{")
    (folder / "tokenizer" / "added_tokens.json").write_text("{")
    assert load_text(model).tokens(["cat"]).shape == (1, 77)


@pytest.mark.parametrize(
    "text",
    ["#version: 0.2\nc ax\n", "#version: 0.2\nc\n", "c a t\n", "\udcff"],
    ids=["parts without a word", "half a merge", "three parts", "no text"],
)
def test_merges_that_fit_no_vocabulary_are_a_model_error(folder: Path, text: str) -> None:
    (folder / "tokenizer" / "merges.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="are not a valid tokenizer") as caught:
        load_text(sealed(folder))
    assert caught.value.remedy


@pytest.mark.parametrize("value", ["x", -1, None, [1]])
def test_vocabulary_of_other_things_than_numbers_is_a_model_error(folder: Path, value: object) -> None:
    rewrite(folder / "tokenizer" / "vocab.json", lambda words: words.update(cat=value))
    with pytest.raises(ModelError, match="are not a valid tokenizer"):
        load_text(sealed(folder))


@pytest.mark.parametrize("value", [5, ["!"], {}, {"content": 5}])
def test_special_token_that_is_no_text_is_a_model_error(folder: Path, value: object) -> None:
    rewrite(folder / "tokenizer" / "special_tokens_map.json", lambda special: special.update({"pad_token": value}))
    with pytest.raises(ModelError, match="are not a valid tokenizer"):
        load_text(sealed(folder))


def test_tokenizer_with_more_words_than_the_encoder_is_refused(folder: Path) -> None:
    rewrite(folder / "tokenizer" / "special_tokens_map.json", lambda special: special.update({"pad_token": "<pad>"}))
    with pytest.raises(ModelError, match="the text encoder only"):
        load_text(sealed(folder))


@pytest.mark.parametrize(
    "change",
    [{"hidden_size": 32}, {"hidden_size": "many"}, {"num_hidden_layers": 3}, {"hidden_act": "none"}],
    ids=str,
)
def test_encoder_of_another_configuration_is_a_model_error(folder: Path, change: dict[str, Any]) -> None:
    rewrite(folder / "text_encoder" / "config.json", lambda config: config.update(change))
    with pytest.raises(ModelError, match="do not form a network"):
        load_text(sealed(folder))


def test_missing_file_is_named(folder: Path) -> None:
    (folder / "tokenizer" / "merges.txt").unlink()
    with pytest.raises(ModelError, match=r"merges\.txt"):
        load_text(sealed(folder))


def test_text_tells_its_width(folder: Path) -> None:
    text: Text = load_text(sealed(folder))
    assert (text.length, text.width) == (77, WIDTH)
