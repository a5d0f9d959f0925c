"""Pictures out of files and into files, with PyAV alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from fakes.resolve.media import numbered_files
from fakes.resolve.shown_frames import Shown
from media.makers import numbered_frame

__all__ = ["Decoder", "still", "writing"]

_MOVIES = {
    "ProRes422": ("prores_ks", "yuv422p10le", {"profile": "2"}),
    "ProRes422HQ": ("prores_ks", "yuv422p10le", {"profile": "3"}),
    "ProRes4444": ("prores_ks", "yuv444p10le", {"profile": "4"}),
    "DNxHRHQX_10": ("dnxhd", "yuv422p10le", {"profile": "dnxhr_hqx"}),
    "DNxHR444_10": ("dnxhd", "yuv444p10le", {"profile": "dnxhr_444"}),
    "H264": ("libx264", "yuv420p", {}),
}
_STILLS = {
    "RGBHalf": ("exr", "gbrpf32le", {"format": "half"}),
    "RGBFloat": ("exr", "gbrpf32le", {"format": "float"}),
    "RGB10": ("dpx", "gbrp10le", {}),
    "RGB16": ("tiff", "rgb48le", {}),
}


class Decoder:
    """Decodes files frame by frame and keeps the last one. What no decoder reads here shows its frame's number."""

    def __init__(self) -> None:
        self._path = ""
        self._frames: list[VideoFrame] = []

    def picture(self, shown: Shown | None, size: tuple[int, int]) -> VideoFrame:
        """A picture of that size; black for nothing. Raises FileNotFoundError for media that is offline."""
        if shown is None:
            return VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), "rgb24")
        if shown.path != self._path:
            self._path, self._frames = shown.path, _decoded(shown.path)
        if not self._frames:
            return numbered_frame(shown.frame, *size)
        return self._frames[shown.frame]


def still(path: Path, codec: str, frame: VideoFrame, size: tuple[int, int]) -> None:
    """Write one picture."""
    name, form, options = _STILLS[codec]
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream(name, rate=24, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, form
        made = frame.reformat(*size, format=form)
        made.pts = 0
        container.mux(stream.encode(made))
        container.mux(stream.encode(None))


@contextmanager
def writing(
    path: Path, codec: str, size: tuple[int, int], rate: Fraction, timecode: str
) -> Iterator[Callable[[VideoFrame], None]]:
    """A movie; gives what takes one picture after the other."""
    name, form, options = _MOVIES[codec]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, form
        stream.codec_context.time_base = 1 / rate
        stream.metadata["timecode"] = timecode
        count = 0

        def encode(frame: VideoFrame) -> None:
            nonlocal count
            made = frame.reformat(*size, format=form)
            made.pts, made.time_base = count, 1 / rate
            count += 1
            container.mux(stream.encode(made))

        yield encode
        container.mux(stream.encode(None))


def _decoded(path: str) -> list[VideoFrame]:
    files = numbered_files(path)
    if not all(each.is_file() for each in files):
        raise FileNotFoundError(f"{path} is offline")
    frames: list[VideoFrame] = []
    try:
        for each in files:
            with av.open(str(each)) as container:
                frames += container.decode(video=0)
    except FFmpegError:
        return []
    return frames
