"""FFmpeg's temporal denoisers, then a bicubic enlargement: what is done without any network.

The filters work on 8-bit 4:4:4, so nothing is lost to their chroma. They run in PyAV's FFmpeg, or, where that was built
without one of them, in the program `ffmpeg`.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.error import BlockingIOError as NotYet
from av.error import EOFError as Ended
from numpy.typing import NDArray

from answerprint.errors import InputError, JobFailedError
from answerprint.flow.prepare import noise_level
from answerprint.frames.frame import Picture
from answerprint.metrics.checks import luma
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals.base import DamagedClip, Restored, enlarge

__all__ = ["FILTERS", "Filtered", "filter_clip"]

FILTERS = ("hqdn3d", "nlmeans", "atadenoise")

_RATE = Fraction(25)
_STRENGTH = 0.55
_STRENGTHS = (1.0, 30.0)  # what nlmeans takes


@dataclass(frozen=True, slots=True)
class Filtered:
    """One filter. Its settings are FFmpeg's defaults, or what `options` say in FFmpeg's own words.

    nlmeans at its default does nothing to visible noise: it gets the strength that the measured noise asks for, .55
    times its deviation in luma. Of six strengths tried that was best for noise of 10, 25 and 50 on two clips.
    """

    name: str
    filter: str
    options: Mapping[str, str] = field(default_factory=dict)

    def absent(self) -> Absent | None:
        """Where neither PyAV nor an `ffmpeg` has the filter."""
        if _in_pyav(self.filter) or _in_program(self.filter):
            return None
        return Absent(
            f"PyAV's FFmpeg was built without the filter {self.filter}.", "Install the program ffmpeg, which has it."
        )

    def restore(self, shot: DamagedClip) -> Restored:
        """Filtered and enlarged. Raises InputError for options that the filter does not know."""
        started = time.perf_counter()
        arguments = ":".join(f"{key}={value}" for key, value in self._chosen(shot.low).items())
        clip = filter_clip(shot.low, self.filter, arguments)
        pictures = enlarge(clip, shot.size)
        seconds = (time.perf_counter() - started) / len(shot.low)
        return Restored(pictures, seconds, f"{self.name}: FFmpeg's {self.filter} ({arguments or 'its defaults'})")

    def _chosen(self, clip: Sequence[Picture]) -> Mapping[str, str]:
        if self.filter != "nlmeans" or "s" in self.options:
            return self.options
        level = float(np.median([noise_level(luma(picture)) for picture in clip]))
        return {"s": f"{float(np.clip(_STRENGTH * level, *_STRENGTHS)):.2f}", **self.options}


def filter_clip(clip: Sequence[Picture], name: str, arguments: str) -> list[Picture]:
    """Every frame [H, W, 3] in [0, 1] after the filter: as many as went in, rounded to 8 bits.

    Raises InputError for arguments that the filter does not take, JobFailedError where it loses frames.
    """
    coded = [np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8) for picture in clip]
    filtered = _by_pyav(coded, name, arguments) if _in_pyav(name) else _by_program(coded, name, arguments)
    if len(filtered) != len(clip):
        raise JobFailedError(f"The filter {name} gave {len(filtered)} of {len(clip)} frames.", "Change its options.")
    return [frame.astype(np.float32) / np.float32(255.0) for frame in filtered]


def _by_pyav(clip: Sequence[NDArray[np.uint8]], name: str, arguments: str) -> list[NDArray[np.uint8]]:
    height, width = clip[0].shape[:2]
    graph = av.filter.Graph()
    shape = f"video_size={width}x{height}:pix_fmt=rgb24:time_base={1 / _RATE}:pixel_aspect=1/1"
    try:
        source = graph.add("buffer", shape)
        sink = graph.add("buffersink")
        wide, back = graph.add("format", "pix_fmts=yuv444p"), graph.add("format", "pix_fmts=rgb24")
        graph.link_nodes(source, wide, graph.add(name, arguments), back, sink).configure()
    except (av.FFmpegError, ValueError) as e:
        raise _refused(name, arguments) from e
    out: list[NDArray[np.uint8]] = []

    def drain() -> None:
        try:
            while True:
                out.append(np.asarray(cast(av.VideoFrame, sink.pull()).to_ndarray(), np.uint8))
        except (NotYet, Ended):
            return

    for index, picture in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = index, 1 / _RATE
        source.push(frame)
        drain()
    source.push(None)
    drain()
    return out


def _by_program(clip: Sequence[NDArray[np.uint8]], name: str, arguments: str) -> list[NDArray[np.uint8]]:
    height, width = clip[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    chain = f"format=yuv444p,{name}{'=' if arguments else ''}{arguments},format=rgb24"
    command = [
        shutil.which("ffmpeg") or "ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-r", str(_RATE), "-i", "-",
        "-vf", chain, *raw, "-",
    ]  # fmt: skip
    done = subprocess.run(command, input=b"".join(map(bytes, clip)), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise _refused(name, arguments)
    return list(np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3))


def _refused(name: str, arguments: str) -> InputError:
    return InputError(f"FFmpeg's {name} does not take {arguments!r}.", f"See: ffmpeg -h filter={name}")


def _in_pyav(name: str) -> bool:
    try:
        av.filter.Filter(name)
    except ValueError:
        return False
    return True


def _in_program(name: str) -> bool:
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    done = subprocess.run([program, "-v", "error", "-h", f"filter={name}"], capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode == 0 and "Unknown filter" not in done.stdout + done.stderr
