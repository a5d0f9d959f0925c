"""What is known about a source before its frames are restored."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from answerprint.errors import InputError
from answerprint.frames.clip_metadata import NO_METADATA, ClipMetadata
from answerprint.frames.colour import UNTAGGED, ColourTags
from answerprint.frames.frame import FrameRange
from answerprint.frames.grid import FrameGrid
from answerprint.frames.timecode import Timecode

__all__ = [
    "Cadence",
    "ClipInfo",
    "DamagePolicy",
    "FieldOrder",
    "PixelWindow",
    "is_rgb",
    "metadata_within",
    "parse_range",
    "start_timecode_at",
]


class FieldOrder(StrEnum):
    """Which field of a frame was taken first. The values are what a request and a job's fingerprint hold."""

    PROGRESSIVE = "progressive"
    """Frames have no fields."""
    TOP_FIRST = "top"
    BOTTOM_FIRST = "bottom"
    PER_FRAME = "deinterlaced"
    """The clip is interlaced, and each frame says which of its fields is first."""
    MIXED = "per-frame"
    """Some frames are interlaced and others are not: each one is looked at."""


class Cadence(StrEnum):
    """How the frames of a clip come of those of its source. The values are what a job's fingerprint holds."""

    FRAME = "frame"
    """One of each."""
    FIELD = "field"
    """Two of each: one of each field."""
    MATCHED = "matched"
    """One of each, of fields that belong together, in film that was made video at 30 frames a second."""
    FILM = "film"
    """The same, without frames that are there twice: four of five."""


class DamagePolicy(StrEnum):
    """What becomes of frames that are damaged in the source. The values are what a request holds."""

    KEEP = "keep"
    """They stay as far as they can be decoded; one without any picture repeats the frame before."""
    HOLD = "hold"
    """They repeat the last good frame; so does all that is missing at the end."""
    FAIL = "fail"
    """The clip is not read past them."""


class PixelWindow(NamedTuple):
    """A rectangle of pixels; x and y of its upper left corner may be negative."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.x},{self.y}"

    def united(self, other: PixelWindow) -> PixelWindow:
        """The smallest window that holds both."""
        left, top = min(self.x, other.x), min(self.y, other.y)
        right = max(self.x + self.width, other.x + other.width)
        bottom = max(self.y + self.height, other.y + other.height)
        return PixelWindow(left, top, right - left, bottom - top)


_FRAMES = re.compile(r"(\d*):(\d*)")


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A video file or an image sequence, as probed.

    path: the file, or the folder that holds the sequence; absolute.
    width, height: px of the picture as it is shown. rate: frames per second, exact. frames: how many the source
    promises. sample_aspect: width of a pixel over its height. colour: as tagged, nothing guessed.
    bit_depth: bits of a component (32 for float). pixel_format: FFmpeg's name.
    start_timecode: label of frame 0, or None. start_number: number in the file name of frame 0 of a sequence.
    files: the pictures of a sequence in order, empty for a file.
    first_pts, time_base: time of frame 0 in the file's own time; first_pts is None if packets have no times.
    rate_is_assumed: the source has no rate of its own (an image sequence), so `rate` was given to the probe.
    field_order: PROGRESSIVE if its frames are restored as they are. fields_found: what was found of its fields, in
    words; "" for plain frames, and where nobody looked. mostly: what a MIXED frame is if neither
    its picture nor a flag tells. telecined: they are those of film at 24 frames a second.
    file_rate: rate of the file's own times if an editor plays it at another rate; None if it is `rate`.
    header_timecode: the label in the header of a sequence's first picture, which need not exist at `rate`.
    levels: `tv` or `pc` if an editor declared it; it counts for R'G'B' too, of which no tag does.
    premultiplied: colour is multiplied by alpha. data_window: the pixels that are read of pictures that say where
    theirs lie (EXR), of the size width x height; display_window: what of it is the picture, if the rest is overscan.
    notices: what is assumed of the source, or left out of the result: one sentence each, which users see as warnings.
    grid: which frames have no picture of their own or more than one; None if each has one, or if nothing is known.
    damaged: what becomes of damaged frames.
    cadence: how its frames come of those of its source. stored: the source, if it has other frames than this clip.
    orientation: how the stored picture is turned to be shown, by the numbers of EXIF; 1 is as stored.
    metadata: what else the file says of itself. profile: FFmpeg's name of the codec's profile, "" if there is none.
    """

    path: Path
    kind: Literal["file", "sequence"]
    width: int
    height: int
    rate: Fraction
    frames: int
    sample_aspect: Fraction = Fraction(1)
    colour: ColourTags = UNTAGGED
    bit_depth: int = 8
    pixel_format: str = ""
    codec: str = ""
    start_timecode: str | None = None
    has_audio: bool = False
    has_alpha: bool = False
    start_number: int = 0
    files: tuple[Path, ...] = ()
    first_pts: int | None = None
    time_base: Fraction = Fraction(1)
    rate_is_assumed: bool = False
    file_rate: Fraction | None = None
    field_order: FieldOrder = FieldOrder.PROGRESSIVE
    header_timecode: str = ""
    levels: str = ""
    premultiplied: bool = False
    data_window: PixelWindow | None = None
    display_window: PixelWindow | None = None
    notices: tuple[str, ...] = ()
    orientation: int = 1
    metadata: ClipMetadata = NO_METADATA
    profile: str = ""
    grid: FrameGrid | None = None
    damaged: DamagePolicy = DamagePolicy.KEEP
    fields_found: str = ""
    mostly: FieldOrder = FieldOrder.PROGRESSIVE
    telecined: bool = False
    cadence: Cadence = Cadence.FRAME
    stored: ClipInfo | None = None

    @property
    def interlaced(self) -> bool:
        """Whether its frames consist of two fields, which are deinterlaced when they are read."""
        return self.field_order is not FieldOrder.PROGRESSIVE

    @property
    def whole(self) -> FrameRange:
        """All of the clip."""
        return FrameRange(0, self.frames)

    def without_overscan(self) -> ClipInfo:
        """The clip cropped to its display window."""
        if self.display_window is None:
            return self
        _, _, width, height = self.display_window
        return replace(self, width=width, height=height, data_window=self.display_window, display_window=None)

    def checked(self, frames: FrameRange | None) -> FrameRange:
        """Return the range, all of the clip for None. Raises InputError if it is empty or reaches outside the clip."""
        chosen = self.whole if frames is None else frames
        if len(chosen) == 0:
            raise InputError(f"The range {chosen} is empty.", self._valid())
        if chosen.stop > self.frames:
            raise InputError(f"The range {chosen} reaches outside the clip.", self._valid())
        return chosen

    def _valid(self) -> str:
        return f"The clip has frames 0 to {self.frames - 1}, so the range must be within 0:{self.frames}."


def is_rgb(pixel_format: str) -> bool:
    """Whether it is one of FFmpeg's names of R'G'B', whose tags say nothing of levels: it counts as full range."""
    return any(order in pixel_format for order in ("rgb", "bgr", "gbr", "pal8"))


def parse_range(text: str, info: ClipInfo) -> FrameRange:
    """Read `A:B`: source frames, A inclusive, B exclusive, either may be left out; or two timecodes.

    Timecodes are labels of the clip: its start timecode is frame 0 (00:00:00:00 if the clip has none), and the second
    one is exclusive too. Raises InputError, which names the valid range, if the text is malformed or reaches outside
    the clip.
    """
    text = text.strip()
    match = _FRAMES.fullmatch(text)
    if match is not None:
        start, stop = (int(match[1]) if match[1] else 0), (int(match[2]) if match[2] else info.frames)
    elif text.count(":") + text.count(";") in (6, 7):
        return _checked_in_timecodes(text, *_timecodes(text, info), info)
    else:
        raise InputError(
            f"{text!r} is not a range.",
            f"Write A:B in frames within 0:{info.frames}, or two timecodes HH:MM:SS:FF:HH:MM:SS:FF.",
        )
    if start < 0 or stop < start:
        raise InputError(f"The range {text} does not run forward.", info._valid())
    return info.checked(FrameRange(start, stop))


def _checked_in_timecodes(text: str, start: int, stop: int, info: ClipInfo) -> FrameRange:
    """Return the range. Raises InputError, in timecode as it was typed."""
    origin = Timecode.parse(info.start_timecode or "00:00:00:00", info.rate)
    valid = f"The clip runs from {origin} to {origin.shifted(info.frames)}, which is the first timecode after it."
    if stop == start:
        raise InputError(f"The range {text} is empty.", f"{valid} The second timecode of a range is exclusive.")
    if stop < start:
        raise InputError(f"The range {text} does not run forward.", valid)
    if start < 0 or stop > info.frames:
        raise InputError(f"The range {text} reaches outside the clip.", valid)
    return FrameRange(start, stop)


def _timecodes(text: str, info: ClipInfo) -> tuple[int, int]:
    """Convert `TC:TC` or `TC-TC` to frames of the clip."""
    match = re.fullmatch(r"(\d+:\d+:\d+[:;]\d+)\s*[:-]\s*(\d+:\d+:\d+[:;]\d+)", text)
    if match is None:
        raise InputError(f"{text!r} is not a pair of timecodes.", "Write HH:MM:SS:FF:HH:MM:SS:FF.")
    origin = Timecode.parse(info.start_timecode or "00:00:00:00", info.rate)
    return _frame_of(match[1], origin, info), _frame_of(match[2], origin, info)


def _frame_of(label: str, origin: Timecode, info: ClipInfo) -> int:
    """The frame of the clip that a label means, or would mean if the clip were longer. Raises InputError."""
    named = Timecode.parse(label, info.rate)
    if named.drop is not origin.drop and info.start_timecode:
        raise InputError(
            f"Timecode {label} is {_counting(named)}, that of the clip is {_counting(origin)}.",
            f"Write it as the clip does: it begins at {origin}.",
        )
    frame = named.frames - origin.frames
    return (
        frame + origin.day if frame < 0 and frame + origin.day <= info.frames else frame
    )  # labels begin again at 24 h


def _counting(label: Timecode) -> str:
    return "drop-frame" if label.drop else "not drop-frame"


def start_timecode_at(info: ClipInfo, frame: int) -> str | None:
    """Return the timecode label of a source frame, None if the clip has no timecode."""
    if info.start_timecode is None:
        return None
    return str(Timecode.parse(info.start_timecode, info.rate).shifted(frame))


def metadata_within(info: ClipInfo, frames: FrameRange) -> ClipMetadata:
    """Return the clip's metadata for a range of its frames, with chapters in the time of the result."""
    rate = info.file_rate or info.rate
    return info.metadata.within(frames.start / rate, frames.stop / rate, info.rate / rate)
