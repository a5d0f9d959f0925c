"""Reads the frames of a clip in order, each with its exact number; the result of a seek is always checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.errors import MediaError, TruncatedError
from answerprint.frames.cadence import as_stored, stored_range
from answerprint.frames.clip import ClipInfo, DamagePolicy, PixelWindow, is_rgb
from answerprint.frames.frame import Frame, FrameRange
from answerprint.frames.grid import frame_index
from answerprint.media import levels
from answerprint.media.boundary import best_video, open_container, reading
from answerprint.media.changes import SourceChanges, film_facts, first_facts, still_facts
from answerprint.media.decoding import begins_clean, decoded_pictures
from answerprint.media.fields import FieldCount, field_frames, may_have_fields, watched
from answerprint.media.orientation import UPRIGHT, is_sideways, turned
from answerprint.media.pixels import bit_depth, decode_pixels
from answerprint.media.spacing import check_spacing
from answerprint.media.stills import read_still, read_still_header

__all__ = ["FrameReader", "open_reader", "read_from"]

# Seek to the wanted frame; if that lands wrong, a long GOP earlier; else decode from the very start.
_STEPS_BACK = (0, 300)
# Frames read to find the last good one before a range.
_RUN_UP = 48

_FLOAT_BITS = 32
_LARGEST = 65504.0
"""Of a half float."""

_Indexed = Generator[tuple[int, VideoFrame], None, None]


def open_reader(info: ClipInfo, frames: FrameRange | None = None, *, watch_fields: bool = False) -> FrameReader:
    """Return a reader of a range of the clip, all of it for None.

    watch_fields: look at whole frames too, and count those that are combed.

    Raises InputError if the range is outside, MediaError if its frame rate is variable.
    """
    chosen = info.checked(frames)
    check_spacing(info, chosen)
    return FrameReader(info, chosen, watch_fields=watch_fields)


@dataclass(slots=True)
class _Damage:
    """Frames in which a decoder found damage, the number of packets that it could not decode, and what changes."""

    found: set[int] = field(default_factory=set)
    lost: int = 0
    changes: SourceChanges = field(default_factory=SourceChanges)

    def lose(self) -> None:
        self.lost += 1

    def forget(self) -> None:
        self.found.clear()
        self.lost = 0
        self.changes.forget()


class FrameReader:
    """An iterator of Frame in presentation order, and the owner of the open file: use it in a `with` block.

    Raises TruncatedError if the source ends early, MediaError if a frame cannot be decoded or is damaged, unless the
    clip's policy allows it.
    """

    def __init__(self, info: ClipInfo, frames: FrameRange, *, watch_fields: bool = False) -> None:
        self.info = info
        self.fields = FieldCount()
        """How many frames so far were found combed, where they are looked at one by one."""
        self._watch_fields = watch_fields
        self.range = frames
        self.damaged: list[int] = []
        """Frames so far that are damaged, or that the file lacks against its own account."""
        self.not_numbers: list[int] = []
        """Frames so far with values that are not numbers, or infinite: read as black, and as the largest half float."""
        self._next = frames.start
        self._source: _Indexed | None = None
        self._ahead: tuple[int, VideoFrame] | None = None
        self._failed: MediaError | None = None
        self._last: Frame | None = None
        self._stored = as_stored(info)
        self._damage = _Damage()  # its numbers, and those of the grid, are of stored frames
        self._missing = 0

    def __enter__(self) -> Self:
        self._source = field_frames(self.info, self._frames, self.range.start, self.fields)
        if self._watch_fields and not self.info.interlaced and may_have_fields(self.info):
            self._source = watched(self._source, self.fields)
        return self

    def _frames(self, start: int) -> _Indexed:
        if self.info.files:
            return _stills(self._stored, start, self._damage)
        return _exact(self._stored, start, self._damage)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._source is None:
            raise ValueError("the reader is not open")
        if self._next >= self.range.stop:
            raise StopIteration
        index = self._next
        shown = self._advance(self._source, index)
        grid, number = self.info.grid, self._number_stored(index)
        missing = shown is None and not (grid is not None and grid.is_held(number))
        if missing or number in self._damage.found:
            self._note_damage(index, missing)
        if shown is None or (number in self._damage.found and self.info.damaged is DamagePolicy.HOLD):
            frame = self._repeated(self._source, index)
        else:
            frame = self._converted(index, shown)
        self._next += 1
        self._last = frame
        return frame

    def take_changes(self) -> list[str]:
        """What changes within the source, so far and since the last call: a sentence each."""
        return self._damage.changes.take(stored_range(self.info, self.range))

    def _number_stored(self, index: int) -> int:
        """The first stored frame that a frame of the clip comes of."""
        return stored_range(self.info, FrameRange(index, index + 1)).start

    def _advance(self, source: _Indexed, index: int) -> VideoFrame | None:
        """Decode up to a frame, and return its picture; None if the file has none for it."""
        while self._failed is None and (self._ahead is None or self._ahead[0] < index):
            try:
                self._ahead = next(source, None)
            except MediaError as error:
                if self._next == self.range.start:
                    raise
                self._ahead, self._failed = None, error  # the frames so far are good, and are kept
            if self._ahead is None:
                break
        return self._ahead[1] if self._ahead is not None and self._ahead[0] == index else None

    def _note_damage(self, index: int, missing: bool) -> None:
        """Add a frame to `damaged`. Raises MediaError if the clip ends here, or if its policy is to fail."""
        policy = self.info.damaged
        at_end = missing and self._ahead is None and self._damage.lost <= self._missing
        if self._failed is not None or (at_end and policy is not DamagePolicy.HOLD):
            raise self._ends_early() from self._failed
        if policy is DamagePolicy.FAIL:
            what = "cannot be decoded" if missing else "is damaged"
            after = index + 1 if self._ahead is None or not missing else self._ahead[0]
            raise MediaError(
                f"Frame {index} of {self.info.path} {what}.",
                f"Give --damaged hold or keep, or restore around it: --range {self.range.start}:{index} and from"
                f" {after}.",
            )
        self.damaged.append(index)
        self._missing += missing

    def _converted(self, index: int, shown: VideoFrame) -> Frame:
        self._check(shown)
        with reading(self.info.path):
            picture, alpha = decode_pixels(shown, self.info.colour, centred=self.info.codec == "mjpeg")
            if self.info.levels == "tv" and is_rgb(shown.format.name):
                picture = levels.from_video_codes(picture, bit_depth(shown.format))
        if self.info.bit_depth == _FLOAT_BITS and not (_are_numbers(picture) and _are_numbers(alpha)):
            self.not_numbers.append(index)
            picture, alpha = _numbers(picture), None if alpha is None else _numbers(alpha)
        if alpha is None and self.info.has_alpha:
            alpha = np.ones(picture.shape[:2], np.float32)  # WebM keeps none beside a picture that is solid
        turn = self.info.orientation
        return Frame(index, turned(picture, turn), None if alpha is None else turned(alpha, turn))

    def _repeated(self, source: _Indexed, index: int) -> Frame:
        """The frame before; the next good one where there is none before. Raises TruncatedError without either."""
        last = self._last or self._before(index)
        while last is None:
            if self._ahead is None:
                raise self._ends_early()
            place, shown = self._ahead
            if self._number_stored(place) in self._damage.found:
                self._advance(source, place + 1)
            else:
                last = self._converted(place, shown)
        return Frame(index, last.picture, last.alpha)

    def _before(self, index: int) -> Frame | None:
        """The last good frame before a range; None if the clip begins with the range."""
        grid, last = self.info.grid, index - 1
        while last >= 0 and grid is not None and grid.is_held(self._number_stored(last)):
            last -= 1
        if last < 0:
            return None
        with FrameReader(self.info, FrameRange(max(0, last - _RUN_UP), last + 1)) as reader:
            return deque(reader, maxlen=1)[0]

    def _ends_early(self) -> TruncatedError:
        done = self._next - self.range.start
        why = f" {self._failed.message}" if self._failed is not None and self.info.files else ""
        return TruncatedError(
            f"{self.info.path} ends early: {done} of {len(self.range)} frames could be read.{why}",
            f"Copy the source again, or restore the range {self.range.start}:{self._next}; --damaged hold repeats the"
            " last frame to the end."
            if done
            else "Copy the source again.",
        )

    def _check(self, shown: VideoFrame) -> None:
        width, height = shown.width, shown.height
        if is_sideways(self.info.orientation):
            width, height = height, width
        if (width, height) != (self.info.width, self.info.height):
            raise MediaError(
                f"Frame {self._next} of {self.info.path} is {width}x{height},"
                f" but the clip is {self.info.width}x{self.info.height} before.",
                "Restore the parts of each size separately, with --range.",
            )


def read_from(info: ClipInfo, frame: int) -> _Indexed:
    """Yield frames with their numbers, as they are stored, from about this one on: a key frame near it is enough."""
    return _stills(info, frame, _Damage()) if info.files else _decode(info, frame, _Damage())


def _are_numbers(values: NDArray[np.float32] | None) -> bool:
    return values is None or bool(np.isfinite(values).all())


def _numbers(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Finite values: models would spread one that is not a number over all of the picture around it."""
    return np.nan_to_num(values, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)


def _stills(info: ClipInfo, start: int, damage: _Damage) -> _Indexed:
    """Decode the pictures of a sequence one by one."""
    whole = PixelWindow(0, 0, info.width, info.height) if info.codec == "exr" and info.orientation == UPRIGHT else None
    window = info.data_window or whole

    def read(index: int) -> VideoFrame:
        still = read_still(info.files[index], window, info.display_window or window)
        facts = still_facts(still.header, still.frame, index, info.rate, whole if window is whole else None)
        damage.changes.note(index, facts)
        return still.frame

    if start > 0:
        with suppress(MediaError):
            damage.changes.note(0, first_facts(info, read_still_header(info.files[0])))
    for index in range(start, len(info.files)):
        try:
            if not info.files[index].exists():
                raise MediaError(f"{info.files[index]} does not exist.")
            yield index, read(index)
        except MediaError:
            if info.damaged is not DamagePolicy.HOLD:
                if not info.files[index].exists():
                    return  # removed since the probe: like a file that ends early
                raise
            damage.lost += 1


def _exact(info: ClipInfo, start: int, damage: _Damage) -> _Indexed:
    """Decode from exactly this frame on.

    A seek is good if the first frame that comes out is a key frame at or before the wanted one. Seeking by the index of
    the container can land after it (B-frames, open GOPs, edit lists); then only decoding from the start is exact.
    """
    landings = [start - back for back in _STEPS_BACK if start - back > 0] if info.first_pts is not None else []
    for landing in landings:
        source = _decode(info, landing, damage)
        try:
            first = next(source, None)
        except MediaError:  # nothing from there on can be decoded
            first = None
        if (
            first is not None
            and first[0] <= start
            and begins_clean(first[1], info.codec)
            and first[0] not in damage.found
        ):
            if first[0] == start:
                yield first
            yield from _from(source, start)
            return
        source.close()
        damage.forget()
    yield from _from(_decode(info, 0, damage), start)


def _from(source: _Indexed, start: int) -> _Indexed:
    for index, frame in source:
        if index >= start:
            yield index, frame


def _decode(info: ClipInfo, landing: int, damage: _Damage) -> _Indexed:
    """Decode from a seek to frame `landing` on (0: no seek), each frame with its number."""
    rate = info.file_rate or info.rate
    counted = 0
    with open_container(info.path) as container:
        stream = best_video(container, info.path)
        with reading(info.path):
            if landing > 0 and info.first_pts is not None:
                pts = info.first_pts + int(landing / (rate * info.time_base))
                container.seek(pts, stream=stream, backward=True)
        pictures = decoded_pictures(container, stream, damage.lose)
        while True:
            with reading(info.path):
                found = next(pictures, None)
            if found is None:
                return
            frame, damaged = found
            if info.first_pts is None:
                index = counted
            elif frame.pts is None:
                raise MediaError(f"A frame of {info.path} has no time.", "Copy its streams into a new file.")
            else:
                index = _number(info, frame.pts)
            counted += 1
            if index >= 0:
                if damaged:
                    damage.found.add(index)
                damage.changes.note(index, film_facts(frame, stream.codec_context.sample_aspect_ratio))
                yield index, frame


def _number(info: ClipInfo, pts: int) -> int:
    """The frame at which the picture of this time is shown."""
    if info.grid is not None and pts in info.grid.moved:
        return info.grid.moved[pts]
    return frame_index(pts, info.first_pts or 0, info.time_base, info.file_rate or info.rate)
