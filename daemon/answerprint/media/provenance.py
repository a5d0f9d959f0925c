"""Reads the metadata that Answerprint writes into deliverables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from answerprint.media.boundary import open_container, reading
from answerprint.media.openimageio import header_texts
from answerprint.media.stills import still_codec

__all__ = ["MADE_BY_KEY", "MXF_COMMENT", "read_provenance"]

MADE_BY_KEY = "answerprint_made_by"
"""In every file that Answerprint restored or made in another way."""

MXF_COMMENT = "comment_"
"""What FFmpeg puts before the keys of an MXF file's user comments."""

_PREFIX = "answerprint_"


def read_provenance(path: Path) -> Mapping[str, str]:
    """Return the metadata that Answerprint wrote into a movie or a picture, by key; empty for any other file.

    Raises MediaError if the file cannot be read at all.
    """
    if still_codec(path) not in (None, "avif", "heic"):
        with reading(path):
            texts = header_texts(path)
        return _ours(
            {**texts, **_described(texts.get("ImageDescription", "")), **_described(texts.get("dpx:UserData", ""))}
        )
    with open_container(path) as container, reading(path):
        return _ours(dict(container.metadata))


def _ours(texts: Mapping[str, str]) -> dict[str, str]:
    """Keep our keys, in lower case: Matroska writes them in capitals."""
    plain = {key.lower().removeprefix(MXF_COMMENT): value for key, value in texts.items()}
    return {key: value for key, value in plain.items() if key.startswith(_PREFIX)}


def _described(text: str) -> dict[str, str]:
    """Texts as JSON, in a field of a header that holds one text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}  # another program's
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
