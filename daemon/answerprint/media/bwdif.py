"""Frames with their neighbours, and FFmpeg's bwdif, which fills in the lines of a field from them."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from typing import NamedTuple

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from answerprint.errors import MediaError
from answerprint.frames.clip import FieldOrder
from answerprint.media.pixels import bit_depth

__all__ = ["Indexed", "Neighbours", "deinterlaced", "deinterlaced_alone", "flagged_order", "with_neighbours"]

Indexed = Generator[tuple[int, VideoFrame], None, None]
"""Frames in order, each with its number."""

_PARITY = {
    FieldOrder.PER_FRAME: "auto",
    FieldOrder.MIXED: "auto",
    FieldOrder.TOP_FIRST: "tff",
    FieldOrder.BOTTOM_FIRST: "bff",
}
"""What bwdif calls them."""


_MOST_BITS = 16
_ANY_BASE = Fraction(1, 1000)
"""Stills have no time."""


class Neighbours(NamedTuple):
    """A frame with its number, and the frames next to it; at an end of the clip, there is none."""

    number: int
    before: VideoFrame | None
    frame: VideoFrame
    after: VideoFrame | None


def deinterlaced(frames: Indexed, order: FieldOrder = FieldOrder.PER_FRAME, *, apart: bool = False) -> Indexed:
    """Yield each frame with its number; missing lines are filled in from the frames before and after (FFmpeg's bwdif).

    frames: numbered, in order. The first one has no frame before it, so for a part of a clip start one frame early.
    order: which field is first; PER_FRAME believes the frames. apart: yield a frame for each field, frame n as 2n and
    2n + 1. Raises MediaError.
    """
    graph: Graph | None = None
    waiting: list[int] = []
    try:
        for index, frame in frames:
            if graph is None:
                mode = "send_field" if apart else "send_frame"
                graph = _graph(frame, "bwdif", f"mode={mode}:parity={_PARITY[order]}:deint=all")
            graph.push(frame)
            waiting += (2 * index, 2 * index + 1) if apart else (index,)
            while (made := _pull(graph)) is not None:
                yield waiting.pop(0), made
        if graph is not None:
            graph.push(None)
            while (made := _pull(graph)) is not None:
                yield waiting.pop(0), made
    finally:
        frames.close()


def deinterlaced_alone(near: Neighbours, order: FieldOrder, *, apart: bool = False) -> list[VideoFrame]:
    """A frame, deinterlaced by itself: its neighbours need not be interlaced."""
    shown = [(place, frame) for place, frame in enumerate(near[1:]) if frame is not None]
    made = deinterlaced((each for each in shown), order, apart=apart)
    return [frame for place, frame in made if place // (1 + apart) == 1]


def with_neighbours(frames: Indexed) -> Generator[Neighbours, None, None]:
    """Each frame with those next to it. A frame beside a gap has no neighbour there."""
    before: tuple[int, VideoFrame] | None = None
    current = next(frames, None)
    try:
        while current is not None:
            after = next(frames, None)
            index, frame = current
            yield Neighbours(
                index,
                before[1] if before is not None and before[0] == index - 1 else None,
                frame,
                after[1] if after is not None and after[0] == index + 1 else None,
            )
            before, current = current, after
    finally:
        frames.close()


def flagged_order(frame: VideoFrame) -> FieldOrder:
    """Which field a frame's flags name as the first; PROGRESSIVE if it is not flagged as interlaced."""
    if not frame.interlaced_frame:
        return FieldOrder.PROGRESSIVE
    graph = _graph(frame, "select", "eq(interlace_type,TOPFIRST)")
    graph.push(frame)
    return FieldOrder.BOTTOM_FIRST if _pull(graph) is None else FieldOrder.TOP_FIRST


def _graph(frame: VideoFrame, name: str, settings: str) -> Graph:
    """A graph of one filter, by FFmpeg's name."""
    graph = Graph()
    try:
        if bit_depth(frame.format) > _MOST_BITS:
            raise ValueError("FFmpeg would clip it")
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or _ANY_BASE
        )
        work = graph.add(name, settings)
        # No other format is allowed: FFmpeg would convert to one of fewer bits in between.
        form = graph.add("format", f"pix_fmts={frame.format.name}")
        sink = graph.add("buffersink")
        source.link_to(work)
        work.link_to(form)
        form.link_to(sink)
        graph.configure()
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"Interlaced frames in the pixel format {frame.format.name} cannot be deinterlaced.",
            "Deinterlace the clip first, or convert it to ProRes.",
        ) from error
    return graph


def _pull(graph: Graph) -> VideoFrame | None:
    try:
        made = graph.pull()
    except (av.BlockingIOError, av.EOFError):
        return None
    return made if isinstance(made, VideoFrame) else None
