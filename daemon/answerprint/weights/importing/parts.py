"""Single files of weights find their places in a model: each as a part, or one as the original of the whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from answerprint.errors import ModelError
from answerprint.weights.identify import GENERATOR, INDEX, guess_part, likeness, may_restore, shapes_of
from answerprint.weights.published_models import find_original

__all__ = ["ORIGINAL", "place_parts"]

ORIGINAL = "original.safetensors"
"""What the one file in the form of the first makers is called until the networks are made of it."""

_DIFFBIR = {"_class_name": "DiffBIR", "version": "v2"}
_NEEDED = ("base.safetensors", "control.safetensors")


def place_parts(parts: Mapping[Path, str], gathered: Path, family: str) -> str:
    """Give single files the names of what they are, by their tensors, and write what belongs to them.

    parts: the files, and what the user calls each. gathered: the folder that becomes the model. family: what the user
    said, or the empty text. Returns the family of which the file, then called `ORIGINAL`, is a whole model; the empty
    text where they are parts. Raises ModelError for what belongs to no model, or not to one.
    """
    for path, called in parts.items():
        known = find_original(shapes_of(path))
        if known is not None and known.original is not None:
            if len(parts) > 1:
                raise ModelError(f"{called} is all of a model: {known.original.about}.", "Name it alone.")
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
            f"{' and '.join(missing)} of DiffBIR are missing.",
            f"Name all files of the model. One of another family is imported as the folder with its {INDEX}.",
        )
    _write(gathered / INDEX, _DIFFBIR)
    return ""


def _place_part(path: Path, called: str, gathered: Path, family: str) -> None:
    shapes = shapes_of(path)
    name = guess_part(shapes)
    if not name or family not in ("", "diffbir"):
        told = likeness(shapes)
        raise ModelError(
            f"{called} alone is no model{f' of the family {family}' if family else ''}: by its tensors it is "
            f"{told or 'of nothing that is known'}.",
            f"Import the whole folder of the model, with its {INDEX}.",
        )
    place = gathered / name
    if place.exists():
        raise ModelError(f"Two of the files are {name} of DiffBIR, {called} is the second.", "Name each file once.")
    place.parent.mkdir(exist_ok=True)
    path.rename(place)


def _write(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
