"""The timecode track of a QuickTime file: it may begin anew inside the clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.stream import Discard

from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.media.boundary import demuxed, open_container, reading

__all__ = ["full_label", "timecode_breaks"]

_PAIRED_ABOVE = 30
_NUMBER_BYTES = 4


def full_label(path: Path, label: str, rate: Fraction) -> str:
    """Return the label of frame 0, counted at the film's rate. Raises MediaError.

    Cameras of 50 and 60 frames a second may count half as many: then each of their labels names a pair of frames. The
    track's own number of the first frame tells.
    """
    if round(rate) <= _PAIRED_ABOVE:
        return label
    with open_container(path) as container, reading(path):
        track = next((each for each in container.streams.data if "timecode" in each.metadata), None)
        if track is None:
            return label
        for stream in container.streams:
            if stream.index != track.index:
                stream.discard = Discard.all
        first = next((bytes(packet) for packet in demuxed(container, track) if packet.size == _NUMBER_BYTES), b"")
    number, paired, single = int.from_bytes(first, "big"), _parsed(label, rate / 2), _parsed(label, rate)
    if not first or paired is None or paired.frames != number or (single is not None and single.frames == number):
        return label
    return str(Timecode(2 * number, rate, paired.drop))


def _parsed(label: str, rate: Fraction) -> Timecode | None:
    try:
        return Timecode.parse(label, rate)
    except InputError:
        return None


def timecode_breaks(path: Path, rate: Fraction) -> list[int]:
    """Return the frames at which the timecode does not go on from the one before. Raises MediaError."""
    breaks: list[int] = []
    with open_container(path) as container, reading(path):
        track = next((each for each in container.streams.data if len(each.index_entries) > 1), None)
        if track is None or "timecode" not in track.metadata:
            return []
        for stream in container.streams:
            if stream.index != track.index:
                stream.discard = Discard.all  # the track is small, and the rest need not be read
        before: tuple[int, int] | None = None
        for packet in demuxed(container, track):
            if packet.size != _NUMBER_BYTES or packet.pts is None:
                continue
            frame = round(packet.pts * packet.time_base * rate)
            number = int.from_bytes(bytes(packet), "big")
            if before is not None and number - before[1] != frame - before[0]:
                breaks.append(frame)
            before = frame, number
    return breaks
