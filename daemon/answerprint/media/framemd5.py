"""The checksum of every picture of a movie, as FFmpeg's `framemd5` writes them: what archives keep beside a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from answerprint.media.boundary import best_video, open_container, reading

__all__ = ["framemd5"]


def framemd5(path: Path, rate: Fraction, check: Callable[[], None] = lambda: None) -> bytes:
    """Return the text that `ffmpeg -i PATH -map 0:v:0 -f framemd5 -` writes, all pictures decoded.

    rate: frames per second. check: called before each picture; may raise. Raises MediaError if the file cannot be read.
    """
    lines = io.BytesIO()
    with open_container(path) as source, reading(path), av.open(lines, "w", format="framemd5") as target:
        video = best_video(source, path)
        stream = target.add_stream("rawvideo", rate=rate)
        if not isinstance(stream, VideoStream):
            raise ValueError("rawvideo is no video encoder")
        context, given = stream.codec_context, video.codec_context
        context.width, context.height, context.pix_fmt = given.width, given.height, given.pix_fmt
        context.time_base = 1 / rate
        for number, frame in enumerate(source.decode(video)):
            check()
            if number == 0:  # the decoder knows the aspect now, if the container does not say it
                context.sample_aspect_ratio = video.sample_aspect_ratio or given.sample_aspect_ratio or Fraction(0, 1)
            frame.pts, frame.time_base = number, 1 / rate
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return lines.getvalue()
