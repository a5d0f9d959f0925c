"""What every deliverable has in common: published whole when its block ends well, absent otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from answerprint.errors import OutputError
from answerprint.frames.codecs import CodecInfo, OutputSpec
from answerprint.frames.colour import UNTAGGED, ColourTags, resolve_colour
from answerprint.frames.frame import Picture, Plane
from answerprint.media.boundary import writing
from answerprint.media.sources import Sources, check_place
from answerprint.store.atomic import Announce
from answerprint.store.open_folder import OpenFolder

__all__ = ["Hooks", "Writer", "output_colour"]


def _nothing(path: Path) -> None:
    pass


def _go_on() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the maker of an output is told while it is written, and what it may forbid."""

    announce: Announce = _nothing
    """Told what is written to, before it is there."""
    claim: Announce = _nothing
    """Told a final name before an empty file takes it, where the file system has no hard links."""
    confirm: Callable[[], None] = _go_on
    """Asked when all is written and nothing published; what it raises leaves nothing behind."""


def output_colour(spec: OutputSpec, codec: CodecInfo) -> ColourTags:
    """Return the tags that are written: the source's, with the matrix and the range that the codec really uses.

    Depth in one channel has no colour: a transfer function in its file would have readers change its values.
    """
    if spec.grey and codec.grey_format:
        return replace(UNTAGGED, range="pc")
    if codec.is_yuv:
        return replace(resolve_colour(spec.colour, spec.height), range="tv")
    return replace(spec.colour, matrix="gbr", range="pc")


class Writer(ABC):
    """A sink of pictures, used in a `with` block: leaving it publishes, an exception in it leaves nothing behind.

    The output's folder is held open meanwhile: what is checked, written and renamed is in that one, wherever its path
    leads by then.
    """

    def __init__(self, path: Path, spec: OutputSpec, codec: CodecInfo, hooks: Hooks) -> None:
        self.path = path
        self.hooks = hooks
        self.spec = spec
        self.codec = codec
        self.pixel_format = codec.format_for(alpha=spec.alpha, grey=spec.grey)
        self.frames_written = 0
        self._place: OpenFolder | None = None
        self._sources = Sources(spec.sources)

    def __enter__(self) -> Self:
        """Create what is temporary. Raises OutputError or StorageError."""
        try:
            with writing(self.path):
                self._place = OpenFolder(self.path.parent)
            self._begin(self._place)
        except BaseException:
            self._close()
            raise
        return self

    @abstractmethod
    def _begin(self, place: OpenFolder) -> None:
        """Create what is temporary."""

    @abstractmethod
    def _write(self, picture: Picture, alpha: Plane | None) -> None: ...

    @abstractmethod
    def _finish(self) -> None:
        """Complete what is temporary."""

    @abstractmethod
    def _publish(self, place: OpenFolder) -> None:
        """Give it its final name."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove whatever is temporary; does nothing after a publication, nor where nothing was begun."""

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
            if kind is None and self._place is not None:
                if self.frames_written == 0:
                    raise OutputError(f"No frame was written to {self.path}.", "Choose a range that holds frames.")
                with writing(self.path):
                    self._finish()
                self.hooks.confirm()
                check_place(self._place)
                with writing(self.path):
                    self._publish(self._place)
                check_place(self._place)
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self._discard()
        finally:
            if self._place is not None:
                self._place.close()
                self._place = None
