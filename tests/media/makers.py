"""Media made on the fly: pictures that carry their own number, sound that marks its own time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from answerprint.frames import Picture

SIZE = (64, 48)  # px
BITS = 8
SOUND_RATE = 48000


def numbered(index: int, width: int = SIZE[0], height: int = SIZE[1]) -> NDArray[np.uint8]:
    """A luma plane whose eight stripes are the bits of index, dark or light; survives any lossy codec."""
    stripe = width // BITS
    bits = [(index >> bit) & 1 for bit in range(BITS)]
    row = np.repeat([200 if bit else 50 for bit in bits], stripe)
    row = np.pad(row, (0, width - len(row)), mode="edge")
    return np.broadcast_to(row.astype(np.uint8), (height, width))


def number_in(picture: Picture) -> int:
    """The number that `numbered` put into a decoded picture."""
    stripe = picture.shape[1] // BITS
    levels = [picture[:, bit * stripe : (bit + 1) * stripe].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, level in enumerate(levels) if level > 0.5)


def fill(frame: VideoFrame, index: int, codes: NDArray[np.generic]) -> None:
    """Write codes [h, w] into a plane."""
    plane = frame.planes[index]
    row = plane.line_size // codes.dtype.itemsize
    view = np.frombuffer(memoryview(plane), codes.dtype)[: row * plane.height].reshape(plane.height, row)
    view[:, : codes.shape[1]] = codes


def numbered_frame(index: int, width: int = SIZE[0], height: int = SIZE[1]) -> VideoFrame:
    frame = VideoFrame(width, height, "yuv420p")
    fill(frame, 0, numbered(index, width, height))
    for plane in (1, 2):
        fill(frame, plane, np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8))
    return frame


def make_movie(
    path: Path,
    frames: int | Sequence[VideoFrame] = 12,
    *,
    rate: Fraction = Fraction(25),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    aspect: Fraction = Fraction(1),
    tags: tuple[int, int, int, int] = (2, 2, 2, 0),
    timecode: str | None = None,
    sound: str | None = None,
    times: Callable[[int], int] = lambda index: index,
) -> Path:
    """A video file; tags are FFmpeg's numbers of primaries, transfer, matrix and range; times gives frame times."""
    pictures = [numbered_frame(n) for n in range(frames)] if isinstance(frames, int) else list(frames)
    with av.open(str(path), "w", options=dict(container_options or {})) as container:
        video = container.add_stream(codec, rate=rate, options=dict(options or {}))
        assert isinstance(video, VideoStream)
        context = video.codec_context
        context.width, context.height = pictures[0].width, pictures[0].height
        context.pix_fmt = pictures[0].format.name
        context.time_base = 1 / rate
        context.sample_aspect_ratio = aspect
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        if timecode:
            video.metadata["timecode"] = timecode
        audio = _sound_stream(container, sound) if sound else None
        for index, frame in enumerate(pictures):
            frame.pts = times(index)
            frame.time_base = 1 / rate
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            for piece in sound_pieces(Fraction(len(pictures)) / rate, audio.codec_context.format.name):
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    return path


def _sound_stream(container: av.container.OutputContainer, codec: str) -> AudioStream:
    stream = container.add_stream(codec, rate=SOUND_RATE)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "mono"
    return stream


def sound_at(sample: NDArray[np.int64]) -> NDArray[np.int16]:
    """A sawtooth whose value tells the sample's own number, within 32,000 samples."""
    return (sample % 32000 - 16000).astype(np.int16)


def sound_pieces(seconds: Fraction, sample_format: str) -> list[AudioFrame]:
    """The sawtooth for PCM; for lossy codecs a click each 100 ms, which survives them."""
    total = int(seconds * SOUND_RATE)
    samples = np.arange(total)
    if sample_format == "s16":
        values: NDArray[np.int16] | NDArray[np.float32] = sound_at(samples)[None]
    else:
        values = np.where(samples % 4800 < 48, np.float32(0.8), np.float32(0))[None].astype(np.float32)
    pieces = []
    for start in range(0, total, 1024):
        piece = AudioFrame.from_ndarray(values[:, start : start + 1024].copy(), format=sample_format, layout="mono")
        piece.sample_rate = SOUND_RATE
        piece.time_base = Fraction(1, SOUND_RATE)
        piece.pts = start
        pieces.append(piece)
    return pieces


def read_sound(path: Path) -> tuple[Fraction, NDArray[np.generic], str]:
    """Seconds at which the sound begins, its samples, and the codec."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
    first = frames[0]
    assert first.pts is not None
    assert first.time_base is not None
    begins = Fraction(first.pts * first.time_base)
    return begins, np.concatenate([f.to_ndarray()[0] for f in frames]), stream.codec_context.name


def make_png(path: Path, picture: NDArray[np.uint16]) -> Path:
    """A 16-bit PNG of codes [H, W, 3], made without the code under test."""
    height, width = picture.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
    path.write_bytes(png_bytes(width, height, 16, rows))
    return path


def png_bytes(width: int, height: int, bits: int, rows: bytes) -> bytes:
    """A PNG with any header over any data."""
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
