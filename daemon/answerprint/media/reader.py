"""Reads the frames of a clip in order, each with its exact number; the result of a seek is always checked."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Self

from av.video.frame import VideoFrame

from answerprint.errors import MediaError, TruncatedError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.frame import Frame, FrameRange
from answerprint.media.boundary import best_video, open_container, reading
from answerprint.media.fields import deinterlaced
from answerprint.media.orientation import is_sideways, turned
from answerprint.media.pixels import decode_pixels
from answerprint.media.stills import read_still
from answerprint.media.timeline import frame_index

__all__ = ["FrameReader", "open_reader"]

# Seek to the wanted frame; if that lands wrong, a long GOP earlier; else decode from the very start.
_STEPS_BACK = (0, 300)

_Indexed = Generator[tuple[int, VideoFrame], None, None]


def open_reader(info: ClipInfo, frames: FrameRange | None = None) -> FrameReader:
    """Return a reader of a range of the clip, all of it for None. Raises InputError if the range is outside."""
    return FrameReader(info, info.checked(frames))


class FrameReader:
    """An iterator of Frame in presentation order, and the owner of the open file: use it in a `with` block.

    Raises TruncatedError if the source ends early, MediaError if a frame cannot be decoded.
    """

    def __init__(self, info: ClipInfo, frames: FrameRange) -> None:
        self.info = info
        self.range = frames
        self.damaged: list[int] = []
        """Frames so far in which the decoder found damage, though it returned them."""
        self._next = frames.start
        self._source: _Indexed | None = None

    def __enter__(self) -> Self:
        if not self.info.interlaced:
            self._source = self._frames(self.range.start)
        else:
            # Deinterlacing the first frame needs the frame before it.
            before = max(0, self.range.start - 1)
            self._source = _from(deinterlaced(self._frames(before), self.info.field_order), self.range.start)
        return self

    def _frames(self, start: int) -> _Indexed:
        if self.info.files:
            return _stills(self.info, FrameRange(start, self.range.stop))
        return _exact(self.info, start)

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
        try:
            index, decoded = next(self._source, (None, None))
        except MediaError as error:
            if self._next == self.range.start:
                raise
            raise self._ends_early() from error  # the frames so far are good, and are kept
        if decoded is None:
            raise self._ends_early()
        if index != self._next:
            raise MediaError(
                f"Frame {self._next} of {self.info.path} cannot be decoded.",
                f"Restore around it: --range {self.range.start}:{self._next} and from {index}.",
            )
        self._check(decoded)
        with reading(self.info.path):
            picture, alpha = decode_pixels(decoded, self.info.colour, centred=self.info.codec == "mjpeg")
        if decoded.is_corrupt:
            self.damaged.append(index)
        self._next += 1
        turn = self.info.orientation
        return Frame(index, turned(picture, turn), None if alpha is None else turned(alpha, turn))

    def _ends_early(self) -> TruncatedError:
        done = self._next - self.range.start
        return TruncatedError(
            f"{self.info.path} ends early: {done} of {len(self.range)} frames could be read.",
            f"Copy the source again, or restore the range {self.range.start}:{self._next}."
            if done
            else "Copy the source again.",
        )

    def _check(self, decoded: VideoFrame) -> None:
        width, height = decoded.width, decoded.height
        if is_sideways(self.info.orientation):
            width, height = height, width
        if (width, height) != (self.info.width, self.info.height):
            raise MediaError(
                f"Frame {self._next} of {self.info.path} is {width}x{height},"
                f" but the first one is {self.info.width}x{self.info.height}.",
                "Restore the parts of each size separately, with --range.",
            )


def _stills(info: ClipInfo, frames: FrameRange) -> _Indexed:
    """Decode the pictures of a sequence one by one."""
    for index in range(frames.start, frames.stop):
        if not info.files[index].exists():
            return  # removed since the probe: like a file that ends early
        yield index, read_still(info.files[index]).frame


def _exact(info: ClipInfo, start: int) -> _Indexed:
    """Decode from exactly this frame on.

    A seek is good if the first frame that comes out is a key frame at or before the wanted one. Seeking by the index of
    the container can land after it (B-frames, open GOPs, edit lists); then only decoding from the start is exact.
    """
    landings = [start - back for back in _STEPS_BACK if start - back > 0] if info.first_pts is not None else []
    for landing in landings:
        source = _decode(info, landing)
        first = next(source, None)
        if first is not None and first[0] <= start and first[1].key_frame and not first[1].is_corrupt:
            if first[0] == start:
                yield first
            yield from _from(source, start)
            return
        source.close()
    yield from _from(_decode(info, 0), start)


def _from(source: _Indexed, start: int) -> _Indexed:
    for index, frame in source:
        if index >= start:
            yield index, frame


def _decode(info: ClipInfo, landing: int) -> _Indexed:
    """Decode from a seek to frame `landing` on (0: no seek), each frame with its number."""
    rate = info.file_rate or info.rate
    with open_container(info.path) as container:
        stream = best_video(container, info.path)
        with reading(info.path):
            if landing > 0 and info.first_pts is not None:
                pts = info.first_pts + int(landing / (rate * info.time_base))
                container.seek(pts, stream=stream, backward=True)
            frames = iter(container.decode(stream))
        counted = 0
        while True:
            with reading(info.path):
                frame = next(frames, None)
            if frame is None:
                return
            if info.first_pts is None:
                index = counted
            elif frame.pts is None:
                raise MediaError(f"A frame of {info.path} has no time.", "Copy its streams into a new file.")
            else:
                index = frame_index(frame.pts, info.first_pts, info.time_base, rate)
            counted += 1
            if index >= 0:
                yield index, frame
