"""A lock file for one process at a time, which the system releases when the process ends. Standard library only."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from answerprint.errors import AnswerprintError
from answerprint.store.quota import storage_error

__all__ = ["HeldError", "InstanceLock", "try_lock"]

_PID_DIGITS = 20

if sys.platform == "win32":
    import msvcrt

    # A lock on Windows forbids reading, so lock a byte far behind the content.
    _LOCKED_BYTE = 1 << 30

    def try_lock(descriptor: int) -> bool:
        """Lock an open file without waiting, until it is closed; False if another process has locked it."""
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

    def try_lock(descriptor: int) -> bool:
        """Lock an open file without waiting, until it is closed; False if another process has locked it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class HeldError(AnswerprintError):
    """Another process holds the lock. pid: its process id, None if unknown."""

    exit_code = 6
    code = "already_running"

    def __init__(self, path: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"The daemon is already running ({who} holds {path}).", "Use it, or stop it first.")
        self.pid = pid

    @property
    def details(self) -> dict[str, object]:
        """The holder's process id."""
        return {"pid": self.pid}


class InstanceLock:
    """A lock that lasts until `release`, or until its process ends in any way.

    The file is never removed: another process might then lock the deleted file. It contains the holder's process id for
    messages; only the lock itself tells whether it is held.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock without waiting. Raises HeldError, and StorageError if the file cannot be written or locked."""
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise storage_error(error, path) from error
        try:
            if not try_lock(descriptor):
                raise HeldError(path, _pid(descriptor))
        except OSError as error:  # a filesystem without locks
            os.close(descriptor)
            raise storage_error(error, path) from error
        except BaseException:
            os.close(descriptor)
            raise
        with suppress(OSError):  # on a full disk, the lock works without the process id
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Release the lock. Idempotent."""
        if self._descriptor is not None:
            with suppress(OSError):  # the process id would only be outdated
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def in_place(self) -> bool:
        """Whether the locked file still has its name; otherwise other processes do not see the lock."""
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
    """The holder's process id; None if it has not written it yet."""
    with suppress(OSError):
        text = os.read(descriptor, _PID_DIGITS).decode("ascii", "replace")
        if text.isdecimal():
            return int(text)
    return None
