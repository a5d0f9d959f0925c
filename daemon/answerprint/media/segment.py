"""Segments: the finished pictures of a chunk in one lossless file, as 16-bit codes with headroom around 0..1.

FFV1 in Matroska, every frame a key frame; the same pictures give the same bytes. The file declares its codes of black
and white; the headroom keeps sub-blacks and super-whites.

Decoders conceal damage (FFmpeg only logs a wrong checksum, and still returns a picture). So the hash of the whole file
is compared with that of its receipt before anything is decoded.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from answerprint.errors import OutputError
from answerprint.frames.frame import Frame, FrameRange
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError

__all__ = ["BLACK", "WHITE", "EncodedSegment", "PictureDigest", "SegmentReader", "encode_segment", "quantise_frame"]

Codes = NDArray[np.uint16]  # [H, W, 3 or 4], R'G'B' and alpha

BLACK, WHITE = 16384, 49152
"""Codes of 0 and 1. Their distance is a power of two, so both are exact; codes cover -0.5 to 1.49997."""

_OPAQUE = 65535
_TOP = 65535
_FORMATS = {3: "gbrp16le", 4: "gbrap16le"}
_ENCODER = {"level": "3", "g": "1", "slices": "16", "slicecrc": "1"}
_MUXER = {"fflags": "+bitexact"}  # without it each file contains a random number
_FIRST, _LEVELS = "answerprint_first", "answerprint_levels"
# What FFmpeg raises for a damaged file.
_FOREIGN = (av.FFmpegError, OSError, ValueError, IndexError, UnicodeDecodeError, MemoryError)


@dataclass(frozen=True, slots=True)
class EncodedSegment:
    """data: the file. clamped: how many values were outside the headroom."""

    data: bytes
    clamped: int


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class PictureDigest:
    """SHA-256 over the stored codes of frames in order: equal if and only if the pictures are."""

    def __init__(self) -> None:
        self._sha: _Digest = hashlib.sha256()

    def add(self, codes: Codes) -> None:
        """Add the next picture."""
        height, width, planes = codes.shape
        self._sha.update(f"{width}x{height}x{planes}:".encode())
        self._sha.update(np.ascontiguousarray(codes.transpose(2, 0, 1), "<u2").tobytes())

    def hexdigest(self) -> str:
        """The digest so far."""
        return self._sha.hexdigest()


def quantise_frame(frame: Frame) -> tuple[Codes, int]:
    """Return a frame's codes, and how many values were clamped. Raises OutputError for values that are not numbers."""
    if not np.isfinite(frame.picture).all():
        raise OutputError(
            f"Frame {frame.index} of the result has values that are not numbers.",
            "Restore it in full precision (--option dtype=float32).",
        )
    scaled = np.rint(frame.picture * np.float32(WHITE - BLACK)) + np.float32(BLACK)
    clamped = int(np.count_nonzero((scaled < 0) | (scaled > _TOP)))
    codes = np.clip(scaled, 0, _TOP).astype(np.uint16)
    if frame.alpha is not None:
        alpha = np.rint(np.clip(frame.alpha, 0, 1) * np.float32(_OPAQUE)).astype(np.uint16)
        codes = np.concatenate([codes, alpha[..., None]], axis=-1)
    return codes, clamped


def encode_segment(frames: Iterable[Frame], rate: Fraction) -> EncodedSegment:
    """Return the bytes of a segment. frames: at least one, all of one size.

    It is made in memory, because a muxer that writes to disk does not report errors of its last flush.
    Raises OutputError for values that are not numbers, ValueError without frames.
    """
    file = io.BytesIO()
    container: OutputContainer | None = None
    video: VideoStream | None = None
    clamped = 0
    for number, frame in enumerate(frames):
        codes, outside = quantise_frame(frame)
        clamped += outside
        if container is None or video is None:
            container = av.open(file, "w", format="matroska", options=dict(_MUXER))
            video = _add_video(container, frame.index, codes, rate)
        picture = VideoFrame.from_ndarray(codes, format=_FORMATS[codes.shape[2]])
        picture.pts, picture.time_base = number, 1 / rate
        container.mux(video.encode(picture))
    if container is None or video is None:
        raise ValueError("a segment holds at least one frame")
    container.mux(video.encode(None))
    container.close()
    return EncodedSegment(file.getvalue(), clamped)


def _add_video(container: OutputContainer, first: int, codes: Codes, rate: Fraction) -> VideoStream:
    container.metadata.update({_FIRST: str(first), _LEVELS: f"{BLACK} {WHITE}"})
    stream = container.add_stream("ffv1", rate=rate, options=dict(_ENCODER))
    if not isinstance(stream, VideoStream):
        raise ValueError("ffv1 is no video encoder")
    context = stream.codec_context
    context.height, context.width, planes = codes.shape
    context.pix_fmt = _FORMATS[planes]
    context.time_base = 1 / rate
    context.thread_type = "SLICE"
    return stream


class SegmentReader:
    """A finished chunk's pictures. Every method raises DamagedChunkError if the file does not match its receipt."""

    def __init__(self, folder: Path, receipt: ChunkReceipt) -> None:
        """folder: the job's."""
        self._path = folder / receipt.segment.name
        self._sha256 = receipt.segment.sha256
        self._range = FrameRange(receipt.first, receipt.stop)

    def frames(self, digest: PictureDigest | None = None) -> Iterator[Frame]:
        """Yield all frames in order, and add their codes to `digest`."""
        with closing(self._decoded()) as decoded:
            for index, codes, levels in decoded:
                if digest is not None:
                    digest.add(codes)
                yield _frame(index, codes, levels)

    def frame(self, index: int) -> Frame:
        """Return one frame by its absolute index, without decoding others."""
        if index not in self._range:
            raise ValueError(f"frame {index} is not in {self._range}")
        with closing(self._decoded(only=index)) as decoded:
            for found, codes, levels in decoded:
                if found == index:
                    return _frame(index, codes, levels)
        raise self._damaged("ends too early")

    def _decoded(self, only: int | None = None) -> Generator[tuple[int, Codes, tuple[int, int]], None, None]:
        """Yield absolute index, codes, and (black, white), of all frames or of one."""
        count = 0
        try:
            with av.open(io.BytesIO(self._data()), "r", format="matroska") as container:
                levels = self._levels(container.metadata)
                stream = container.streams.video[0]
                stream.codec_context.thread_type = "SLICE"
                for packet in container.demux(stream):
                    if packet.size == 0:
                        continue
                    index = self._range.start + count
                    count += 1
                    if only is None or index == only:
                        # Every packet is a whole picture, so one packet gives one frame.
                        (picture,) = stream.codec_context.decode(packet)
                        yield index, _codes(picture), levels
        except _FOREIGN as error:
            raise self._damaged("cannot be read") from error
        if count != len(self._range):
            raise self._damaged(f"has {count} of {len(self._range)} frames")

    def _data(self) -> bytes:
        """Return the whole file. It is read once, so that the checked bytes are those that are decoded."""
        data = self._path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self._sha256:
            raise self._damaged("does not have the hash of its receipt")
        return data

    def _levels(self, metadata: dict[str, str]) -> tuple[int, int]:
        tags = {key.lower(): value for key, value in metadata.items()}  # Matroska writes tags in capitals
        if tags.get(_FIRST) != str(self._range.start):
            raise self._damaged("has other frames")
        try:
            black, white = map(int, tags[_LEVELS].split())
        except (KeyError, ValueError):
            raise self._damaged("does not declare its codes of black and white") from None
        if white <= black:
            raise self._damaged("does not declare its codes of black and white")
        return black, white

    def _damaged(self, what: str) -> DamagedChunkError:
        return DamagedChunkError(f"The segment {self._path} {what}.")


def _codes(picture: VideoFrame) -> Codes:
    if picture.format.name not in _FORMATS.values():
        raise ValueError(f"a segment is not in {picture.format.name}")
    return np.asarray(picture.to_ndarray(), np.uint16)


def _frame(index: int, codes: Codes, levels: tuple[int, int]) -> Frame:
    black, white = levels
    picture = (codes[..., :3].astype(np.float32) - np.float32(black)) / np.float32(white - black)
    alpha = codes[..., 3].astype(np.float32) / np.float32(_OPAQUE) if codes.shape[2] == 4 else None
    return Frame(index, np.ascontiguousarray(picture), alpha)
