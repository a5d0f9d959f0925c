"""The timecode track of a QuickTime file: it may begin anew inside the clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.stream import Discard

from answerprint.media.boundary import demuxed, open_container, reading

__all__ = ["timecode_breaks"]


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
            if packet.size != 4 or packet.pts is None:
                continue
            frame = round(packet.pts * packet.time_base * rate)
            number = int.from_bytes(bytes(packet), "big")
            if before is not None and number - before[1] != frame - before[0]:
                breaks.append(frame)
            before = frame, number
    return breaks
