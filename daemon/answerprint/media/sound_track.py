"""One sound track of a source as an unbroken run of samples, in time with the pictures.

Sound that is missing (lost or damaged packets, a late start) becomes silence, exactly as long; sound that is there
twice is cut off. What was found is counted, so that it can be said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from answerprint.errors import MediaError
from answerprint.frames.clip import ClipInfo
from answerprint.media.boundary import WITHOUT_SOUND, demuxed, open_container
from answerprint.media.sound_frames import kept, samples_of
from answerprint.media.sound_span import Joint, SoundSpan
from answerprint.text import counted

__all__ = ["PCM", "SoundFaults", "SoundForm", "SoundTrack"]

PCM = re.compile(r"pcm_([sfu])(8|16|24|32|64)(le|be)?")
"""Codecs whose bytes are samples, each as many bits."""

SoundSamples = NDArray[Any]  # [samples, columns]: one value per channel, or the bytes of one sample of all channels

_PREROLL_SECONDS = 2  # read before a range, because decoders need a run-up
_LONGEST_SILENCE_SECONDS = 60  # after the last picture; a later time is damaged
_HOPELESS = 1000  # damaged packets in a row from the start, after which nothing is expected any more
_BLOCK = 1 << 15  # samples of silence at once
_JUMP_SECONDS = Fraction(1, 10)  # sound goes back by more only where recordings were joined


@dataclass(slots=True)
class SoundFaults:
    """What was not as it should be in a track. Times in seconds; what lies outside the span does not count."""

    damaged: int = 0
    damaged_seconds: Fraction = Fraction(0)
    gaps: int = 0
    gap_seconds: Fraction = Fraction(0)
    overlaps: int = 0
    overlap_seconds: Fraction = Fraction(0)
    layouts: list[str] = field(default_factory=list)
    """Layouts and rates of decoded sound, in order of appearance."""
    ends_early: Fraction | None = None
    """When the file becomes unreadable, from its first picture."""

    def sentences(self, name: str, *, kept: bool) -> list[str]:
        """A warning for each kind of fault. kept: the packets were copied, with the gaps between them."""
        found = []
        if self.damaged:
            found.append(
                f"{name}: {counted(self.damaged, 'packet')} could not be decoded; "
                f"{_seconds(self.damaged_seconds)} of silence stand in for them."
            )
        if self.gaps:
            done = "kept as in the source" if kept else "filled with silence"
            found.append(f"{name}: {counted(self.gaps, 'gap')} of {_seconds(self.gap_seconds)} in all, {done}.")
        if self.overlaps:
            found.append(
                f"{name}: {counted(self.overlaps, 'overlap')} of {_seconds(self.overlap_seconds)} in all, cut off."
            )
        if len(self.layouts) > 1:
            found.append(
                f"{name} changes within the clip ({', then '.join(self.layouts)}); it is written as one of them."
            )
        if self.ends_early is not None:
            found.append(f"{name}: the file cannot be read from {_seconds(self.ends_early)} on; the sound ends there.")
        return found


def _seconds(value: Fraction) -> str:
    return f"{float(value):.3f} s"


@dataclass(frozen=True, slots=True)
class SoundForm:
    """What decoded sound becomes. sample: FFmpeg's name of a packed sample format. rate: samples per second."""

    sample: str
    layout: str
    rate: int

    @property
    def channels(self) -> int:
        """How many channels the layout has."""
        return int(av.AudioLayout(self.layout).nb_channels)

    @property
    def silence(self) -> SoundSamples:
        """One silent sample."""
        return np.zeros((1, self.channels), _VALUES[self.sample])

    def frame(self, rows: SoundSamples, position: int) -> AudioFrame:
        """A frame of samples, the first of them being number `position`."""
        array = np.ascontiguousarray(rows.reshape(1, -1))
        made = AudioFrame.from_ndarray(array, format=self.sample, layout=self.layout)
        made.sample_rate = self.rate
        made.time_base = Fraction(1, self.rate)
        made.pts = position
        return made


_VALUES = {"s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}

_Piece = tuple[
    Fraction | None, SoundSamples
]  # seconds of the source's time, None if it follows the last piece; samples


class SoundTrack:
    """One track of an open source. number: from 1, as shown to people. Its methods raise MediaError."""

    def __init__(
        self, container: InputContainer, number: int, source: ClipInfo, span: SoundSpan, joints: tuple[Joint, ...]
    ) -> None:
        self.stream: AudioStream = container.streams.audio[number - 1]
        self.number = number
        self.span = span
        self.faults = SoundFaults()
        self._container = container
        self._source = source
        self._joints = joints
        self._grid: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """As messages call it."""
        language = self.stream.metadata.get("language", "")
        told = ", ".join(each for each in (self.codec, language if language != "und" else "") if each)
        return f"Sound track {self.number} ({told})" if told else f"Sound track {self.number}"

    @property
    def codec(self) -> str:
        """FFmpeg's name of its codec; empty for one that FFmpeg does not know."""
        return "" if self.stream.codec_context is None else self.stream.codec_context.name

    def packets(self) -> Iterator[tuple[Fraction | None, Packet[AudioStream]]]:
        """Packets of the span, and a little before and after it, with their times; the last one is empty.

        Times are in seconds from the time of the source's first picture, as if it had been recorded in one go.
        """
        stream, span = self.stream, self.span
        before = span.start - _PREROLL_SECONDS
        if len(self._joints) == 1 and before > 0 and stream.time_base:
            self._container.seek(int(before / stream.time_base), stream=stream, backward=True)
        part, last = 0, None
        source = demuxed(self._container, stream)
        while True:
            try:
                packet = next(source)
            except StopIteration:
                return
            except av.error.InvalidDataError:
                self.faults.ends_early = Fraction(0) if last is None else last - self._joints[part].origin
                return
            if packet.size == 0:
                yield None, packet
                return
            seconds = None if packet.pts is None else packet.pts * packet.time_base
            if seconds is not None:
                part, last = self._part(packet, seconds, part, last), seconds
                seconds += self._joints[0].origin + self._joints[part].at - self._joints[part].origin
                if span.stop is not None and seconds >= span.stop:
                    return
            yield seconds, packet

    def _part(self, packet: Packet[AudioStream], seconds: Fraction, part: int, last: Fraction | None) -> int:
        """Number of the joined recording that a packet belongs to."""
        found = part
        while found + 1 < len(self._joints) and self._joints[found + 1].offset <= (packet.pos or 0):
            found += 1
        # Sound may precede the first picture of its recording.
        if found == part and last is not None and seconds < last - _JUMP_SECONDS:
            found = min(part + 1, len(self._joints) - 1)
        return found

    def pcm_rows(self) -> Iterator[tuple[int, SoundSamples]]:
        """The bytes of uncompressed sound, from the span's first sample on: sample number within the span, rows."""
        match = PCM.fullmatch(self.codec)
        if match is None:
            raise ValueError(f"{self.codec} is not uncompressed")
        context = self.stream.codec_context
        kind, bits, order = match[1], int(match[2]), match[3]
        one = (1 << bits - 1 if kind == "u" else 0).to_bytes(bits // 8, "big" if order == "be" else "little")
        silence = np.frombuffer(one * context.channels, np.uint8)[None]
        width = silence.shape[1]

        self._grid = self._find_grid(context.sample_rate, lambda head: head._pcm(width))
        return self._unbroken(self._pcm(width), context.sample_rate, silence)

    def _pcm(self, width: int) -> Iterator[_Piece]:
        """width: bytes of one sample of all channels."""
        for seconds, packet in self.packets():
            data = np.frombuffer(bytes(packet), np.uint8)
            yield seconds, data[: len(data) // width * width].reshape(-1, width)

    def decoded_rows(self, form: SoundForm) -> Iterator[tuple[int, SoundSamples]]:
        """Decoded sound, from the span's first sample on: number of its first sample within the span, samples."""
        self._grid = self._find_grid(form.rate, lambda head: head._decoded(form))
        return self._unbroken(self._decoded(form), form.rate, form.silence)

    def _find_grid(self, rate: int, pieces: Callable[[SoundTrack], Iterator[_Piece]]) -> tuple[int, int] | None:
        """The first sample of a piece, and how many each has; None if times are exact, or nothing was skipped.

        Matroska rounds times to milliseconds. After a seek, only the even length of pieces tells the exact sample.
        """
        base = self.stream.time_base
        if base is None or base * rate <= 1 or self.span.start <= _PREROLL_SECONDS or len(self._joints) > 1:
            return None
        with open_container(self._source.path) as container:
            whole = replace(self.span, start=Fraction(0))
            head = list(islice(pieces(SoundTrack(container, self.number, self._source, whole, self._joints)), 9))
        lengths = {len(rows) for _, rows in head[1:]}
        if len(lengths) != 1 or head[0][0] is None or not max(lengths):
            return None
        return round(head[0][0] * rate) + len(head[0][1]), max(lengths)

    def _decoded(self, form: SoundForm) -> Iterator[_Piece]:
        convert: AudioResampler | None = None
        known: tuple[str, str, int] | None = None
        lost_until: Fraction | None = None
        for seconds, packet in self.packets():
            frames = self._decode(packet, seconds, known is not None)
            if frames is None:
                lost_until = None if seconds is None else seconds + (packet.duration or 0) * packet.time_base
            for decoded in frames or ():
                lost_until = None
                kind = (decoded.format.name, decoded.layout.name, decoded.sample_rate)
                if convert is None or kind != known:
                    self._note_layout(kind)
                    yield from _rest(convert)
                    convert, known = AudioResampler(format=form.sample, layout=form.layout, rate=form.rate), kind
                when = seconds
                if seconds is not None and packet.pts is not None and decoded.pts is not None:
                    when = seconds + decoded.pts * (decoded.time_base or 1) - packet.pts * packet.time_base
                for made in convert.resample(decoded):
                    yield when, samples_of(made)
                    when = None
        yield from _rest(convert)
        if known is None and self.faults.damaged:
            raise self._hopeless()
        if lost_until is not None:
            yield lost_until, form.silence[:0]

    def _decode(self, packet: Packet[AudioStream], seconds: Fraction | None, good: bool) -> list[AudioFrame] | None:
        """The frames of a packet; None, and counted, if it is damaged. good: an earlier one was not."""
        try:
            return [kept(frame) for frame in packet.decode()]
        except (av.FFmpegError, ValueError) as error:
            if seconds is None or seconds >= self.span.start:
                self.faults.damaged += 1
            if not good and self.faults.damaged >= _HOPELESS:
                raise self._hopeless() from error
            return None

    def _hopeless(self) -> MediaError:
        return MediaError(f"{self.name} of {self._source.path} cannot be decoded.", WITHOUT_SOUND)

    def _note_layout(self, kind: tuple[str, str, int]) -> None:
        words = f"{kind[1]}, {kind[2]} Hz"
        if words not in self.faults.layouts:
            self.faults.layouts.append(words)

    def _unbroken(
        self, pieces: Iterator[_Piece], rate: int, silence: SoundSamples
    ) -> Generator[tuple[int, SoundSamples], None, None]:
        """Fill gaps, cut off overlaps, and leave out what lies outside the span."""
        first, last = self.span.samples(rate)
        latest = round((self.span.end + _LONGEST_SILENCE_SECONDS) * rate)
        expected: int | None = None
        damaged = 0
        for seconds, rows in pieces:
            position = self._place(seconds, expected, len(rows), rate, latest)
            if expected is None:
                position = position if position <= latest else first
                expected = min(first, position)  # sound that begins late begins with silence
            elif position > expected:
                self._count_gap(Fraction(min(position, last or position) - max(expected, first), rate), damaged)
            elif position < expected:
                self._count_overlap(Fraction(min(expected - position, len(rows)), rate), expected > first)
                rows = rows[expected - position :]
                position = max(position, expected)
            damaged = self.faults.damaged
            while expected < position:
                fill = min(_BLOCK, position - expected)
                yield from _cut(expected, np.repeat(silence, fill, 0), first, last)
                expected += fill
            yield from _cut(position, rows, first, last)
            expected = position + len(rows)

    def _place(self, seconds: Fraction | None, expected: int | None, length: int, rate: int, latest: int) -> int:
        """Number of the sample at which a piece begins.

        Times are rounded, or jitter: a piece that nearly follows the last one follows it. A lost packet is longer.
        """
        if seconds is None:
            return expected or 0
        stated = round(seconds * rate)
        tolerance = max(rate // 200, min(rate // 50, 3 * length // 4))
        if expected is not None and (abs(stated - expected) <= tolerance or stated > latest):
            return expected
        return stated if self._grid is None else _nearest(stated, *self._grid, rate // 500)

    def note_neighbour(self, begins: Fraction, ends: Fraction, length: Fraction) -> bool:
        """Count the gap or the overlap between copied packets; whether the later one must be left out."""
        tolerance = max(Fraction(1, 200), min(Fraction(1, 50), length * 3 / 4))
        if begins > ends + tolerance:
            self._count_gap(begins - ends, self.faults.damaged)
        elif begins < ends - max(tolerance, length / 2):
            self._count_overlap(length, counts=True)
            return True
        return False

    def _count_gap(self, seconds: Fraction, damaged_before: int) -> None:
        if seconds <= 0:
            return
        if self.faults.damaged > damaged_before:
            self.faults.damaged_seconds += seconds
        else:
            self.faults.gaps += 1
            self.faults.gap_seconds += seconds

    def _count_overlap(self, seconds: Fraction, counts: bool) -> None:
        if counts and seconds > 0:
            self.faults.overlaps += 1
            self.faults.overlap_seconds += seconds


def _rest(convert: AudioResampler | None) -> Iterator[_Piece]:
    """What a resampler still holds."""
    yield from ((None, samples_of(made)) for made in (convert.resample(None) if convert is not None else ()))


def _nearest(stated: int, first: int, step: int, most: int) -> int:
    """The nearest of the samples at which pieces begin, unless it is far."""
    found = first + round(Fraction(stated - first, step)) * step
    return found if abs(found - stated) <= most else stated


def _cut(position: int, rows: SoundSamples, first: int, last: int | None) -> Iterator[tuple[int, SoundSamples]]:
    """What of the rows lies in the span, counted from its first sample."""
    low = max(0, first - position)
    high = len(rows) if last is None else min(len(rows), last - position)
    if low < high:
        yield position + low - first, rows[low:high]
