"""What all writers have in common: the output appears complete when the `with` block succeeds, or not at all."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from answerprint.errors import OutputError
from answerprint.frames.codecs import CodecInfo
from answerprint.frames.colour import UNTAGGED, ColourTags, resolve_colour
from answerprint.frames.frame import Picture, Plane
from answerprint.frames.output_spec import OutputSpec
from answerprint.media.boundary import writing
from answerprint.media.sources import Sources, check_place
from answerprint.store.atomic import Announce
from answerprint.store.open_folder import OpenFolder
from answerprint.text import counted

__all__ = ["Hooks", "Writer", "output_colour", "written_format"]


def _ignore(path: Path) -> None:
    pass


def _accept() -> None:
    pass


def _unsaid(sentence: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callbacks for the caller of a writer."""

    announce: Announce = _ignore
    """Called with each temporary path before it is created."""
    claim: Announce = _ignore
    """Called with a final path before an empty file reserves it, if the file system has no hard links."""
    confirm: Callable[[], None] = _accept
    """Called when everything is written and nothing is published; if it raises, nothing is left behind."""
    warn: Callable[[str], None] = _unsaid
    """Called with each sentence about what could not be kept as it was."""


def written_format(spec: OutputSpec, codec: CodecInfo) -> str:
    """Return FFmpeg's name of the pixel format to encode."""
    return codec.format_for(alpha=spec.alpha, grey=spec.grey, source=spec.source_format)


def output_colour(spec: OutputSpec, codec: CodecInfo) -> ColourTags:
    """Return the tags to write: the source's, with the matrix and the range that the codec really uses.

    Depth in one channel gets no colour tags, because a transfer function would make readers change its values.
    """
    if spec.grey and codec.grey_format:
        return replace(UNTAGGED, range="pc")
    pixel_format = written_format(spec, codec)
    if pixel_format.startswith("yuv"):
        resolved = resolve_colour(spec.colour, spec.height)
        if pixel_format not in codec.source_formats:
            return replace(resolved, range="tv")
        return replace(resolved, range="pc") if spec.source_format.startswith("yuvj") else resolved
    return replace(spec.colour, matrix="gbr", range="pc")


_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_USUAL = -0.1, 1.1
"""What video holds of sub-blacks and super-whites, and a little more: conversions leave the range by as much."""


def _far_outside(picture: Picture, pixel_format: str) -> int:
    """How many pixels an integer format clips by more than is usual; Y'CbCr holds much that R'G'B' does not."""
    low, high = _USUAL
    if re.search(r"f(?:16|32)", pixel_format) or (float(picture.min()) >= low and float(picture.max()) <= high):
        return 0
    values = picture @ _LUMA if pixel_format.startswith("yuv") else picture
    outside = (values < low) | (values > high)
    return int(np.count_nonzero(outside if outside.ndim == 2 else outside.any(axis=-1)))


class Writer(ABC):
    """Writes pictures; used in a `with` block. Leaving the block publishes; an exception leaves nothing behind.

    The output's folder is kept open, so all checks, writes and renames happen in the same folder, even if somebody
    renames it meanwhile.
    """

    def __init__(self, path: Path, spec: OutputSpec, codec: CodecInfo, hooks: Hooks) -> None:
        self.path = path
        self.hooks = hooks
        self.spec = spec
        self.codec = codec
        self.pixel_format = written_format(spec, codec)
        self.frames_written = 0
        self._clipped: list[tuple[int, int]] = []
        self._place: OpenFolder | None = None
        self._sources = Sources(spec.sources)

    def __enter__(self) -> Self:
        """Create the temporary file or folder. Raises OutputError or StorageError."""
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
        """Create the temporary file or folder."""

    @abstractmethod
    def _write(self, picture: Picture, alpha: Plane | None) -> None: ...

    @abstractmethod
    def _finish(self) -> None:
        """Complete the temporary file or folder."""

    @abstractmethod
    def _publish(self, place: OpenFolder) -> None:
        """Give the output its final name."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove what is temporary; does nothing after publishing, or if nothing was begun."""

    def write(self, picture: Picture, alpha: Plane | None = None) -> None:
        """Append a picture: float32 [H, W, 3] nominal 0..1, alpha float32 [H, W]. Raises StorageError, OutputError."""
        if picture.shape != (self.spec.height, self.spec.width, 3):
            raise ValueError(f"expected a picture of {(self.spec.height, self.spec.width, 3)}, got {picture.shape}")
        if not np.isfinite(picture).all():
            raise OutputError(
                f"Frame {self.frames_written} of the result has values that are not numbers.",
                "Restore it in full precision (--option dtype=float32).",
            )
        if alpha is not None:
            picture = self._associated(picture, alpha)
        with writing(self.path):
            self._write(picture, alpha)
        if outside := _far_outside(picture, self.pixel_format):
            self._clipped.append((self.frames_written, outside))
        self.frames_written += 1

    def _associated(self, picture: Picture, alpha: Plane) -> Picture:
        """The picture with its colour multiplied by alpha, or not, as the codec stores it."""
        wanted = self.codec.association
        if self.codec.alpha_format is None or wanted == "as the source":
            return picture
        if wanted == "premultiplied" and not self.spec.premultiplied:
            return np.asarray(picture * alpha[..., None], np.float32)
        if wanted == "straight" and self.spec.premultiplied:
            shown = np.where(alpha > 0, alpha, np.float32(1))  # where nothing is seen, there is nothing to divide
            return np.asarray(picture / shown[..., None], np.float32)
        return picture

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._place is not None:
                if self.frames_written == 0:
                    raise OutputError(f"No frame was written to {self.path}.", "Choose a range that is not empty.")
                with writing(self.path):
                    self._finish()
                self._tell_clipped()
                self.hooks.confirm()
                check_place(self._place)
                with writing(self.path):
                    self._publish(self._place)
                check_place(self._place)
        finally:
            self._close()

    def _tell_clipped(self) -> None:
        if self._clipped:
            pixels, frames = sum(count for _, count in self._clipped), counted(len(self._clipped), "frame")
            self.hooks.warn(
                f"{self.codec.name} holds no values far outside of 0 to 1: {pixels} pixels of {frames} were clipped, "
                f"from frame {self._clipped[0][0]} of the result on. EXR keeps them."
            )

    def _close(self) -> None:
        try:
            self._discard()
        finally:
            if self._place is not None:
                self._place.close()
                self._place = None
