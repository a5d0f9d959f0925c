"""The source's sound for a deliverable, in sync with the pictures, and copied without encoding if possible.

- Uncompressed sound is cut to the sample; its bits do not change.
- Compressed sound is copied packet by packet: all packets for a whole clip, the packets that begin in the range for a
  part of one. So sound can start up to one packet (21 ms of AAC) after the picture, but is never early nor shifted.
- Sound that the container cannot hold, and compressed sound in a .mov (Resolve on Linux cannot play AAC), becomes PCM,
  cut to the sample; in an .mp4 it becomes AAC.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from answerprint.errors import MediaError, OutputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.frame import FrameRange
from answerprint.media.boundary import open_container, reading

__all__ = ["AudioFeed"]

_COPIED_TO_MP4 = frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac"})
_COPIED_TO_MXF = frozenset({"pcm_s16le", "pcm_s24le"})
_MXF_RATE = 48_000
_PCM = re.compile(r"pcm_[sfu](8|16|24|32|64)(?:le|be)?")
_AAC_BITS_PER_SECOND = 256_000
_PREROLL_SECONDS = 2  # read before a range, because decoders need a run-up

_Timed = tuple[Fraction, "Packet[Any]"]  # seconds from the first frame written, and the packet


@dataclass(frozen=True, slots=True)
class _Span:
    """The part of the sound to use, in seconds of the source's time; stop None means to the end of the sound."""

    start: Fraction
    stop: Fraction | None
    from_first_frame: bool

    def samples(self, rate: int) -> tuple[int, int | None]:
        return round(self.start * rate), None if self.stop is None else round(self.stop * rate)


class AudioFeed:
    """Owns the open source of the sound, and muxes its packets as the pictures advance."""

    def __init__(self, container: OutputContainer, source: ClipInfo, frames: FrameRange | None) -> None:
        """Add the audio streams to the container before its header is written. Raises MediaError."""
        self._container = container
        self._source = source
        self._stack = ExitStack()
        self._heads: list[tuple[_Timed | None, Iterator[_Timed]]] = []
        span = _span(source, frames)
        try:
            with open_container(source.path) as listing:
                count = len(listing.streams.audio)
            for number in range(count):
                # Each stream has its own demuxer, so that interleaving needs no queues.
                reader = self._stack.enter_context(open_container(source.path))
                packets = self._add(reader.streams.audio[number], span)
                if packets is not None:
                    self._stack.callback(packets.close)
                    self._heads.append((None, packets))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def mux_until(self, seconds: Fraction | None) -> None:
        """Mux the sound that begins before a time of the output, in seconds; None means all that is left."""
        for place, (head, packets) in enumerate(self._heads):
            while True:
                if head is None:
                    with reading(self._source.path):
                        head = next(packets, None)
                if head is None or (seconds is not None and head[0] >= seconds):
                    break
                self._container.mux(head[1])
                head = None
            self._heads[place] = (head, packets)

    def _add(self, stream: AudioStream, span: _Span) -> Generator[_Timed, None, None] | None:
        if stream.codec_context is None:
            return None  # the muxer cannot be told about a codec that FFmpeg does not know
        with reading(self._source.path):
            codec = stream.codec_context.name
            if self._container.format.name == "mxf" and stream.codec_context.sample_rate != _MXF_RATE:
                raise OutputError(
                    f"An .mxf file holds sound of {_MXF_RATE} Hz only; the source's has "
                    f"{stream.codec_context.sample_rate} Hz.",
                    "Name the output .mov.",
                )
            if _is_copied(self._container.format.name, codec):
                try:
                    copy = self._container.add_stream_from_template(stream)
                except ValueError:
                    pass  # this container cannot hold that codec: transcode below
                else:
                    copy.metadata.update({k: v for k, v in stream.metadata.items() if k in ("language", "title")})
                    if _PCM.fullmatch(codec):
                        return _cut_samples(stream, copy, span)
                    return _copy_packets(stream, copy, span)
            return self._add_transcoded(stream, span)

    def _add_transcoded(self, stream: AudioStream, span: _Span) -> Generator[_Timed, None, None]:
        context = stream.codec_context
        layout, rate = context.layout.name, context.sample_rate
        if self._container.format.name == "mp4":
            target, sample = "aac", "fltp"
        elif context.format.name in ("s16", "s16p", "u8"):
            target, sample = "pcm_s16le", "s16"
        else:
            target, sample = "pcm_s24le", "s32"
        out = self._container.add_stream(target, rate=rate)
        if not isinstance(out, AudioStream):
            raise MediaError(f"The sound of {self._source.path} cannot be converted.", "Choose another --codec.")
        out.codec_context.layout = layout
        out.codec_context.format = sample
        if target == "aac":
            out.codec_context.bit_rate = _AAC_BITS_PER_SECOND
        out.codec_context.time_base = Fraction(1, rate)
        return _transcode(stream, out, span, sample)


def _is_copied(container: str, codec: str) -> bool:
    if container == "mov":
        return bool(_PCM.fullmatch(codec))
    if container == "mxf":
        return codec in _COPIED_TO_MXF
    return container != "mp4" or codec in _COPIED_TO_MP4


def _span(source: ClipInfo, frames: FrameRange | None) -> _Span:
    chosen = frames or source.whole
    origin = (source.first_pts or 0) * source.time_base
    whole = chosen.stop >= source.frames
    start = origin + chosen.start / source.rate
    return _Span(start, None if whole else origin + chosen.stop / source.rate, chosen.start == 0)


def _packets(stream: AudioStream, span: _Span) -> Iterator[Packet[AudioStream]]:
    """Demux the span, and a little before and after it."""
    container = stream.container
    if not isinstance(container, av.container.InputContainer):
        raise ValueError("sound is read from an input")
    before = span.start - _PREROLL_SECONDS
    if before > 0 and stream.time_base:
        container.seek(int(before / stream.time_base), stream=stream, backward=True)
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        if span.stop is not None and packet.pts is not None and packet.pts * packet.time_base >= span.stop:
            return
        yield packet


def _copy_packets(stream: AudioStream, out: AudioStream, span: _Span) -> Generator[_Timed, None, None]:
    for packet in _packets(stream, span):
        if packet.pts is None:
            continue
        seconds = packet.pts * packet.time_base - span.start
        if seconds < 0 and not span.from_first_frame:
            continue
        # A whole clip keeps its priming packet before zero: the decoder needs it, and players skip it.
        shift = round(span.start / packet.time_base)
        packet.pts -= shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - shift
        packet.stream = out
        yield seconds, packet


def _cut_samples(stream: AudioStream, out: AudioStream, span: _Span) -> Generator[_Timed, None, None]:
    """Copy PCM bytes without the samples before the start and after the stop."""
    rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
    match = _PCM.fullmatch(stream.codec_context.name)
    frame_bytes = channels * int(match[1]) // 8 if match else channels
    first, last = span.samples(rate)
    position: int | None = None
    for packet in _packets(stream, span):
        data = bytes(packet)
        count = len(data) // frame_bytes
        position = _first_sample(packet, rate, position)
        low = max(0, first - position)
        high = count if last is None else min(count, last - position)
        if low < high:
            piece: Packet[Any] = Packet(data[low * frame_bytes : high * frame_bytes])
            piece.stream = out
            piece.time_base = Fraction(1, rate)
            piece.pts = piece.dts = position + low - first
            piece.duration = high - low
            yield Fraction(position + low - first, rate), piece
        position += count


def _first_sample(item: Packet[AudioStream] | AudioFrame, rate: int, expected: int | None) -> int:
    """Return the sample at which a packet begins.

    Containers round times (Matroska to milliseconds), so a packet within 5 ms of the end of the last one follows it.
    """
    if item.pts is None or item.time_base is None:
        return expected or 0
    stated = round(item.pts * item.time_base * rate)
    return expected if expected is not None and abs(stated - expected) <= rate // 200 else stated


def _transcode(stream: AudioStream, out: AudioStream, span: _Span, sample: str) -> Generator[_Timed, None, None]:
    """Decode, cut to the sample, encode."""
    context = stream.codec_context
    rate, layout = context.sample_rate, context.layout.name
    packed = AudioResampler(format=sample, layout=layout, rate=rate)
    width = 1 if sample.endswith("p") else context.channels  # array columns of one sample
    first, last = span.samples(rate)
    position: int | None = None
    for packet in _packets(stream, span):
        for decoded in packet.decode():
            position = _first_sample(decoded, rate, position)
            low = max(0, first - position)
            high = decoded.samples if last is None else min(decoded.samples, last - position)
            if low < high:
                for frame in packed.resample(decoded):
                    array = frame.to_ndarray()[:, low * width : high * width]
                    piece = AudioFrame.from_ndarray(array.copy(), format=sample, layout=layout)
                    piece.sample_rate = rate
                    piece.time_base = Fraction(1, rate)
                    piece.pts = position + low - first
                    for made in out.encode(piece):
                        yield _time_of(made), made
            position += decoded.samples
    for made in out.encode(None):
        yield _time_of(made), made


def _time_of(packet: Packet[AudioStream]) -> Fraction:
    return (packet.pts or 0) * packet.time_base
