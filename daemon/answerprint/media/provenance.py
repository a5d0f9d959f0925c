"""Reads the metadata that Answerprint writes into deliverables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from answerprint.media import exr_texts, tiff_texts
from answerprint.media.boundary import check_source, open_container, reading

__all__ = ["MADE_BY_KEY", "MXF_COMMENT", "read_provenance"]

MADE_BY_KEY = "answerprint_made_by"
"""In every file that Answerprint restored or made in another way."""

MXF_COMMENT = "comment_"
"""What FFmpeg puts before the keys of an MXF file's user comments."""

_PNG = b"\x89PNG\r\n\x1a\n"
_HEAD_BYTES = 1 << 16  # the texts directly follow the header
_PREFIX = "answerprint_"


def read_provenance(path: Path) -> Mapping[str, str]:
    """Return the metadata that Answerprint wrote into a movie or a picture, by key; empty for any other file.

    Raises MediaError if the file cannot be read at all.
    """
    path = check_source(path)
    with reading(path), path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if head.startswith(_PNG):
            return _ours(_png_texts(head))
        if head.startswith(exr_texts.MAGIC):
            return _ours(exr_texts.read_exr_texts(head))
        if head.startswith(tiff_texts.MAGIC):
            return _ours(tiff_texts.read_tiff_texts(file))
    with open_container(path) as container, reading(path):
        return _ours(dict(container.metadata))


def _ours(texts: Mapping[str, str]) -> dict[str, str]:
    """Keep our keys, in lower case: Matroska writes them in capitals."""
    plain = {key.lower().removeprefix(MXF_COMMENT): value for key, value in texts.items()}
    return {key: value for key, value in plain.items() if key.startswith(_PREFIX)}


def _png_texts(head: bytes) -> dict[str, str]:
    """Keys and values of the text chunks in the first bytes."""
    texts: dict[str, str] = {}
    at = len(_PNG)
    while at + 8 <= len(head):
        length, kind = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        body = head[at + 8 : at + 8 + length]
        if kind == b"IDAT" or len(body) < length:
            break
        if kind in (b"tEXt", b"iTXt"):
            texts.update([_text(kind, body)])
        at += 12 + length
    return texts


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    key, _, rest = body.partition(b"\0")
    if kind == b"iTXt":  # two flags, language and translated key come before the text
        rest = rest[2:].split(b"\0", 2)[-1]
    return key.decode("latin-1"), rest.decode("utf-8", "replace")
