"""Chooses the writer of a deliverable."""

from __future__ import annotations

from pathlib import Path

from answerprint.errors import OutputError
from answerprint.frames.codecs import DEFAULT_CODEC, OutputSpec, check_codec
from answerprint.media.movie_writer import MovieWriter
from answerprint.media.sequence_writer import SequenceWriter
from answerprint.media.sink import Hooks, Writer

__all__ = ["open_writer"]


def open_writer(path: Path | str, spec: OutputSpec, hooks: Hooks | None = None) -> Writer:
    """Return the writer of a file or a sequence. Raises InputError or OutputError if codec, name or size do not fit."""
    path = Path(path).absolute()
    codec = check_codec(path, spec.codec)
    if codec.even_size and (spec.width % 2 or spec.height % 2):
        raise OutputError(
            f"{codec.name} needs an even width and height; the picture is {spec.width}x{spec.height}.",
            f"Give --size {spec.width + spec.width % 2}x{spec.height + spec.height % 2}, or --codec {DEFAULT_CODEC}.",
        )
    if spec.width < codec.least_size[0] or spec.height < codec.least_size[1]:
        raise OutputError(
            f"{codec.name} needs at least {codec.least_size[0]}x{codec.least_size[1]} pixels; the picture is "
            f"{spec.width}x{spec.height}.",
            f"Give a larger --size, or --codec {DEFAULT_CODEC}.",
        )
    kind = SequenceWriter if codec.is_sequence else MovieWriter
    return kind(path, spec, codec, hooks or Hooks())
