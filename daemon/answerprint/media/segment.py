"""Segments: the finished pictures of a chunk in one lossless file.

Huffyuv (FFmpeg's variant) in NUT, every frame a key frame; the same pictures give the same bytes. Its planes are green,
blue less green and red less green, modulo 2^16. It takes a sixth of the time of FFV1, which earlier versions wrote, for
a tenth more space (1080p, measured), and so costs less than decoding the source. Segments of FFV1 are still read.

Pictures of up to 12 bits are stored as 16-bit codes with headroom around 0..1, and the file declares its codes of black
and white. Sources that hold more (16 bits, half, float), and results outside of the headroom, are stored as the bits of
float32, so nothing is rounded or clamped: each frame takes two pictures, of the upper and of the lower 16 bits of its
values.

Decoders conceal damage, and still return a picture. So the hash of the whole file
is compared with that of its receipt before anything is decoded.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from answerprint.errors import OutputError
from answerprint.frames.frame import Frame, FrameRange
from answerprint.frames.planes import channels_first, channels_last, empty, row_blocks
from answerprint.store.receipts import ChunkReceipt, DamagedChunkError

__all__ = ["BLACK", "WHITE", "PictureDigest", "SegmentReader", "encode_segment", "quantise_frame"]

Samples = NDArray[np.uint16] | NDArray[np.float32]  # [H, W, 3 or 4], R'G'B' and alpha; codes or values

BLACK, WHITE = 16384, 49152
"""Codes of 0 and 1. Their distance is a power of two, so both are exact; codes cover -0.5 to 1.49997."""

_OPAQUE = 65535
_TOP = 65535
_FORMATS = {3: "yuv444p16le", 4: "yuva444p16le"}
_ENCODER = {"pred": "plane", "context": "1"}
_EARLIER_FORMATS = ("gbrp16le", "gbrap16le")  # of FFV1
_MUXER = {"fflags": "+bitexact"}  # without it each file names the version of the library
_MATROSKA = b"\x1aE\xdf\xa3"
_TRIES = 3
_MIDDLE = np.uint16(32768)  # of a difference: 0 would be at the edge of what is coded
_FIRST, _LEVELS = "answerprint_first", "answerprint_levels"
_FLOAT = "float32"  # in place of the codes of black and white
# What FFmpeg raises for a damaged file.
_FOREIGN = (av.FFmpegError, OSError, ValueError, IndexError, UnicodeDecodeError, MemoryError)

_Levels = tuple[int, int] | None  # codes of black and white; None for values


class _Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class PictureDigest:
    """SHA-256 over the stored samples of frames in order: equal if and only if the pictures are."""

    def __init__(self) -> None:
        self._sha: _Digest = hashlib.sha256()

    def add(self, samples: Samples) -> None:
        """Add the next picture."""
        height, width, planes = samples.shape
        form, kind = ("<u2", "") if samples.dtype.kind == "u" else ("<f4", _FLOAT)
        self._sha.update(f"{width}x{height}x{planes}:{kind}".encode())
        self._sha.update(np.ascontiguousarray(channels_first(samples), form).data)

    def hexdigest(self) -> str:
        """The digest so far."""
        return self._sha.hexdigest()


def quantise_frame(frame: Frame) -> NDArray[np.uint16] | None:
    """Return a frame's codes [H, W, 3 or 4]; None if a value is outside of the headroom.

    Raises OutputError for values that are not numbers.
    """
    _check_numbers(frame)
    height, width = frame.picture.shape[:2]
    codes = empty((3 if frame.alpha is None else 4, height, width), np.uint16)
    for rows in row_blocks(height, width):
        scaled = channels_first(frame.picture[rows]) * np.float32(WHITE - BLACK)
        np.rint(scaled, out=scaled)
        scaled += np.float32(BLACK)
        if float(scaled.min()) < 0 or float(scaled.max()) > _TOP:
            return None
        codes[:3, rows] = scaled
        if frame.alpha is not None:
            codes[3, rows] = np.rint(np.clip(frame.alpha[rows], 0, 1) * np.float32(_OPAQUE))
    return channels_last(codes)


def _check_numbers(frame: Frame) -> None:
    if not np.isfinite(frame.picture).all():
        raise OutputError(
            f"Frame {frame.index} of the result has values that are not numbers.",
            "Restore it in full precision (--option dtype=float32).",
        )


def encode_segment(frames: Iterable[Frame], rate: Fraction, *, floats: bool = False) -> bytes:
    """Return the bytes of a segment. frames: at least one, all of one size.

    floats: store float32 values. Codes become values too as soon as a frame does not fit into them.
    It is made in memory, because a muxer that writes to disk does not report errors of its last flush.
    Raises OutputError for values that are not numbers, ValueError without frames.
    """
    segment = _Segment(rate, floats)
    with ThreadPoolExecutor(1, thread_name_prefix="segment") as thread:
        # While a frame is encoded the next one is made.
        adding: Future[None] | None = None
        for frame in frames:
            if adding is not None:
                adding.result()
            adding = thread.submit(segment.add, frame)
        if adding is None:
            raise ValueError("a segment holds at least one frame")
        adding.result()
    return segment.finish()


class _Segment:
    """A segment of codes, that becomes one of values if a frame requires it."""

    def __init__(self, rate: Fraction, floats: bool) -> None:
        self._rate, self._floats = rate, floats
        self._encoder: _Encoder | None = None

    def add(self, frame: Frame) -> None:
        """Append a frame."""
        codes = None if self._floats else quantise_frame(frame)
        encoder = self._encoder or _Encoder(frame, self._rate, floats=codes is None)
        if codes is None and not encoder.floats:
            self._floats, encoder = True, _as_floats(encoder, frame, self._rate)
        if codes is not None and not encoder.floats:
            encoder.add_codes(codes)
        else:
            encoder.add_values(frame)
        self._encoder = encoder

    def finish(self) -> bytes:
        """The whole file."""
        if self._encoder is None:
            raise ValueError("a segment holds at least one frame")
        return self._encoder.finish()


class _Encoder:
    """Encodes the frames of a segment one by one."""

    def __init__(self, first: Frame, rate: Fraction, *, floats: bool) -> None:
        self.first, self.floats = first.index, floats
        self._rate = rate
        self._planes = 3 if first.alpha is None else 4
        self._pictures = 0
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="nut", options=dict(_MUXER))
        levels = _FLOAT if floats else f"{BLACK} {WHITE}"
        self._container.metadata.update({_FIRST: str(first.index), _LEVELS: levels})
        stream = self._container.add_stream("ffvhuff", rate=rate, options=dict(_ENCODER))
        if not isinstance(stream, VideoStream):
            raise ValueError("ffvhuff is no video encoder")
        context = stream.codec_context
        context.height, context.width = first.picture.shape[:2]
        context.pix_fmt = _FORMATS[self._planes]
        context.time_base = 1 / rate
        self._video = stream

    def add_values(self, frame: Frame) -> None:
        """Append a frame as float32."""
        _check_numbers(frame)
        planes = [*channels_first(frame.picture)] + ([] if frame.alpha is None else [frame.alpha])
        bits = np.ascontiguousarray(np.stack(planes), np.float32).view(np.uint32)
        for half in (bits >> 16, bits & 0xFFFF):
            self.add_codes(channels_last(half.astype(np.uint16)))

    def add_codes(self, codes: NDArray[np.uint16]) -> None:
        """Append a picture [h, w, planes]."""
        height, width, planes = codes.shape
        picture = VideoFrame(width, height, _FORMATS[planes])
        _write_differences(codes, [_samples(picture, plane) for plane in range(planes)])
        picture.time_base = 1 / self._rate
        picture.pts = self._pictures
        if self._pictures < (2 if self.floats else 1):
            # A picture is coded by the statistics of those before it: without any, grain took twice its space.
            self._video.encode(picture)
        self._container.mux(self._encoded(picture, codes))
        self._pictures += 1

    def _encoded(self, picture: VideoFrame, codes: NDArray[np.uint16]) -> list[Packet[VideoStream]]:
        """The packets of a picture, made again where statistics of other pictures made it too large.

        The encoder leaves out what has no room, and says nothing. Raises OutputError if that does not help.
        """
        for _ in range(_TRIES):
            packets = self._video.encode(picture)
            if sum(packet.size for packet in packets) <= codes.nbytes or self._holds(packets, codes):
                return packets
        raise OutputError(
            "A picture could not be stored without loss.", "Report this to the developers of Answerprint."
        )

    def _holds(self, packets: Sequence[Packet[VideoStream]], codes: NDArray[np.uint16]) -> bool:
        """Whether a decoder finds all of a picture in its packets."""
        decoder = VideoCodecContext.create("ffvhuff", "r")
        decoder.width, decoder.height, decoder.pix_fmt = codes.shape[1], codes.shape[0], _FORMATS[codes.shape[2]]
        decoder.extradata = self._video.codec_context.extradata
        found = [_codes(each) for packet in packets for each in decoder.decode(Packet(bytes(packet)))]
        return len(found) == 1 and np.array_equal(found[0], codes)

    def finish(self) -> bytes:
        """The whole file."""
        self._container.mux(self._video.encode(None))
        self._container.close()
        return self._file.getvalue()


def _as_floats(encoder: _Encoder, frame: Frame, rate: Fraction) -> _Encoder:
    """An encoder of values that has the frames of one of codes; frame: the next one."""
    wide: _Encoder | None = None
    with av.open(io.BytesIO(encoder.finish()), "r", format="nut") as container:
        for index, picture in enumerate(container.decode(video=0), encoder.first):
            earlier = _frame(index, _codes(picture), (BLACK, WHITE))
            wide = wide or _Encoder(earlier, rate, floats=True)
            wide.add_values(earlier)
    return wide or _Encoder(frame, rate, floats=True)


class SegmentReader:
    """A finished chunk's pictures. Every method raises DamagedChunkError if the file does not match its receipt."""

    def __init__(self, folder: Path, receipt: ChunkReceipt) -> None:
        """folder: the job's."""
        self._path = folder / receipt.segment.name
        self._sha256 = receipt.segment.sha256
        self._range = FrameRange(receipt.first, receipt.stop)

    def frames(self, digest: PictureDigest | None = None) -> Iterator[Frame]:
        """Yield all frames in order, and add their samples to `digest`."""
        with closing(self._decoded()) as decoded:
            for index, samples, levels in decoded:
                if digest is not None:
                    digest.add(samples)
                yield _frame(index, samples, levels)

    def frame(self, index: int) -> Frame:
        """Return one frame by its absolute index, without decoding others."""
        if index not in self._range:
            raise ValueError(f"frame {index} is not in {self._range}")
        with closing(self._decoded(only=index)) as decoded:
            for found, samples, levels in decoded:
                if found == index:
                    return _frame(index, samples, levels)
        raise self._damaged("ends too early")

    def _decoded(self, only: int | None = None) -> Generator[tuple[int, Samples, _Levels], None, None]:
        """Yield absolute index, samples, and (black, white), of all frames or of one."""
        count = 0
        held: list[NDArray[np.uint16]] = []
        try:
            data = self._data()
            form = "matroska" if data.startswith(_MATROSKA) else "nut"
            with av.open(io.BytesIO(data), "r", format=form) as container:
                levels = self._levels(container.metadata)
                per_frame = 2 if levels is None else 1
                stream = container.streams.video[0]
                stream.codec_context.thread_type = "SLICE"
                for packet in container.demux(stream):
                    if packet.size == 0:
                        continue
                    index = self._range.start + count // per_frame
                    count += 1
                    if only is None or index == only:
                        # Every packet is a whole picture, so one packet gives one frame.
                        held += map(_codes, stream.codec_context.decode(packet))
                        if len(held) == per_frame:
                            yield index, held[0] if levels is not None else _joined(*held), levels
                            held.clear()
        except _FOREIGN as error:
            raise self._damaged("cannot be read") from error
        if count != len(self._range) * per_frame or held:
            raise self._damaged(f"has {count // per_frame} of {len(self._range)} frames")

    def _data(self) -> bytes:
        """Return the whole file. It is read once, so that the checked bytes are those that are decoded."""
        data = self._path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self._sha256:
            raise self._damaged("does not have the hash of its receipt")
        return data

    def _levels(self, metadata: dict[str, str]) -> _Levels:
        tags = {key.lower(): value for key, value in metadata.items()}  # Matroska writes tags in capitals
        if tags.get(_FIRST) != str(self._range.start):
            raise self._damaged("has other frames")
        if tags.get(_LEVELS) == _FLOAT:
            return None
        try:
            black, white = map(int, tags[_LEVELS].split())
        except (KeyError, ValueError):
            raise self._damaged("does not declare its codes of black and white") from None
        if white <= black:
            raise self._damaged("does not declare its codes of black and white")
        return black, white

    def _damaged(self, what: str) -> DamagedChunkError:
        return DamagedChunkError(f"The segment {self._path} {what}.")


def _codes(picture: VideoFrame) -> NDArray[np.uint16]:
    """[h, w, planes], R'G'B' and alpha."""
    name = picture.format.name
    if name in _EARLIER_FORMATS:
        return np.asarray(picture.to_ndarray(), np.uint16)
    if name not in _FORMATS.values():
        raise ValueError(f"a segment is not in {name}")
    planes = len(picture.planes)
    codes = empty((planes, picture.height, picture.width), np.uint16)
    codes[1] = _samples(picture, 0)
    for plane, channel in ((1, 2), (2, 0)):
        np.subtract(_samples(picture, plane), _MIDDLE, out=codes[channel])
        codes[channel] += codes[1]
    if planes == 4:
        codes[3] = _samples(picture, 3)
    return channels_last(codes)


def _write_differences(codes: NDArray[np.uint16], planes: Sequence[NDArray[np.uint16]]) -> None:
    """Write a picture [h, w, planes] as it is coded; `_codes` undoes it, since both wrap around."""
    green = codes[..., 1]
    planes[0][:] = green
    for plane, channel in ((1, 2), (2, 0)):
        np.subtract(codes[..., channel], green, out=planes[plane])
        np.add(planes[plane], _MIDDLE, out=planes[plane])
    if codes.shape[2] == 4:
        planes[3][:] = codes[..., 3]


def _samples(picture: VideoFrame, plane: int) -> NDArray[np.uint16]:
    """The memory of a plane [h, w]."""
    memory = picture.planes[plane]
    rows = np.frombuffer(memoryview(memory), np.uint16).reshape(memory.height, memory.line_size // 2)
    return rows[:, : picture.width]


def _joined(high: NDArray[np.uint16], low: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The values whose upper and lower 16 bits these are."""
    planes = [channels_first(half) for half in (high, low)]
    return channels_last((planes[0].astype(np.uint32) << 16 | planes[1]).view(np.float32))


def _frame(index: int, samples: Samples, levels: _Levels) -> Frame:
    planes = channels_first(samples)
    values = empty(planes.shape, np.float32) if levels is not None else planes.astype(np.float32, copy=False)
    if levels is not None:
        black, white = levels
        for rows in row_blocks(*planes.shape[1:]):
            colour = values[:3, rows]
            np.subtract(planes[:3, rows], np.float32(black), out=colour, dtype=np.float32)
            colour /= np.float32(white - black)
            if len(planes) == 4:
                np.divide(planes[3, rows], np.float32(_OPAQUE), out=values[3, rows], dtype=np.float32)
    return Frame(index, channels_last(values[:3]), values[3] if len(values) == 4 else None)
