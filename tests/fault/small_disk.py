"""A disk of a few MiB that only the daemon sees, and how to fill it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

__all__ = ["NoDiskError", "SmallDisk"]

_MOUNT = 'mount -t tmpfs -o size="$1",mode=0700 tmpfs "$0" && echo mounted && exec sleep infinity'
_WAYS: Sequence[tuple[list[str], list[str]]] = (
    (["unshare", "-rm"], ["-U", "--preserve-credentials"]),
    (["unshare", "-m"], []),  # root, where users may have no namespaces of their own
)
_BLOCK_BYTES = 4096


class NoDiskError(Exception):
    """This system lets nobody mount a disk of their own."""


class SmallDisk:
    """A tmpfs over a folder, in a namespace that lives as long as the block."""

    def __init__(self, folder: Path, size: str = "8m") -> None:
        """folder: an empty one. Raises NoDiskError."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for begin, enter in _WAYS:
            try:
                self._holder = subprocess.Popen(
                    [*begin, "sh", "-c", _MOUNT, str(folder), size], stdout=subprocess.PIPE, stderr=subprocess.PIPE
                )
            except FileNotFoundError as error:
                raise NoDiskError("There is no unshare here.") from error
            assert self._holder.stdout is not None
            if self._holder.stdout.readline():
                self.wrapper = ["nsenter", "-t", str(self._holder.pid), *enter, "-m", "--"]
                return
            self._end()
        raise NoDiskError("This system lets nobody mount a disk of their own.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        self._end()

    @property
    def root(self) -> Path:
        """The whole tree as the daemon sees it."""
        return Path(f"/proc/{self._holder.pid}/root")

    @property
    def seen(self) -> Path:
        """The disk as this process sees it."""
        return self.root / self.folder.relative_to("/")

    def free(self) -> int:
        """Bytes that may still be written."""
        found = os.statvfs(self.seen)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Write until there is no more room than that."""
        ballast = self.seen / "ballast"
        with ballast.open("ab", buffering=0) as file:
            try:
                while (free := self.free()) > leave:
                    more = max(_BLOCK_BYTES, min(free - leave, 1 << 20) // _BLOCK_BYTES * _BLOCK_BYTES)
                    file.write(bytes(more))
            except OSError:
                pass  # the last block was another's

    def make_room(self) -> None:
        """Take away what filled it."""
        (self.seen / "ballast").unlink()

    def _end(self) -> None:
        self._holder.kill()
        self._holder.wait()
        for pipe in (self._holder.stdout, self._holder.stderr):
            assert pipe is not None
            pipe.close()
