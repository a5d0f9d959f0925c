"""What a daemon leaves for the plugin, made by hand."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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
    frame_key,
    frame_name,
)

__all__ = ["CLIP", "AnswerFolder", "Listener", "patches_of"]

CLIP = b"/clips/reel \xff.mov"

Picture = NDArray[np.float32]


def patches_of(source: Picture, places: Sequence[tuple[int, int]], tolerance: float = 0.002) -> tuple[Patch, ...]:
    """Patches of a picture [H, W, 4], the top row first, at places from its lower left corner."""
    flipped = source[::-1].astype("<f2")
    return tuple(
        Patch(x, y, tolerance, np.ascontiguousarray(flipped[y : y + PATCH_SIDE, x : x + PATCH_SIDE, :3]).tobytes())
        for x, y in places
    )


@dataclass(frozen=True, slots=True)
class AnswerFolder:
    """The home of a daemon that is not there, with its answers."""

    home: Path
    status: StatusFile = field(
        default_factory=lambda: StatusFile(
            ShownState.DONE, 0, 64, 48, CLIP, "Restored.", 7, 10000, 0, 100, 1, residual=0.002
        )
    )

    @property
    def cache(self) -> Path:
        """Of frames."""
        return self.home / "cache" / "frames"

    @property
    def folder(self) -> Path:
        """Of the answers to the status's question; made if missing."""
        status = self.status
        folder = self.cache / frame_key(status.asked, status.width, status.height, status.path)
        folder.mkdir(parents=True, exist_ok=True)
        self.cache.chmod(0o700)
        return folder

    def say(self, **changes: object) -> AnswerFolder:
        """Write the state, changed; returns what it is now."""
        now = replace(self, status=replace(self.status, **changes))  # type: ignore[arg-type]
        (now.folder / "status").write_bytes(now.status.to_bytes())
        return now

    def put(self, frame: int, picture: Picture, patches: tuple[Patch, ...], *, at: tuple[int, int] = (0, 0),
            fit: int = 0, alpha: bool = False) -> Path:  # fmt: skip
        """Write a restored frame [H, W, 4], the top row first. Returns its file."""
        height, width = picture.shape[:2]
        status = self.status
        header = FrameFileHeader(
            *at, width, height, status.width, status.height, frame, fit, status.shown, 0.001, alpha, patches
        )
        data = header.to_bytes().ljust(header.pixel_offset, b"\0") + picture[::-1].astype("<f2").tobytes()
        path = self.folder / frame_name(fit, frame)
        path.write_bytes(data)
        return path


class Listener:
    """Takes what the plugin sends, as a daemon does, and says where it is."""

    def __init__(self, home: Path, cache: Path) -> None:
        self._run = home / "run"
        self._run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.token = os.urandom(32)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self._run / "s"))
        self._server.listen(4)
        self._server.settimeout(5)
        self._connection: socket.socket | None = None
        self._rest = b""
        text = Rendezvous(f"unix:{self._run / 's'}", self.token.hex(), os.getpid(), cache).to_bytes()
        self.file.write_bytes(text)
        self.file.chmod(0o600)

    @property
    def file(self) -> Path:
        """The rendezvous."""
        return self._run / "ofx"

    def next(self) -> HostQuestion:
        """The next message; fails after five seconds."""
        if self._connection is None:
            self._connection, _ = self._server.accept()
            self._connection.settimeout(5)
        while len(self._rest) < 4 or len(self._rest) < 4 + int.from_bytes(self._rest[:4], "little"):
            got = self._connection.recv(1 << 16)
            assert got, "the plugin hung up"
            self._rest += got
        end = 4 + int.from_bytes(self._rest[:4], "little")
        message, self._rest = self._rest[4:end], self._rest[end:]
        return HostQuestion.parse(message)

    def is_quiet(self) -> bool:
        """Whether nothing more has come."""
        if self._connection is None:
            self._server.setblocking(False)
            try:
                self._connection, _ = self._server.accept()
            except BlockingIOError:
                return True
            finally:
                self._server.settimeout(5)
        self._connection.setblocking(False)
        try:
            self._rest += self._connection.recv(1 << 16)
        except BlockingIOError:
            pass
        finally:
            self._connection.settimeout(5)
        return not self._rest

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._server.close()
