"""Deinterlacing, one whole frame per interlaced frame: restoration models know nothing of fields."""

from __future__ import annotations

from collections.abc import Generator

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from answerprint.errors import MediaError
from answerprint.frames.clip import FieldOrder

__all__ = ["deinterlaced"]

_Indexed = Generator[tuple[int, VideoFrame], None, None]

_PARITY = {FieldOrder.PER_FRAME: "auto", FieldOrder.TOP_FIRST: "tff", FieldOrder.BOTTOM_FIRST: "bff"}
"""What bwdif calls them."""


def deinterlaced(frames: _Indexed, order: FieldOrder = FieldOrder.PER_FRAME) -> _Indexed:
    """Yield each frame with its number; missing lines are filled in from the frames before and after (FFmpeg's bwdif).

    frames: numbered, in order. The first one has no frame before it, so for a part of a clip start one frame early.
    order: which field is first; PER_FRAME believes the frames. Raises MediaError.
    """
    graph: Graph | None = None
    waiting: list[int] = []
    try:
        for index, frame in frames:
            graph = graph or _graph(frame, order)
            graph.push(frame)
            waiting.append(index)
            while (made := _pull(graph)) is not None:
                yield waiting.pop(0), made
        if graph is not None:
            graph.push(None)
            while (made := _pull(graph)) is not None:
                yield waiting.pop(0), made
    finally:
        frames.close()


def _graph(frame: VideoFrame, order: FieldOrder) -> Graph:
    graph = Graph()
    try:
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        filled = graph.add("bwdif", f"mode=send_frame:parity={_PARITY[order]}:deint=all")
        # No other format is allowed: FFmpeg would convert to one of fewer bits in between.
        form = graph.add("format", f"pix_fmts={frame.format.name}")
        sink = graph.add("buffersink")
        source.link_to(filled)
        filled.link_to(form)
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
