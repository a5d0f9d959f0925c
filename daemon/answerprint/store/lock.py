"""One holder at a time, whatever ends it: a file that the system itself locks and frees; the standard library only."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from answerprint.errors import AnswerprintError
from answerprint.store.quota import storage_error

__all__ = ["HeldError", "InstanceLock"]

_PID_DIGITS = 20

if sys.platform == "win32":
    import msvcrt

    # Locks on Windows forbid reading: the byte locked lies far behind the content.
    _LOCKED_BYTE = 1 << 30

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class HeldError(AnswerprintError):
    """Another process holds the lock. pid: its number, None where it cannot be read."""

    exit_code = 6
    code = "already_running"

    def __init__(self, path: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"The daemon is running already ({who} holds {path}).", "Use it, or stop it first.")
        self.pid = pid

    @property
    def details(self) -> dict[str, object]:
        """The holder's process number."""
        return {"pid": self.pid}


class InstanceLock:
    """A lock that lasts until `release`, or until its process ends, however it ends.

    The file stays: were it removed, a process that had opened it before could hold a lock on a file without a name.
    Its content is the holder's process number, for messages; whether it is held only the lock itself says.
    """

    def __init__(self, path: Path) -> None:
        """Take it at once, or not at all. Raises HeldError, and StorageError where no file can be kept or locked."""
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise storage_error(error, path) from error
        try:
            if not _try_lock(descriptor):
                raise HeldError(path, _pid(descriptor))
        except OSError as error:  # a disk without locks
            os.close(descriptor)
            raise storage_error(error, path) from error
        except BaseException:
            os.close(descriptor)
            raise
        with suppress(OSError):  # a full disk leaves the lock without a number, and a lock all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let others have it; again is no error."""
        if self._descriptor is not None:
            with suppress(OSError):  # the number would only be out of date
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def in_place(self) -> bool:
        """Whether the file that is locked is still the one under its name: without it others find no lock to meet."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _pid(descriptor: int) -> int | None:
    """The holder's number; it may be about to write it."""
    with suppress(OSError):
        text = os.read(descriptor, _PID_DIGITS).decode("ascii", "replace")
        if text.isdecimal():
            return int(text)
    return None
