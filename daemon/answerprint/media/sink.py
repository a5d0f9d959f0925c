"""What every deliverable has in common: published whole when its block ends well, absent otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..errors import OutputError
from ..frames.codecs import CodecInfo, OutputSpec
from ..frames.colour import UNTAGGED, ColourTags, resolve_colour
from ..frames.frame import Picture, Plane
from ..store.atomic import Announce
from .boundary import writing

__all__ = ["Writer", "output_colour"]


def output_colour(spec: OutputSpec, codec: CodecInfo) -> ColourTags:
    """Return the tags that are written: the source's, with the matrix and the range that the codec really uses.

    Depth in one channel has no colour: a transfer function in its file would have readers change its values.
    """
    if spec.grey and codec.grey_format:
        return replace(UNTAGGED, range="pc")
    if codec.pixel_format.startswith("yuv"):
        return replace(resolve_colour(spec.colour, spec.height), range="tv")
    return replace(spec.colour, matrix="gbr", range="pc")


class Writer(ABC):
    """A sink of pictures, used in a `with` block: leaving it publishes, an exception in it leaves nothing behind."""

    def __init__(self, path: Path, spec: OutputSpec, codec: CodecInfo, announce: Announce) -> None:
        """announce: told what is written to, before it is there."""
        self.path = path
        self.announce = announce
        self.spec = spec
        self.codec = codec
        self.pixel_format = codec.format_for(alpha=spec.alpha, grey=spec.grey)
        self.frames_written = 0

    @abstractmethod
    def __enter__(self) -> Self:
        """Create the temporary file. Raises OutputError or StorageError."""

    @abstractmethod
    def _write(self, picture: Picture, alpha: Plane | None) -> None: ...

    @abstractmethod
    def _finish(self) -> None:
        """Complete and publish."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove whatever is temporary; does nothing after a publication."""

    def write(self, picture: Picture, alpha: Plane | None = None) -> None:
        """Append a picture: float32 [H, W, 3] nominal 0..1, alpha float32 [H, W]. Raises StorageError, OutputError."""
        if picture.shape != (self.spec.height, self.spec.width, 3):
            raise ValueError(f"expected a picture of {(self.spec.height, self.spec.width, 3)}, got {picture.shape}")
        if not np.isfinite(picture).all():
            raise OutputError(
                f"Frame {self.frames_written} of the result holds values that are not numbers.",
                "Restore it in full precision (--option dtype=float32).",
            )
        with writing(self.path):
            self._write(picture, alpha)
        self.frames_written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if self.frames_written == 0:
                    raise OutputError(f"No frame was written to {self.path}.", "Choose a range that holds frames.")
                with writing(self.path):
                    self._finish()
        finally:
            self._discard()
