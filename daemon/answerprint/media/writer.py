"""Chooses the writer of a deliverable."""

from __future__ import annotations

from pathlib import Path

from answerprint.frames.codec_choice import check_codec
from answerprint.frames.output_spec import OutputSpec
from answerprint.media.movie_writer import MovieWriter
from answerprint.media.sequence_writer import SequenceWriter
from answerprint.media.sink import Hooks, Writer

__all__ = ["open_writer"]


def open_writer(path: Path | str, spec: OutputSpec, hooks: Hooks | None = None) -> Writer:
    """Return the writer of a file or a sequence. Raises InputError or OutputError if codec, name or size do not fit."""
    path = Path(path).absolute()
    codec = check_codec(path, spec.codec)
    codec.check_fits(spec.width, spec.height)
    kind = SequenceWriter if codec.is_sequence else MovieWriter
    return kind(path, spec, codec, hooks or Hooks())
