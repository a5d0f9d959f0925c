"""Interlaced pictures made whole, one frame for each: restoration models know no fields."""

from __future__ import annotations

from collections.abc import Generator

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from answerprint.errors import MediaError
from answerprint.frames.clip import FieldOrder

__all__ = ["deinterlaced"]

_Indexed = Generator[tuple[int, VideoFrame], None, None]

_PARITY = {"": "auto", "top": "tff", "bottom": "bff"}


def deinterlaced(frames: _Indexed, order: FieldOrder = "") -> _Indexed:
    """Each frame with its number, its missing lines filled in from its neighbours in time (FFmpeg's bwdif).

    frames: numbered, in order; the first one has only its successor to go by, so begin one early for a part of a clip.
    order: which field comes first where the frames do not say so, or say it wrong. Raises MediaError.
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
        # Nothing else is let through: a conversion between would pass through fewer bits.
        form = graph.add("format", f"pix_fmts={frame.format.name}")
        sink = graph.add("buffersink")
        source.link_to(filled)
        filled.link_to(form)
        form.link_to(sink)
        graph.configure()
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"Interlaced pictures of the form {frame.format.name} cannot be deinterlaced.",
            "Deinterlace the clip first, or convert it to ProRes.",
        ) from error
    return graph


def _pull(graph: Graph) -> VideoFrame | None:
    try:
        made = graph.pull()
    except (av.BlockingIOError, av.EOFError):
        return None
    return made if isinstance(made, VideoFrame) else None
