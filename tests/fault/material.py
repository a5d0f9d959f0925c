"""Clips, jobs of them, and what a finished job has to look like."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import av
import numpy as np
from av.video.frame import VideoFrame

from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.store.atomic import is_temporary
from media.makers import make_movie
from worker.clips import frame_of

__all__ = ["FRAMES", "Decoded", "Untouched", "decode", "five_requests", "litter", "make_clip", "new_job", "small"]

FRAMES = 14
_CUT = 9


@dataclass(frozen=True, slots=True)
class Decoded:
    """What is in a deliverable: a hash of each frame's samples, and of its sound."""

    frames: tuple[str, ...]
    sound: str


def make_clip(path: Path, frames: int = FRAMES, *, sound: bool = False) -> Path:
    """A pan of 40x32 px with a cut in it."""
    pictures = [_video_frame(index) for index in range(frames)]
    return make_movie(path, pictures, codec="ffv1", sound="pcm_s16le" if sound else None)


def small(source: Path, output: Path, **more: object) -> RestoreRequest:
    """A job of one step and chunks of two frames: some tenths of a second a chunk."""
    settings = {"model": "tiny-x4", "steps": 1, "chunk": 2, "device": "cpu", **more}
    return RestoreRequest.from_json({"input": str(source), "output": str(output), **settings})


def five_requests(clips: Path, outputs: Path) -> list[RestoreRequest]:
    """Jobs that differ: range, seed, noise, sound, container, image sequence, all at one go."""
    outputs.mkdir(exist_ok=True)
    pan, loud = clips / "pan.mkv", clips / "loud.mkv"
    if not pan.exists():
        clips.mkdir(exist_ok=True)
        make_clip(pan)
        make_clip(loud, sound=True)
    (outputs / "plates").mkdir()
    return [
        small(pan, outputs / "whole.mkv", codec="ffv1"),
        small(pan, outputs / "flow.mkv", codec="ffv1", noise="flow", seed=7),
        small(pan, outputs / "plates" / "p.%04d.png", range="2:12", seed=3),
        small(loud, outputs / "loud.mov", seed=11, steps=2),
        small(pan, outputs / "handles.mov", range="5:13", chunk=3, seed=7),
    ]


def new_job(request: RestoreRequest) -> NewJob:
    """A job that nobody has submitted before."""
    return NewJob(str(uuid4()), "restore", request.to_json())


def decode(output: str) -> Decoded:
    """Read a deliverable as any program would; a sequence is all files of its folder. Raises what PyAV raises."""
    path = Path(output)
    files: Sequence[Path] = sorted(path.parent.glob("*.png")) if "%" in path.name else [path]
    assert files, f"{output} is not there"
    sound = hashlib.sha256()
    frames: list[str] = []
    for file in files:
        with av.open(str(file)) as container:
            for packet in container.demux():
                if packet.stream.type == "audio":
                    sound.update(bytes(packet))
                elif packet.stream.type == "video":
                    frames += [_digest(frame) for frame in packet.decode() if isinstance(frame, VideoFrame)]
    return Decoded(tuple(frames), sound.hexdigest())


def litter(*folders: Path) -> list[Path]:
    """Files and folders that somebody began and did not finish."""
    return [path for folder in folders for path in folder.rglob("*") if is_temporary(path.name)]


class Untouched:
    """Files of the user's that nobody may write to: same content, same inode, same times as before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = dict(self._look())

    def check(self) -> None:
        """Raise AssertionError when one has changed."""
        now = dict(self._look())
        changed = {path for path, seen in self._before.items() if now.get(path) != seen}
        assert not changed, f"touched: {sorted(changed)}"
        assert now.keys() == self._before.keys(), f"new: {sorted(now.keys() - self._before.keys())}"

    def _look(self) -> Iterator[tuple[Path, tuple[int, int, str]]]:
        for path in self._folder.rglob("*"):
            if path.is_file():
                found = path.stat()
                yield path, (found.st_ino, found.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())


def _video_frame(index: int) -> VideoFrame:
    picture = frame_of(index, (_CUT,)).picture
    return VideoFrame.from_ndarray(np.round(picture * 255).astype(np.uint8), "rgb24").reformat(format="yuv444p")


def _digest(frame: VideoFrame) -> str:
    digest = hashlib.sha256(f"{frame.width}x{frame.height} {frame.format.name} {frame.pts}".encode())
    for plane in frame.planes:
        row = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * plane.height]
        used = row.reshape(plane.height, plane.line_size)[:, : _used_bytes(frame, plane.width)]
        digest.update(used.tobytes())
    return digest.hexdigest()


def _used_bytes(frame: VideoFrame, width: int) -> int:
    """Bytes of a line that hold samples: what comes after is whatever was in memory."""
    parts = frame.format.components
    packed = len({part.plane for part in parts}) == 1 and len(parts) > 1
    return width * ((max(part.bits for part in parts) + 7) // 8) * (len(parts) if packed else 1)
