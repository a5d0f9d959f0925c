"""Files that Answerprint has made: `*.mov` names them as well, and nobody means to restore them once more."""

from __future__ import annotations

import os
from pathlib import Path

from answerprint.errors import InputError
from answerprint.frames.sequence import find_sequence, names_a_sequence

__all__ = ["made_here"]

_MARK = b"answerprint_version"
"""A key of the metadata that every result carries; Matroska writes it in capitals."""
_LOOK_BYTES = 1 << 17
"""At both ends of a file, where metadata lie: headers first, QuickTime's index and TIFF's directory last."""


def made_here(source: Path) -> bool:
    """Whether a file, or the first picture of a sequence, says that Answerprint made it. Raises nothing.

    Only the ends of a file are read, as bytes: this program opens no media. A file that cannot be read says nothing.
    """
    try:
        file = find_sequence(source).files[0] if names_a_sequence(source) else source
        with file.open("rb") as stream:
            head = stream.read(_LOOK_BYTES)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(len(head), size - _LOOK_BYTES))
            return _MARK in head.lower() or _MARK in stream.read().lower()
    except (OSError, InputError, ValueError):
        return False
