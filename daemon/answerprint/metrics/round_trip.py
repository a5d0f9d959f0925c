"""Whether a clip came back as it was: its frames, what its file says of them, and its sound."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.errors import InputError
from answerprint.frames import ClipInfo, Frame, FrameRange
from answerprint.frames.clip import FieldOrder, is_rgb, parse_range, start_timecode_at
from answerprint.frames.colour import UNKNOWN
from answerprint.frames.frame import Picture
from answerprint.frames.timecode import Timecode
from answerprint.media import open_reader
from answerprint.media.boundary import open_container, reading
from answerprint.media.sound_frames import kept, samples_of
from answerprint.metrics.picture import psnr
from answerprint.text import counted

__all__ = ["Difference", "RoundTrip", "choose_range", "measure_round_trip", "sheet_bytes"]

_SHEET_ROWS = 4
_CLEARLY = 1.0
"""dB by which a copy must be nearer to a neighbour to count as out of place: still pictures differ by noise only."""
_MAGNIFIED = 8
"""How much a sheet magnifies the difference of two pictures."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A property that is not the same. what: its name; first, second: what each file has."""

    what: str
    first: str
    second: str


@dataclass(slots=True)
class RoundTrip:
    """The comparison of a clip with its copy.

    psnr: dB of each frame, inf where all values are equal. alpha_psnr: likewise, empty without alpha. misplaced:
    frames, counted from 0 in the copy, that are nearer to a neighbour of the frame that they should be. tracks: of
    sound, those that are equal. worst: the frames with the least PSNR, each as (PSNR, frame, picture, its copy).
    """

    frames: FrameRange
    psnr: list[float] = field(default_factory=list)
    alpha_psnr: list[float] = field(default_factory=list)
    misplaced: list[int] = field(default_factory=list)
    tracks: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    worst: list[tuple[float, int, Picture, Picture]] = field(default_factory=list)

    @property
    def least(self) -> float:
        """The PSNR of the worst frame, alpha included; inf without frames."""
        return min([*self.psnr, *self.alpha_psnr], default=math.inf)

    @property
    def mean(self) -> float:
        """The mean of all frames' PSNR; inf if all are equal."""
        return sum(self.psnr) / len(self.psnr) if self.psnr else math.inf


def choose_range(first: ClipInfo, second: ClipInfo, text: str | None) -> FrameRange:
    """The frames of `first` that `second` is a copy of: `text`, or by timecode, or from the beginning.

    Raises InputError if `text` is not within the clip.
    """
    if text:
        return parse_range(text, first)
    start = 0
    if first.start_timecode and second.start_timecode and first.rate == second.rate:
        begins = [Timecode.parse(each, first.rate).frames for each in (first.start_timecode, second.start_timecode)]
        start = begins[1] - begins[0]
    if not 0 < start < first.frames:  # one that begins alike and is shorter has lost its end
        return first.whole
    return FrameRange(start, min(first.frames, start + second.frames))


def measure_round_trip(
    first: ClipInfo,
    second: ClipInfo,
    frames: FrameRange,
    on_frame: Callable[[int], None] = lambda done: None,
    *,
    part: bool = False,
) -> RoundTrip:
    """Compare `second` with the frames of `first` of which it is a copy. Raises MediaError if either cannot be read.

    A copy whose sides are a whole number of times larger is compared at the size of `first`, by means of areas.
    on_frame: called with the number of frames compared so far. part: whether the copy is meant to be of these frames
    only; if not, frames of `first` that it lacks are a difference.
    """
    found = RoundTrip(frames)
    found.differences += _properties(first, second, len(frames) if part else first.frames, frames)
    factor = _factor(first, second)
    if factor:
        _pictures(first, second, found, factor, on_frame)
    if len(found.psnr) < min(len(frames), second.frames):
        lack = f"{counted(len(found.psnr), 'frame')} compared" if factor else "the sizes cannot be compared"
        found.differences.append(Difference("pictures", counted(min(len(frames), second.frames), "frame"), lack))
    _sound(first, second, found)
    return found


def _properties(first: ClipInfo, second: ClipInfo, count: int, frames: FrameRange) -> Iterator[Difference]:
    """What the files say of the pictures, and do not agree in."""
    both = (first, second)
    pairs: dict[str, tuple[object, object]] = {
        "frames": (count, second.frames),
        "size": (f"{first.width}x{first.height}", f"{second.width}x{second.height}"),
        "rate": (first.rate, second.rate),
        "timecode": (start_timecode_at(first, frames.start) or "none", second.start_timecode or "none"),
        "pixel aspect": (first.sample_aspect, second.sample_aspect),
        "fields": (_FIELDS.get(first.field_order, ""), _FIELDS.get(second.field_order, "")),
        "alpha": (_YES[first.has_alpha], _YES[second.has_alpha]),
    }
    for name in ("primaries", "transfer", "matrix", "range"):
        values = (getattr(each.colour, name) for each in both)
        one, other = (_TAGS.get(each, each) for each in values)
        pairs["levels" if name == "range" else name] = (one, other)
    if any(info.rate_is_assumed for info in both):
        del pairs["rate"]  # a sequence has none to compare
    kinds = {_kind(info) for info in both}
    if "rgb" in kinds or len(kinds) > 1:
        del pairs["matrix"], pairs["levels"]  # R'G'B' has no matrix, and is full
    for name, (one, other) in pairs.items():
        if one != other:
            yield Difference(name, str(one), str(other))


_FIELDS = {
    FieldOrder.PROGRESSIVE: "progressive",
    FieldOrder.TOP_FIRST: "interlaced, top first",
    FieldOrder.BOTTOM_FIRST: "interlaced, bottom first",
    FieldOrder.PER_FRAME: "interlaced",
    FieldOrder.MIXED: "interlaced in parts",
}
_YES = {True: "yes", False: "none"}
_TAGS = {UNKNOWN: "not tagged", "tv": "video", "pc": "full"}


def _kind(info: ClipInfo) -> str:
    if is_rgb(info.pixel_format):
        return "rgb"
    return "grey" if info.pixel_format.startswith("gray") else "yuv"


def _factor(first: ClipInfo, second: ClipInfo) -> int:
    """How many times larger the copy is; 0 if that is no whole number."""
    factor = second.width // first.width
    return factor if factor and (second.width, second.height) == (first.width * factor, first.height * factor) else 0


def _pictures(
    first: ClipInfo, second: ClipInfo, found: RoundTrip, factor: int, on_frame: Callable[[int], None]
) -> None:
    before: Picture | None = None
    with open_reader(first, found.frames) as sources, open_reader(second) as copies:
        source: Frame | None = next(sources, None)
        for number, copy in enumerate(copies):
            if source is None:
                break
            following = next(sources, None)
            picture = _shrunk(copy.picture, factor)
            value = psnr(source.picture, picture)
            found.psnr.append(value)
            if source.alpha is not None and copy.alpha is not None:
                found.alpha_psnr.append(_plane_psnr(source.alpha, _shrunk(copy.alpha, factor)))
            beside = [before, None if following is None else following.picture]
            if any(psnr(each, picture) > value + _CLEARLY for each in beside if each is not None):
                found.misplaced.append(number)
            found.worst = sorted(
                [*found.worst, (value, source.index, source.picture, picture)], key=lambda row: row[:2]
            )[:_SHEET_ROWS]
            before, source = source.picture, following
            on_frame(number + 1)


def _plane_psnr(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return psnr(np.repeat(a[..., None], 3, -1), np.repeat(b[..., None], 3, -1))


def _shrunk(plane: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The mean of each factor x factor pixels of [H, W] or [H, W, 3]."""
    if factor == 1:
        return plane
    height, width, *rest = plane.shape
    blocks = plane.reshape(height // factor, factor, width // factor, factor, *rest)
    return np.asarray(blocks.mean((1, 3)), np.float32)


def _sound(first: ClipInfo, second: ClipInfo, found: RoundTrip) -> None:
    counts = [_tracks(info) for info in (first, second)]
    if counts[0] != counts[1]:
        found.differences.append(Difference("sound tracks", str(counts[0]), str(counts[1])))
    for number in range(min(counts)):
        begin, end = (Fraction(frame) / first.rate for frame in (found.frames.start, found.frames.stop))
        until = None if found.frames.stop == first.frames else end
        one, other = _heard(first, number, begin, until), _heard(second, number, Fraction(0), None)
        if one == other:
            found.tracks.append(one)
        else:
            found.differences.append(Difference(f"sound {number + 1}", one, other))


def _tracks(info: ClipInfo) -> int:
    if info.kind != "file":
        return 0
    with open_container(info.path) as container:
        return len(container.streams.audio)


def _heard(info: ClipInfo, number: int, begin: Fraction, end: Fraction | None) -> str:
    """What a track is from one time of the picture to another: rate, channels, samples and a hash of all of them.

    Values count, not how they are stored: 16 bits are the same in 24.
    """
    origin = (info.first_pts or 0) * info.time_base
    digest, total, at, lead = hashlib.sha256(), 0, 0, 0
    with open_container(info.path) as container, reading(info.path):
        stream = container.streams.audio[number]
        if stream.codec_context is None:
            return "an unknown codec"
        rate = stream.codec_context.sample_rate
        first, last = round(begin * rate), None if end is None else round(end * rate)
        for frame in container.decode(stream):
            values = _values(samples_of(kept(frame)))
            if frame.pts is not None and (not total or not at):
                at = round((frame.pts * (frame.time_base or 0) - origin) * rate)
            low, high = max(0, first - at), len(values) if last is None else min(len(values), last - at)
            if low < high:
                lead = lead if total else at + low - first
                digest.update(values[low:high].tobytes())
                total += high - low
            at += len(values)
        channels = stream.codec_context.channels
    start = f", from sample {lead}" if lead else ""
    return f"{rate} Hz, {counted(channels, 'channel')}, {total} samples{start}, sha256 {digest.hexdigest()[:16]}"


def _values(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """[samples, channels]; whole numbers as 32 bits with the value at the top."""
    if array.dtype == np.uint8:
        array = (array.astype(np.int32) - 128) << 24
    elif array.dtype == np.int16:
        array = array.astype(np.int32) << 16
    return np.ascontiguousarray(array)


def sheet_bytes(found: RoundTrip) -> bytes:
    """A PNG file: for each of the worst frames a row of the picture, its copy, and their difference, magnified.

    Raises InputError if no pictures were compared.
    """
    if not found.worst:
        raise InputError("No pictures were compared, so there is no sheet.", "Compare files of one size.")
    rows = []
    for _, _, source, copy in found.worst:
        difference = 0.5 + (copy - source) * _MAGNIFIED
        rows.append(np.concatenate([source, copy, difference], 1))
    codes = np.rint(np.clip(np.concatenate(rows, 0), 0, 1) * 255).astype(np.uint8)
    done, data = cv2.imencode(".png", np.ascontiguousarray(codes[..., ::-1]))
    if not done:
        raise InputError("The sheet could not be encoded.", "Leave out --sheet.")
    return data.tobytes()
