"""Plan an import: which source file becomes which file of the model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.weights.content import check_form, form_of
from answerprint.weights.identify import INDEX
from answerprint.weights.manifest import check_file_name
from answerprint.weights.verify import MAX_TEXT_BYTES

__all__ = ["PART", "plan_import"]

PART = "part-"
"""Name prefix of single files until their tensors identify the part."""

_TOKENIZER = frozenset({"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"})
_VARIANT = re.compile(r"\.(fp16|bf16|non_ema|ema)(?=\.)")
_PICKLES = frozenset({".bin", ".ckpt", ".pth", ".pt"})
_WEIGHTS = frozenset({".safetensors", *_PICKLES})


def plan_import(paths: list[Path]) -> dict[str, Path]:
    """Source files by their name in the model's folder; single weights files become numbered parts first.

    Raises ModelError for files that do not belong to a model.
    """
    wanted: dict[str, Path] = {}
    for number, path in enumerate(paths):
        if not path.exists():
            raise ModelError(f"{path} does not exist.", "Check the path.")
        if path.is_dir():
            wanted |= _plan_folder(path, alone=len(paths) == 1)
        elif path.name in _TOKENIZER:
            wanted[f"tokenizer/{path.name}"] = path
        elif form_of(path) in ("safetensors", "pickle"):
            wanted[f"{PART}{number}.safetensors"] = path
        else:
            raise ModelError(f"{path} is not a weights file.", "Name the model's folder, or its weights files.")
    if not wanted:
        raise ModelError("No model files found.", "Name the model's folder, or its weights files.")
    return wanted


def _plan_folder(folder: Path, *, alone: bool) -> dict[str, Path]:
    """The files of a diffusers folder that its index lists; of one folder among other paths, its tokenizer."""
    if not alone or not (folder / INDEX).is_file():
        found = [path for path in sorted(folder.iterdir()) if path.is_file()]
        if not alone:
            return {f"tokenizer/{path.name}": path for path in found if path.name in _TOKENIZER}
        return plan_import([path for path in found if path.suffix.lower() in _WEIGHTS or path.name in _TOKENIZER])
    wanted = {INDEX: folder / INDEX}
    for part in _components(folder / INDEX):
        place = folder / part
        if part.endswith(".safetensors") or not place.is_dir():
            continue
        for path in sorted(place.iterdir()):
            if path.is_file() and (name := _name_of(path)):
                wanted[f"{part}/{name}"] = path
    for path in sorted(folder.glob("*.safetensors")) if len(wanted) == 1 else ():
        wanted[path.name] = path
    for name in wanted:
        check_file_name(name)
    return wanted


def _components(index: Path) -> list[str]:
    check_form(index, INDEX)
    data: Mapping[str, object] = json.loads(index.read_bytes()[:MAX_TEXT_BYTES])
    parts = [name for name, value in data.items() if isinstance(value, list) and value and value[0] is not None]
    return [*parts, "tokenizer", "stage1"]


def _name_of(path: Path) -> str:
    """The file's new name; empty for files to skip: variants, and pickles next to their safetensors file."""
    suffix = path.suffix.lower()
    if suffix in (".json", ".txt"):
        return path.name
    if suffix not in _WEIGHTS or _VARIANT.search(path.name):
        return ""
    twin = _twin(path)
    if suffix in _PICKLES and (path.parent / twin).exists():
        return ""
    return twin


def _twin(path: Path) -> str:
    """The usual name of a pickle's safetensors file."""
    stem = "model" if path.stem == "pytorch_model" else path.stem
    return f"{stem}.safetensors"
