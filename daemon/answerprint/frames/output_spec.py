"""What a deliverable must be: its size, rate, codec and timecode, and what it keeps of its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from answerprint.frames.clip import ClipInfo, PixelWindow, metadata_within, start_timecode_at
from answerprint.frames.clip_metadata import NO_METADATA, ClipMetadata
from answerprint.frames.colour import UNTAGGED, ColourTags
from answerprint.frames.frame import FrameRange
from answerprint.frames.pixel_format import full_chroma

__all__ = ["OutputSpec"]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What a deliverable must be.

    width, height: px. rate: frames per second. colour: the tags of the source; if the matrix is missing,
    `resolve_colour` decides it and it is written. start_timecode: label of the first frame written.
    first_number: number of the first picture of a sequence. audio_from, audio_range: the clip whose sound is used, and
    its frames (None: all of them). provenance: metadata to write, by key. overwrite: replace an existing output.
    sources: files that the output is made from, and must never replace.
    alpha: pictures come with alpha; it is kept if the codec can. grey: pictures are depth, three equal channels; if
    the codec has a format for it, one channel without colour tags is written. source_format: the source's pixel format,
    for codecs that keep it; empty for pictures that come from no file. metadata: what else the source says of itself.
    premultiplied: colour is multiplied by alpha. data_window: where the pixels lie in the picture's coordinates, if not
    at its corner; display_window: the picture, if more than it is written. pictures: the source's file of each frame,
    whose header is kept; none if the source is no sequence.
    """

    width: int
    height: int
    rate: Fraction
    codec: str
    sample_aspect: Fraction = Fraction(1)
    colour: ColourTags = UNTAGGED
    start_timecode: str | None = None
    audio_from: ClipInfo | None = None
    audio_range: FrameRange | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    first_number: int = 0
    overwrite: bool = False
    alpha: bool = False
    grey: bool = False
    source_format: str = ""
    metadata: ClipMetadata = NO_METADATA
    premultiplied: bool = False
    data_window: PixelWindow | None = None
    display_window: PixelWindow | None = None
    pictures: tuple[Path, ...] = ()
    sources: tuple[Path, ...] = ()

    @classmethod
    def for_clip(
        cls,
        info: ClipInfo,
        frames: FrameRange,
        codec: str,
        *,
        size: tuple[int, int] | None = None,
        provenance: Mapping[str, str] | None = None,
        overwrite: bool = False,
        grey: bool = False,
    ) -> OutputSpec:
        """Return the spec that keeps the properties of a range of the clip.

        size: (width, height) px, the clip's by default. If it changes the shape of the frame, the sample aspect is
        corrected.
        """
        width, height = size or (info.width, info.height)
        aspect = info.sample_aspect * Fraction(info.width * height, info.height * width)
        if abs(aspect / info.sample_aspect - 1) < Fraction(1, 50):
            aspect = info.sample_aspect  # rounding to whole pixels does not change the shape
        return cls(
            width=width,
            height=height,
            rate=info.rate,
            codec=codec,
            sample_aspect=aspect,
            colour=info.colour,
            start_timecode=start_timecode_at(info, frames.start),
            audio_from=info if info.has_audio else None,
            audio_range=frames,
            provenance=dict(provenance or {}),
            first_number=info.start_number + frames.start,
            overwrite=overwrite,
            alpha=info.has_alpha,
            grey=grey,
            source_format=info.pixel_format if info.orientation == 1 else full_chroma(info.pixel_format),
            metadata=metadata_within(info, frames),
            premultiplied=info.premultiplied,
            data_window=_scaled(info.data_window, info, (width, height)),
            display_window=_scaled(info.display_window, info, (width, height)),
            pictures=info.files[frames.start : frames.stop],
            sources=info.files or (info.path,),
        )


def _scaled(window: PixelWindow | None, info: ClipInfo, size: tuple[int, int]) -> PixelWindow | None:
    """A window of a picture that is enlarged to a size, in whole pixels."""
    if window is None:
        return None
    wide, high = Fraction(size[0], info.width), Fraction(size[1], info.height)
    return PixelWindow(
        round(window.x * wide), round(window.y * high), round(window.width * wide), round(window.height * high)
    )
