"""The plugin's part in Python: it speaks the messages, reads the files, and compares patches."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answerprint.ofx.curves import Values
from answerprint.ofx.protocol import (
    PATCH_SIDE,
    AskFlag,
    AskKind,
    FrameFileHeader,
    HostQuestion,
    Rendezvous,
    StatusFile,
    frame_name,
)
from ofx.pictures import as_host

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A frame as the plugin reads it. pixels: [height, width, 4], the top row first."""

    header: FrameFileHeader
    pixels: NDArray[np.float16]
    agreeing: float


class NodeClient:
    """One node of a host: it shows media at a size, and asks with samples of its own picture."""

    def __init__(self, home: Path, path: Path | bytes, size: tuple[int, int], *, job: int = 0) -> None:
        self.rendezvous = Rendezvous.parse((home / "run" / "ofx").read_bytes())
        self.path = path if isinstance(path, bytes) else os.fsencode(path)
        self.size, self.job = size, job

    def question(
        self,
        frame: int,
        picture: Values | None = None,
        *,
        kind: AskKind = AskKind.FRAME,
        span: tuple[int, int] = (0, 0),
        flags: AskFlag = AskFlag(0),  # noqa: B008 - immutable
    ) -> HostQuestion:
        """As a message. picture: what the host shows [height, width, 3], of which samples go along."""
        columns = rows = 0
        samples = b""
        if picture is not None:
            host = as_host(picture)
            rows, columns = host.samples.shape[:2]
            samples = host.samples[::-1].astype("<f2").tobytes()
            flags |= AskFlag.SAMPLES
        return HostQuestion(
            bytes.fromhex(self.rendezvous.token), kind, flags, frame, self.job, *self.size, self.path, *span,
            columns, rows, samples,
        )  # fmt: skip

    def connect(self) -> socket.socket:
        """A connection to the daemon."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.rendezvous.endpoint.removeprefix("unix:"))
        return connection

    def send(self, question: HostQuestion) -> None:
        """Ask, and go."""
        with self.connect() as connection:
            connection.sendall(question.to_bytes())

    @property
    def folder(self) -> Path:
        """Where the answers are."""
        return self.rendezvous.cache / self.question(0).key

    def status(self) -> StatusFile | None:
        """The status, if there is one."""
        try:
            return StatusFile.parse((self.folder / "status").read_bytes())
        except FileNotFoundError:
            return None

    def shown(self, frame: int, picture: Values) -> Shown | None:
        """The frame that the plugin would show in place of a host's picture."""
        for fit in range(8):
            try:
                data = (self.folder / frame_name(fit, frame)).read_bytes()
            except FileNotFoundError:
                continue
            header = FrameFileHeader.parse(data, len(data))
            pixels = np.frombuffer(data, "<f2", offset=header.pixel_offset)
            agreeing = agreement(header, picture)
            if agreeing >= 7 / 8:
                return Shown(header, pixels.reshape(header.height, header.width, 4)[::-1], agreeing)
        return None

    def wait_for_status(self, wanted: Callable[[StatusFile], bool]) -> StatusFile:
        """Until a status says something. Raises AssertionError when it never does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status = self.status()
            if status is not None and wanted(status):
                return status
            assert time.monotonic() < deadline, f"the last status: {status}"
            time.sleep(0.02)

    def wait_for(self, frame: int, picture: Values) -> Shown:
        """Ask as the plugin does until a frame is there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        asked = 0.0
        while (shown := self.shown(frame, picture)) is None:
            assert time.monotonic() < deadline, f"the last status: {self.status()}"
            if time.monotonic() - asked > 0.5:
                asked = time.monotonic()
                self.send(self.question(frame, picture))
            time.sleep(0.02)
        return shown


def agreement(header: FrameFileHeader, picture: Values) -> float:
    """The share of patches that a host's picture [height, width, 3], the top row first, agrees with."""
    lower = picture[::-1]
    right = 0
    for patch in header.patches:
        block = lower[patch.y : patch.y + PATCH_SIDE, patch.x : patch.x + PATCH_SIDE]
        wanted = np.frombuffer(patch.pixels, "<f2").reshape(PATCH_SIDE, PATCH_SIDE, 3).astype(np.float64)
        right += float(np.abs(block - wanted).mean()) <= patch.tolerance
    return right / max(1, len(header.patches))
