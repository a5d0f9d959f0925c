"""A stand-in for the daemon, as the plugin sees it: it writes the same files, and keeps what it is asked."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.protocol import (
    PATCH_SIDE,
    FrameFileHeader,
    HostQuestion,
    Patch,
    Rendezvous,
    ShownState,
    StatusFile,
    StatusFlag,
    frame_key,
    frame_name,
)

__all__ = ["TOKEN", "TOLERANCE", "Answers", "Picture", "patches_of"]

Picture = NDArray[np.float32]
TOKEN = "5a" * 32
TOLERANCE = 2.5 / 1023
NO_FLAGS = StatusFlag(0)


def patches_of(shown: Picture, count: int = 24, tolerance: float = TOLERANCE) -> tuple[Patch, ...]:
    """Patches spread over a picture of the host ([H, W, 4], the top row first)."""
    bottom_up = shown[::-1, :, :3].astype("<f2")
    height, width = bottom_up.shape[:2]
    if min(height, width) < PATCH_SIDE:
        return ()
    spread = np.random.default_rng(count)
    places = [(int(spread.integers(width - 7)), int(spread.integers(height - 7))) for _ in range(count)]
    side = PATCH_SIDE
    return tuple(Patch(x, y, tolerance, bottom_up[y : y + side, x : x + side].tobytes()) for x, y in places)


class Answers:
    """The folder of a daemon that answers what it is told to. Nothing runs: questions wait in the socket."""

    def __init__(self, home: Path, *, listen: bool = True) -> None:
        self.home, self.cache = home, home / "cache" / "frames"
        for folder in (home, home / "run", self.cache.parent, self.cache):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.endpoint = home / "run" / "ofx.sock"
        self._listener: socket.socket | None = None
        self._connections: list[tuple[socket.socket, bytearray]] = []
        if listen:
            self.listen()
        self.write_rendezvous()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def listen(self) -> None:
        """Open the socket; a plugin that knew an earlier one has to connect again."""
        self.endpoint.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.endpoint))
        self._listener.listen(8)
        self._listener.setblocking(False)

    def stop(self) -> None:
        """Close all, as when the process ends."""
        for each, _ in self._connections:
            each.close()
        self._connections.clear()
        if self._listener:
            self._listener.close()
            self._listener = None

    def write_rendezvous(self, token: str = TOKEN, pid: int | None = None) -> Path:
        """The file by which plugins find the daemon."""
        path = self.home / "run" / "ofx"
        path.touch(mode=0o600)
        path.write_bytes(Rendezvous(f"unix:{self.endpoint}", token, pid or os.getpid(), self.cache).to_bytes())
        path.chmod(0o600)
        return path

    def questions(self) -> list[HostQuestion]:
        """What was asked since the last time. Raises MalformedError if the plugin sent something else."""
        with suppress(BlockingIOError):
            while self._listener:
                made = self._listener.accept()[0]
                made.setblocking(False)
                self._connections.append((made, bytearray()))
        found: list[HostQuestion] = []
        for connection, pending in self._connections:
            with suppress(BlockingIOError):
                while part := connection.recv(1 << 20):
                    pending += part
            while len(pending) >= 4 and len(pending) >= 4 + (size := int.from_bytes(pending[:4], "little")):
                found.append(HostQuestion.parse(bytes(pending[4 : 4 + size])))
                del pending[: 4 + size]
        return found

    def folder(self, path: str | bytes | Path, size: tuple[int, int], job: int = 0) -> Path:
        """Where the answers to questions of this kind are."""
        folder = self.cache / frame_key(job, *size, os.fsencode(path))
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def put_status(
        self, path: str | bytes | Path, size: tuple[int, int], state: ShownState = ShownState.DONE, *, job: int = 0,
        shown: int = 1, frames: tuple[int, int] = (0, 100), fits: int = 1, permyriad: int = 0, text: str = "",
        flags: StatusFlag = NO_FLAGS,
    ) -> Path:  # fmt: skip
        """The state of a restoration."""
        status = StatusFile(
            state, job, *size, os.fsencode(path), text, shown, permyriad, *frames, fits, flags, residual=0.0005
        )
        file = self.folder(path, size, job) / "status"
        file.write_bytes(status.to_bytes())
        return file

    def put_frame(
        self, path: str | bytes | Path, frame: int, shown: Picture, restored: Picture, *, at: tuple[int, int] = (0, 0),
        fit: int = 0, job: int = 1, asked: int = 0, has_alpha: bool = False, patches: Sequence[Patch] | None = None,
    ) -> Path:  # fmt: skip
        """A restored frame. shown: the host's picture; restored: [h, w, 4], straight. at: its lower left corner, px."""
        height, width = shown.shape[:2]
        checks = patches_of(shown) if patches is None else tuple(patches)
        header = FrameFileHeader(
            *at, restored.shape[1], restored.shape[0], width, height, frame, fit, job, 0.0005, has_alpha, checks
        )
        file = self.folder(path, (width, height), asked) / frame_name(fit, frame)
        file.write_bytes(header.to_bytes() + restored[::-1].astype("<f2").tobytes())
        return file
