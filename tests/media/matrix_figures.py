"""Figures beside the media matrix: how exact values come back, and what a job costs in time and memory."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from fault.daemon import DaemonProcess, processor_seconds
from media.makers import make_movie, make_png
from media.pictures import read_exr, write_dpx, write_exr
from tables import Row, Table

__all__ = ["cost_table", "precision_table", "restore_alone"]

_RNG = np.random.default_rng(5)
_SIZE = (32, 48, 3)
_LARGE = (1920, 1080)


def restore_alone(client: Client, source: Path, output: Path, **settings: object) -> JobRecord:
    """A job to its end. Raises AssertionError unless it is done."""
    asked = {"input": str(source), "output": str(output), "model": "identity", **settings}
    job, _ = client.submit(
        NewJob(str(uuid4()), "restore", RestoreRequest.from_json(asked).to_json(), ClipRef(str(source)))
    )
    for _ in client.watch(job.id, progress=False):
        pass
    job = client.get(job.id)
    assert job.state is JobState.DONE, job.problem
    return job


def precision_table(client: Client, folder: Path) -> Table:
    """Values that come back, in the largest step of the source's own form."""
    cases: Mapping[str, Callable[[Client, Path], float]] = {
        "EXR half, -0.5 to 60, to EXR: relative error": _exr_error,
        "DPX 10 bit to 16-bit TIFF: codes that differ": _dpx_codes,
        "TIFF 16 bit to TIFF: codes that differ": lambda c, f: _still_codes(c, f, ".tif"),
        "PNG 16 bit to PNG: codes that differ": lambda c, f: _still_codes(c, f, ".png"),
        "FFV1 10 bit 4:2:2, codes 0 to 1023, to FFV1: codes that differ": _yuv_codes,
    }

    def measure() -> Iterator[Row]:
        for number, (name, error) in enumerate(cases.items()):
            place = folder / f"exact{number}"
            place.mkdir()
            found = error(client, place)
            yield Row((name, f"{found:.3g}"), found <= (1e-3 if "relative" in name else 0))

    return Table("What values come back", ("values", "worst"), measure)


def _exr_error(client: Client, folder: Path) -> float:
    values = _RNG.uniform(-0.5, 60, _SIZE).astype(np.float16)
    write_exr(folder / "a.0001.exr", {name: values[..., n].copy() for n, name in enumerate("RGB")})
    restore_alone(client, folder / "a.%04d.exr", folder / "b.%04d.exr")
    (made,) = folder.glob("b.*.exr")
    _, channels = read_exr(made)
    back = np.stack([channels[name] for name in "RGB"], -1).astype(np.float64)
    return float((np.abs(back - values) / np.maximum(np.abs(values), 1e-3)).max())


def _dpx_codes(client: Client, folder: Path) -> float:
    codes = _RNG.integers(0, 1024, _SIZE, np.uint16)
    write_dpx(folder / "a.0001.dpx", codes, 10, transfer=3)
    restore_alone(client, folder / "a.%04d.dpx", folder / "b.%04d.tif")
    back = np.rint(_pixels(next(folder.glob("b.*.tif"))) / 65535 * 1023)
    return float(np.count_nonzero(back != codes))


def _still_codes(client: Client, folder: Path, suffix: str) -> float:
    codes = _RNG.integers(0, 65536, _SIZE, np.uint16)
    source = folder / f"a.0001{suffix}"
    if suffix == ".png":
        make_png(source, codes)
    else:
        with av.open(str(source), "w", format="image2", options={"update": "1"}) as container:
            video = container.add_stream("tiff", rate=25)
            video.width, video.height, video.pix_fmt = _SIZE[1], _SIZE[0], "rgb48le"
            container.mux(video.encode(VideoFrame.from_ndarray(codes, format="rgb48le")))
            container.mux(video.encode(None))
    restore_alone(client, folder / f"a.%04d{suffix}", folder / f"b.%04d{suffix}")
    return float(np.count_nonzero(_pixels(next(folder.glob(f"b.*{suffix}"))) != codes))


def _pixels(file: Path) -> NDArray[np.uint16]:
    with av.open(str(file)) as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb48le"), np.uint16)


def _yuv_codes(client: Client, folder: Path) -> float:
    frame = VideoFrame(48, 32, "yuv422p10le")
    for plane in frame.planes:
        plane.update(_RNG.integers(0, 1024, plane.buffer_size // 2, np.uint16).tobytes())
    source = make_movie(folder / "a.mkv", [frame], codec="ffv1", tags=(1, 1, 1, 1))
    restore_alone(client, source, folder / "b.mkv")
    before, after = (_first(folder / name) for name in ("a.mkv", "b.mkv"))
    if after.format.name != before.format.name:
        return float("inf")
    return float(sum(np.count_nonzero(a != b) for a, b in zip(_planes(before), _planes(after), strict=True)))


def _first(file: Path) -> VideoFrame:
    with av.open(str(file)) as container:
        return next(container.decode(video=0))


def _planes(frame: VideoFrame) -> list[NDArray[np.uint16]]:
    return [
        np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]


_LEAST_SPEED = 0.6


def cost_table(daemon: DaemonProcess, folder: Path, frames: int, many: int) -> Table:
    """A job of 1080p with the model that changes nothing beside a transcode by ffmpeg; memory by length."""

    def measure() -> Iterator[Row]:
        with daemon.client() as client:
            source = _large(folder / "large.mov", frames)
            restore_alone(client, source, folder / "warm.mov", range="0:8")
            begun, before = time.perf_counter(), _tree_seconds(daemon.pid)
            restore_alone(client, source, folder / "out.mov")
            clock, spent = time.perf_counter() - begun, _tree_seconds(daemon.pid) - before
            yield Row((f"{frames} frames of 1080p, a job", f"{clock:.1f} s", f"{spent:.1f} s of CPU"), True)
            if shutil.which("ffmpeg"):
                theirs, used = _transcode(source, folder / "theirs.mov")
                yield Row(("the same by ffmpeg", f"{theirs:.1f} s", f"{used:.1f} s of CPU"), True)
                speed, thrift = theirs / clock, used / spent
                row = "a job's speed to ffmpeg's, at least 0.6", f"{speed:.2f}", f"{thrift:.2f}"
                yield Row(row, min(speed, thrift) >= _LEAST_SPEED)
            small = _peak_bytes(daemon.pid)
            restore_alone(client, _large(folder / "long.mov", many), folder / "long-out.mov")
            large = _peak_bytes(daemon.pid)
            grown = large / small
            words = f"{small / 1e6:.0f} MB", f"{large / 1e6:.0f} MB, {grown:.2f} times"
            yield Row((f"memory of the worker, {frames} frames and {many}", *words), grown < 1.1)

    return Table("What a job costs", ("what", "clock", "CPU or memory"), measure)


def _large(path: Path, frames: int) -> Path:
    rng = np.random.default_rng(1)
    noise = rng.integers(64, 940, (_LARGE[1], _LARGE[0] + 64), np.uint16)
    with av.open(str(path), "w") as container:
        video = container.add_stream("prores_ks", rate=Fraction(24), options={"profile": "hq"})
        video.width, video.height = _LARGE
        video.pix_fmt = "yuv422p10le"
        for number in range(frames):
            frame = VideoFrame(*_LARGE, "yuv422p10le")
            luma = np.ascontiguousarray(noise[:, number % 64 : number % 64 + _LARGE[0]] // 4 + 400)
            frame.planes[0].update(luma.tobytes())
            for plane in frame.planes[1:]:
                plane.update(np.full(plane.buffer_size // 2, 512, np.uint16).tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def _transcode(source: Path, output: Path) -> tuple[float, float]:
    """Seconds by the clock and of CPU of the same decoding and encoding."""
    words = ["ffmpeg", "-v", "error", "-i", str(source), "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt"]
    begun = time.perf_counter()
    with subprocess.Popen([*words, "yuv444p10le", "-y", str(output)]) as process:
        used = 0.0
        while process.poll() is None:
            used = max(used, processor_seconds(process.pid))
            time.sleep(0.05)
    assert process.returncode == 0
    return time.perf_counter() - begun, used


def _tree_seconds(pid: int) -> float:
    """CPU time of a process, its children that ended, and those that run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return processor_seconds(pid, ended_children=True) + sum(_tree_seconds(int(child)) for child in children)


def _peak_bytes(pid: int) -> int:
    """The largest memory that one of the daemon's running children, the worker, has ever had."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = (Path(f"/proc/{child}/status").read_text().partition("VmHWM:")[2].split() for child in children)
    return max(int(words[0]) * 1024 for words in found)
