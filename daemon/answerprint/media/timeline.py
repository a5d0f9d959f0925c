"""The times of a file's frames: counts them, in presentation order, and checks that they are evenly spaced.

If the index of the file is enough, only the ends of the file are read. Otherwise all of it is, with reports of
progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.errors import MediaError
from answerprint.media.boundary import best_video, open_container, reading

__all__ = ["FrameTimeline", "OnRead", "constant_rate", "frame_index", "no_progress", "read_timeline"]

OnRead = Callable[[int], None]
"""Called repeatedly while a file is read, with the number of frames found so far."""

# Frames decoded to check that packets and pictures agree: decoders drop the leading pictures of an open GOP, and some
# files have the two fields of a picture in two packets.
_HEAD = 8
# In these codecs a packet may contain a picture that is never shown.
_HIDDEN_PICTURES = frozenset({"vp8"})

_STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 100, 120)),
    *(Fraction(1000 * n, 1001) for n in (24, 30, 48, 60, 120)),
)
_ROUNDING = Fraction(1, 2_000_000)  # less than the difference between 29.97 and 30000/1001
# Packets read at the start of a file to check its index: more than any codec reorders.
_FIRST_PACKETS = 32


@dataclass(frozen=True, slots=True)
class FrameTimeline:
    """Frame n is shown at first_pts + n / rate; first_pts None means that frames can only be counted."""

    frames: int
    rate: Fraction
    first_pts: int | None


def constant_rate(pts: Sequence[int], time_base: Fraction, candidates: Sequence[Fraction]) -> Fraction | None:
    """Return the first rate at which times in presentation order fall on frames 0, 1, 2, ..., or None.

    Each time may be off by less than half a frame: containers round (Matroska to milliseconds).
    """
    for rate in candidates:
        if all(frame_index(p, pts[0], time_base, rate) == n for n, p in enumerate(pts)):
            return rate
    return None


def frame_index(pts: int, first_pts: int, time_base: Fraction, rate: Fraction) -> int:
    """Return the number of the frame shown at pts, the nearest one."""
    numerator = (pts - first_pts) * time_base.numerator * rate.numerator
    denominator = time_base.denominator * rate.denominator
    return (2 * numerator + denominator) // (2 * denominator)


def no_progress(frames: int) -> None:
    """Do nothing: the `OnRead` of callers that show no progress."""


def read_timeline(path: Path, on_read: OnRead = no_progress) -> FrameTimeline:
    """Count a file's frames. Raises MediaError if there are none or if they are not evenly spaced.

    on_read: may raise to stop reading.
    """
    pts = _index_times(path) or _packet_times(path, on_read)
    if pts is not None:
        head = _decoded_times(path, _HEAD)
        if head and head[0] is not None:
            pts = [p for p in pts if p >= head[0]]
        if list(head) != pts[: len(head)]:
            pts = None
    if pts is None:
        decoded = _decoded_times(path, None, on_read)
        known = [p for p in decoded if p is not None]
        if len(known) < len(decoded) or any(b <= a for a, b in pairwise(known)):
            return _counted(path, len(decoded))  # AVI with B-frames has times in decoding order
        pts = known
    if not pts:
        raise MediaError(f"{path} has no frames.", "The file is damaged or was never finished.")
    with open_container(path) as container:
        stream = best_video(container, path)
        time_base = stream.time_base or Fraction(1)
        rate = constant_rate(pts, time_base, _candidates(stream))
        if rate is None:
            raise MediaError(
                f"{path} has a variable frame rate: its {len(pts)} frames are not evenly spaced.",
                "Convert it to a constant frame rate first, then restore the result.",
            )
        promised = _promised(stream, container.duration, len(container.streams) == 1, rate)
    # A difference of more than one frame is not rounding: the file is cut short.
    return FrameTimeline(promised if promised > len(pts) + 1 else len(pts), rate, pts[0])


def _candidates(stream: VideoStream) -> list[Fraction]:
    """Return the rates that the file can mean, the most trusted first."""
    named = [rate for rate in (stream.guessed_rate, stream.average_rate, stream.base_rate) if rate]
    near = [standard for rate in named for standard in _STANDARD_RATES if abs(standard / rate - 1) < Fraction(1, 100)]
    return [_exact(rate) for rate in named] + near


def _exact(rate: Fraction) -> Fraction:
    """Undo rounding: Matroska stores nanoseconds, and 60000/1001 comes back as 19001/317."""
    return next((standard for standard in _STANDARD_RATES if abs(standard / rate - 1) < _ROUNDING), rate)


def _index_times(path: Path) -> list[int] | None:
    """Return the times of all frames from the index of a QuickTime or MP4 file; None if the index is not enough.

    It is enough if all frames are key frames, as in editing codecs, because then they are stored in presentation order.
    It is also enough if frames are reordered, as cameras do, but evenly spaced. Reading all packets instead would take
    minutes for a reel of ProRes or for an hour from a camera.
    """
    with open_container(path) as container, reading(path):
        stream = best_video(container, path)
        entries = list(stream.index_entries) if "mp4" in container.format.name else []
        # A fragmented file has an index of its first part only.
        if not entries or len(entries) != stream.frames:
            return None
        # The index of a file that was cut short still lists all frames.
        if max(entry.pos + entry.size for entry in entries) > path.stat().st_size:
            return None
        times = [entry.timestamp for entry in entries if not entry.is_discard]
        if not all(entry.is_keyframe for entry in entries):
            steps = {b.timestamp - a.timestamp for a, b in pairwise(entries)}
            return _even_times(container, stream, steps.pop(), len(times)) if len(steps) == 1 else None
        first = next((packet.pts for packet in container.demux(stream) if packet.size and not packet.is_discard), None)
    if not times or first is None or any(b <= a for a, b in pairwise(times)):
        return None
    return [time - times[0] + first for time in times]


def _even_times(container: InputContainer, stream: VideoStream, step: int, frames: int) -> list[int] | None:
    """Return the times of frames that are `step` apart; None if the packets at both ends do not confirm it."""
    head = _shown(container, stream, _FIRST_PACKETS)
    if not head or step <= 0:
        return None
    times = range(min(head), min(head) + frames * step, step)
    container.seek(times[-1], stream=stream)
    tail = _shown(container, stream, None)
    if not tail or max(tail) != times[-1] or len(set(head)) < len(head) or len(set(tail)) < len(tail):
        return None
    return list(times) if all(time in times for time in (*head, *tail)) else None


def _shown(container: InputContainer, stream: VideoStream, limit: int | None) -> list[int]:
    """Times of the next packets that are shown, at most `limit`; empty if one has no time."""
    times: list[int] = []
    for packet in container.demux(stream):
        if packet.size == 0 or packet.is_discard:
            continue
        if packet.pts is None:
            return []
        times.append(packet.pts)
        if len(times) == limit:
            break
    return times


def _packet_times(path: Path, on_read: OnRead = no_progress) -> list[int] | None:
    """Return the times of all packets that are shown, sorted; None if packets are not enough."""
    times: list[int] = []
    with open_container(path) as container:
        stream = best_video(container, path)
        if stream.codec_context.name in _HIDDEN_PICTURES:
            return None
        with reading(path):
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:  # the flush packet; frames that an edit list omits
                    continue
                if packet.pts is None:
                    return None
                times.append(packet.pts)
                on_read(len(times))
    times.sort()
    return times if all(a < b for a, b in pairwise(times)) else None


def _decoded_times(path: Path, limit: int | None, on_read: OnRead = no_progress) -> list[int | None]:
    """Return the times of the first frames that come out of the decoder."""
    times: list[int | None] = []
    with open_container(path) as container:
        stream = best_video(container, path)
        frames: Iterator[VideoFrame] = container.decode(stream)
        with reading(path):
            for frame in frames:
                times.append(frame.pts)
                on_read(len(times))
                if len(times) == limit:
                    break
    return times


def _counted(path: Path, frames: int) -> FrameTimeline:
    """Return the timeline of a file without times (raw streams, some AVI): its frames count as evenly spaced."""
    if frames == 0:
        raise MediaError(f"{path} has no frames.", "The file is damaged or was never finished.")
    with open_container(path) as container:
        stream = best_video(container, path)
        return FrameTimeline(frames, next(iter(_candidates(stream)), Fraction(25)), None)


def _promised(stream: VideoStream, container_duration: int | None, alone: bool, rate: Fraction) -> int:
    """Return how many frames the file's header promises, 0 if it says nothing about its video."""
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    tag = next((value for key, value in stream.metadata.items() if key.upper() == "DURATION"), "")
    seconds = _seconds(tag)
    if seconds is None and alone and container_duration:
        seconds = Fraction(container_duration, 1_000_000)
    return round(seconds * rate) if seconds else 0


def _seconds(tag: str) -> Fraction | None:
    """Matroska's HH:MM:SS.nnnnnnnnn as seconds."""
    parts = tag.split(":")
    if len(parts) != 3:
        return None
    try:
        return 3600 * int(parts[0]) + 60 * int(parts[1]) + Fraction(parts[2])
    except ValueError:
        return None
