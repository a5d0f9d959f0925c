"""Place single weights files in a model folder: as parts, or one as the original of the whole model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.weights.identify import GENERATOR, INDEX, guess_part, likeness, may_restore, shapes_of
from answerprint.weights.published_models import find_original

__all__ = ["ORIGINAL", "place_parts"]

ORIGINAL = "original.safetensors"
"""Temporary name of an original checkpoint until it is converted."""

_DIFFBIR = {"_class_name": "DiffBIR", "version": "v2"}
_NEEDED = ("base.safetensors", "control.safetensors")


def place_parts(parts: Mapping[Path, str], gathered: Path, family: str) -> str:
    """Rename single files to the parts that their tensors identify, and write the configurations.

    parts: the files, and the user's name of each. gathered: the future model folder. family: given by the user, or
    empty. Returns the family if the file, renamed to `ORIGINAL`, is a whole model; empty if the files are parts. Raises
    ModelError for unknown files and for parts of different models.
    """
    for path, called in parts.items():
        known = find_original(shapes_of(path))
        if known is not None and known.original is not None:
            if len(parts) > 1:
                raise ModelError(f"{called} is a complete model: {known.original.about}.", "Import it alone.")
            path.rename(gathered / ORIGINAL)
            for name, content in known.original.content.items():
                _write(gathered / name, content)
            return known.family
    if len(parts) == 1 and family in ("", GENERATOR):
        (path,) = parts
        if may_restore(shapes_of(path)):
            path.rename(gathered / ORIGINAL)
            return GENERATOR
    for path, called in parts.items():
        _place_part(path, called, gathered, family)
    missing = [name for name in _NEEDED if not (gathered / name).exists()]
    if missing:
        raise ModelError(
            f"DiffBIR's {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            f"Name all files of the model. For another family import the folder with its {INDEX}.",
        )
    _write(gathered / INDEX, _DIFFBIR)
    return ""


def _place_part(path: Path, called: str, gathered: Path, family: str) -> None:
    shapes = shapes_of(path)
    name = guess_part(shapes)
    if not name or family not in ("", "diffbir"):
        raise ModelError(
            f"{called} alone is not a model{f' of the family {family}' if family else ''}: by its tensors it is "
            f"{likeness(shapes) or 'unknown'}.",
            f"Import the model's whole folder, with its {INDEX}.",
        )
    place = gathered / name
    if place.exists():
        raise ModelError(f"Two files are DiffBIR's {name}; {called} is the second.", "Name each file once.")
    place.parent.mkdir(exist_ok=True)
    path.rename(place)


def _write(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
