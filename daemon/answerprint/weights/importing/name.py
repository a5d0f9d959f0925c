"""What a model is called whose files were named without a name for it."""

from __future__ import annotations

import re
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.store.quota import storage_error
from answerprint.weights.published_models import known_models
from answerprint.weights.pulling.download import pin_file

__all__ = ["name_and_paths"]

_OTHERS = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 64


def name_and_paths(words: list[str]) -> tuple[str, list[Path]]:
    """Name and paths in the words [NAME] PATH...; the first is no name where it is a file, or is alone.

    One file that is what a known model is made of is called as that; any other, or a folder, by its own name. Raises
    ModelError for several files without a name, and StorageError.
    """
    if len(words) > 1 and not Path(words[0]).is_file():
        return words[0], [Path(word) for word in words[1:]]
    paths = [Path(word) for word in words]
    if len(paths) > 1:
        raise ModelError("The model has no name.", "Say it first: answerprint models import NAME PATH...")
    (path,) = paths
    if not path.exists():
        raise ModelError(f"{path} does not exist.", "Check the path: answerprint models import [NAME] PATH...")
    return _known_name(path) or _own_name(path), paths


def _known_name(path: Path) -> str:
    try:
        size = path.stat().st_size
        for model in known_models().values():
            for file in model.files:
                if file.size == size and file.sha256 and pin_file(path).sha256 == file.sha256:
                    return model.name
    except OSError as error:
        raise storage_error(error, path) from error
    return ""


def _own_name(path: Path) -> str:
    stem = path.resolve().stem if path.is_file() else path.resolve().name
    return _OTHERS.sub("-", stem.lower())[:_LONGEST].strip("._-") or "model"
