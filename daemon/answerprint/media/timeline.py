"""The times of a file's pictures, and the frames that they are shown at.

If the index of the file is enough, only the ends of the file are read. Otherwise all of it is, with reports of
progress.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from answerprint.errors import MediaError
from answerprint.frames.frame import FrameRange
from answerprint.frames.grid import FrameGrid, grid_of, unrounded
from answerprint.media.boundary import best_video, demuxed, open_container, reading
from answerprint.media.decoding import decoded_pictures, packets

__all__ = ["FrameTimeline", "OnRead", "no_progress", "read_timeline"]

OnRead = Callable[[int], None]
"""Called repeatedly while a file is read, with the number of frames found so far."""

# Frames decoded to check that packets and pictures agree: decoders drop the leading pictures of an open GOP, and some
# files have the two fields of a picture in two packets.
_HEAD = 8
# In these codecs a packet may contain a picture that is never shown.
_HIDDEN_PICTURES = frozenset({"vp8"})

# Packets read at the start of a file to check its index: more than any codec reorders.
_FIRST_PACKETS = 32


@dataclass(frozen=True, slots=True)
class FrameTimeline:
    """frames: that the file promises, or has. rate: per second. first_pts: of frame 0, None if times say nothing.

    grid: which picture each frame shows; None if pictures can only be counted. later_tracks: whether tracks were found
    that begin within the file.
    """

    frames: int
    rate: Fraction
    first_pts: int | None = None
    grid: FrameGrid | None = None
    later_tracks: bool = False


def no_progress(frames: int) -> None:
    """Do nothing: the `OnRead` of callers that show no progress."""


def read_timeline(path: Path, on_read: OnRead = no_progress) -> FrameTimeline:
    """Find a file's frames. Raises MediaError if there are none.

    on_read: may raise to stop reading.
    """
    later = count()
    pts = _index_times(path) or _packet_times(path, on_read, lambda: next(later))
    first: int | None = None
    if pts is not None:
        head, lost = _decoded_times(path, _HEAD)
        if head and head[0] is not None:
            first = _first_time(path, pts, head[0])
            pts = [p for p in pts if p >= first]
        if not _agree(pts, head, lost):
            pts = None
    if pts is None:
        times, _ = _decoded_times(path, None, on_read)
        known = [p for p in times if p is not None]
        if len(known) < len(times) or any(b <= a for a, b in pairwise(known)):
            return _counted(path, len(times))  # AVI with B-frames has times in decoding order
        pts = known
    if not pts:
        raise MediaError(f"{path} has no frames.", "The file is damaged or was never finished.")
    first = pts[0] if first is None else min(first, pts[0])
    with open_container(path) as container:
        stream = best_video(container, path)
        time_base = stream.time_base or Fraction(1)
        grid = grid_of(pts, time_base, _named_rates(stream), first)
        grid = replace(grid, stated="avi" in container.format.name)
        promised = _promised(stream, container, grid.rate, first * time_base)
        whole = _has_all(stream, container, len(pts))
    if promised > grid.frames:
        grid = _with_held_end(path, grid, pts[-1], time_base, promised)
    # A difference of more than one frame is not rounding: the file is cut short.
    frames = promised if promised > grid.frames + 1 and not whole else grid.frames
    return FrameTimeline(frames, grid.rate, grid.first_pts, grid, next(later) > 0)


def _agree(pts: list[int], head: list[int | None], lost: int) -> bool:
    """Whether the decoder gives one picture for each of the first packets, but for those that it cannot decode.

    lost: how many those are; which of them, a decoder with several threads does not say.
    """
    shown = [p for p in head if p is not None]
    if len(shown) < len(head) or not shown or any(b <= a for a, b in pairwise(shown)):
        return False
    expected = pts[: bisect_right(pts, shown[-1])]
    return len(expected) - len(shown) <= lost and set(shown) <= set(expected)


def _first_time(path: Path, pts: list[int], decoded_first: int) -> int:
    """The time of frame 0: of the first picture that a decoder shows, or would show if it were not damaged."""
    if decoded_first <= pts[0]:
        return decoded_first
    with open_container(path) as container, reading(path):
        for packet in packets(container, best_video(container, path)):
            if packet.is_keyframe and not packet.is_discard:
                return decoded_first if packet.pts is None else min(decoded_first, packet.pts)
    return decoded_first


def _with_held_end(path: Path, grid: FrameGrid, last: int, time_base: Fraction, promised: int) -> FrameGrid:
    """The grid with the frames for which the file says that its last picture stays."""
    with open_container(path) as container, reading(path):
        stream = best_video(container, path)
        container.seek(last, stream=stream)
        stays, final = 0, 0
        for packet in packets(container, stream):
            final = packet.duration or 0
            if packet.pts == last:
                stays = final
        stays = max(stays, final)  # MP4 gives the last packet, in the order of decoding, all that is left
    stop = min(promised, grid.frames - 1 + round(stays * time_base * grid.rate))
    if stop <= grid.frames:
        return grid
    return replace(grid, frames=stop, held=(*grid.held, FrameRange(grid.frames, stop)))


def _named_rates(stream: VideoStream) -> list[Fraction]:
    """Return the rates that the file can mean, the most trusted first."""
    return [rate for rate in (stream.guessed_rate, stream.average_rate, stream.base_rate) if rate]


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
        first = next(
            (packet.pts for packet in demuxed(container, stream) if packet.size and not packet.is_discard), None
        )
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
    for packet in demuxed(container, stream):
        if packet.size == 0 or packet.is_discard:
            continue
        if packet.pts is None:
            return []
        times.append(packet.pts)
        if len(times) == limit:
            break
    return times


def _packet_times(path: Path, on_read: OnRead = no_progress, on_later: Callable[[], object] = int) -> list[int] | None:
    """Return the times of all packets that are shown, sorted; None if packets are not enough."""
    times: list[int] = []
    with open_container(path) as container:
        stream = best_video(container, path)
        if stream.codec_context.name in _HIDDEN_PICTURES:
            return None
        with reading(path):
            for packet in packets(container, stream, on_later):
                if packet.is_discard:  # frames that an edit list omits
                    continue
                if packet.pts is None:
                    return None
                times.append(packet.pts)
                on_read(len(times))
    times.sort()
    return times if all(a < b for a, b in pairwise(times)) else None


def _decoded_times(path: Path, limit: int | None, on_read: OnRead = no_progress) -> tuple[list[int | None], int]:
    """Return the times of the first pictures of the decoder, and how many packets it could not decode till then."""
    times: list[int | None] = []
    lost = count()
    with open_container(path) as container, reading(path):
        for frame, _ in decoded_pictures(container, best_video(container, path), lambda: next(lost)):
            times.append(frame.pts)
            on_read(len(times))
            if len(times) == limit:
                break
    return times, next(lost)


def _counted(path: Path, frames: int) -> FrameTimeline:
    """Return the timeline of a file without times (raw streams, some AVI): its frames count as evenly spaced."""
    if frames == 0:
        raise MediaError(f"{path} has no frames.", "The file is damaged or was never finished.")
    with open_container(path) as container:
        stream = best_video(container, path)
        return FrameTimeline(frames, next(map(unrounded, _named_rates(stream)), Fraction(25)))


def _has_all(stream: VideoStream, container: InputContainer, pictures: int) -> bool:
    """Whether a QuickTime or MP4 file has every picture that its index lists, whatever its duration says.

    An edit list that begins with a pause counts the pause. Of a file in fragments, the index lists the first ones only.
    """
    if "mp4" not in container.format.name or stream.frames < pictures:
        return False
    return sum(1 for entry in stream.index_entries if not entry.is_discard) == pictures


def _promised(stream: VideoStream, container: InputContainer, rate: Fraction, first: Fraction) -> int:
    """Return how many frames the file's header promises, 0 if it says nothing about its video.

    first: time of frame 0, seconds.
    """
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    tag = next((value for key, value in stream.metadata.items() if key.upper() == "DURATION"), "")
    seconds = _seconds(tag)
    if seconds is None and len(container.streams) == 1 and container.duration:
        seconds = Fraction(container.duration, 1_000_000)
    if seconds and "matroska" in container.format.name:
        seconds -= first  # Matroska counts from zero, even if its picture begins later
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
