"""Names of outputs for files that are restored with one command."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["output_for"]

_NUMBER = re.compile(r"%(?:0\d{1,2})?d|\[\d+-\d+\]")


def output_for(source: Path, *, folder: Path | None, suffix: str, extension: str) -> Path:
    """Return the output of an absolute source: its name with a suffix, beside it or in another folder.

    The number of a sequence is left out: plate.%04d.png gives plate_restored.mov. An extension may have one of its
    own, such as .%04d.png.
    """
    name = source.name if source.is_dir() else source.stem
    stem = _NUMBER.sub("", name).rstrip("._- ") or "clip"
    dot = "" if extension.startswith(".") else "."
    return (folder or source.parent) / f"{stem}{suffix}{dot}{extension}"
