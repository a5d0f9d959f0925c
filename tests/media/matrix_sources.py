"""Sources of the media matrix: small films in every container and form, each frame with its number in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media.makers import BITS

__all__ = ["BT709", "Source", "make_source"]

BT709 = (1, 1, 1, 1)
"""Numbers of primaries, transfer, matrix and range in H.273; the range is 1 for video, 2 for full."""
_ONE = 1 << 16
_TURNS = {90: (0, _ONE, -_ONE, 0), 180: (-_ONE, 0, 0, -_ONE), 270: (0, -_ONE, _ONE, 0)}
_SOUND_RATE = 48000
_SAMPLES = {"u8": ("u1", 127), "s16": ("i2", 32767), "s32": ("i4", 2**31 - 1), "flt": ("f4", 1), "dbl": ("f8", 1)}
"""NumPy's type and the largest value of FFmpeg's sample formats."""
_LACED = {"tff": "1", "bff": "0"}


@dataclass(frozen=True, slots=True)
class Source:
    """What a source is. suffix: of a file, or the end of a sequence's pattern. pixels: FFmpeg's pixel format."""

    suffix: str
    encoder: str
    pixels: str
    tags: tuple[int, int, int, int] = BT709
    rate: Fraction = Fraction(25)
    timecode: str = ""
    aspect: Fraction = Fraction(1)
    fields: str = ""
    sound: tuple[str, ...] = ()
    layout: str = "stereo"
    turned: int = 0
    size: tuple[int, int] = (96, 64)  # the least that H.265 is written in
    frames: int = 4
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_sequence(self) -> bool:
        """Whether it is one file per frame."""
        return "%" in self.suffix


def make_source(folder: Path, source: Source) -> Path:
    """Write the source into a new folder; returns its path or pattern."""
    folder.mkdir()
    path = folder / f"source{source.suffix}"
    if source.is_sequence:
        for number in range(source.frames):
            _write_still(Path(str(path) % (1000 + number)), source, number)
        return path
    with av.open(str(path), "w") as container:
        _write_film(container, source)
    return path


def picture_of(source: Source, number: int) -> VideoFrame:
    """Grey stripes that are the bits of the number, 50 or 200 of 255; alpha grows from left to right."""
    width, height = source.size
    stripe = width // BITS
    row = np.repeat([200 if number >> bit & 1 else 50 for bit in range(BITS)], stripe)
    row = np.pad(row, (0, width - len(row)), mode="edge").astype(np.float64) / 255
    codes = np.empty((height, width, 4), np.uint16)
    codes[..., :3] = np.rint(row * 65535)[None, :, None]
    codes[..., 3] = np.linspace(20000, 65535, width)[None]
    if source.encoder == "exr" and "a" in source.pixels:  # its colour is multiplied by alpha
        codes[..., :3] = np.rint(codes[..., :3] * (codes[..., 3:] / 65535))
    frame = VideoFrame.from_ndarray(codes, format="rgba64le")
    full = source.tags[3] == 2
    made = frame.reformat(
        format=source.pixels, src_color_range=2, dst_color_range=2 if full else 1, dst_colorspace=_swscale(source)
    )
    made.color_primaries, made.color_trc, made.colorspace, made.color_range = source.tags
    return made


def _swscale(source: Source) -> int:
    """swscale's number of the matrix that the source is tagged with."""
    return {1: 1, 9: 9, 10: 9, 5: 5, 6: 5, 7: 7}.get(source.tags[2], 5)


def _write_film(container: OutputContainer, source: Source) -> None:
    options = dict(source.options)
    if source.fields:
        options |= {"flags": "+ildct+ilme", "top": _LACED[source.fields]}
    video = container.add_stream(source.encoder, rate=source.rate, options=options)
    assert isinstance(video, VideoStream)
    context = video.codec_context
    context.width, context.height = source.size
    context.pix_fmt = source.pixels
    context.time_base = 1 / source.rate
    context.sample_aspect_ratio = source.aspect
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = source.tags
    if source.timecode:
        video.metadata["timecode"] = source.timecode
    if source.turned:
        a, b, c, d = _TURNS[source.turned]
        video.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
    tracks = [_add_sound(container, codec, source.layout) for codec in source.sound]
    for number in range(source.frames):
        frame = picture_of(source, number)
        frame.pts, frame.time_base = number, 1 / source.rate
        container.mux(video.encode(frame))
    container.mux(video.encode(None))
    for place, track in enumerate(tracks):
        for piece in _sound(track, place, Fraction(source.frames) / source.rate):
            container.mux(track.encode(piece))
        container.mux(track.encode(None))


def _add_sound(container: OutputContainer, codec: str, layout: str) -> AudioStream:
    stream = container.add_stream(codec, rate=_SOUND_RATE)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = layout
    return stream


def _sound(track: AudioStream, place: int, seconds: Fraction) -> Sequence[AudioFrame]:
    """A tone of its own for each channel and track, in the codec's own sample format."""
    context = track.codec_context
    channels, total = context.channels, round(seconds * _SOUND_RATE)
    times = np.arange(total) / _SOUND_RATE
    tones = np.stack([0.4 * np.sin(2 * np.pi * (300 + 97 * place + 41 * n) * times) for n in range(channels)])
    name = context.format.name
    kind, top = _SAMPLES[name.rstrip("p")]
    values = (tones * top + (top + 1 if kind == "u1" else 0)).astype(kind)
    if "24" in context.name:
        values &= ~np.int32(0xFF)
    size = context.frame_size or 1024
    pieces = []
    for start in range(0, total, size):
        part = values[:, start : start + size]
        array = part if name.endswith("p") else part.T.reshape(1, -1)
        piece = AudioFrame.from_ndarray(np.ascontiguousarray(array), format=name, layout=context.layout.name)
        piece.sample_rate, piece.pts, piece.time_base = _SOUND_RATE, start, Fraction(1, _SOUND_RATE)
        pieces.append(piece)
    return pieces


def _write_still(path: Path, source: Source, number: int) -> None:
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        video = container.add_stream(source.encoder, rate=source.rate, options=dict(source.options))
        assert isinstance(video, VideoStream)
        video.codec_context.width, video.codec_context.height = source.size
        video.codec_context.pix_fmt = source.pixels
        video.codec_context.sample_aspect_ratio = source.aspect
        context = video.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = source.tags
        frame = picture_of(source, number)
        frame.pts, frame.time_base = 0, 1 / source.rate
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
