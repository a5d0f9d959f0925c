"""Leases: how a running job tells other processes that the cache entries it touches must stay.

A lease is a file on which its holder keeps a lock; the system drops the lock when the holder dies, however it dies, so
a lease file without a lock is stale. The file's content is the time at which the lease began.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["hold_lease", "live_leases"]

_SUFFIX = ".lease"
_TRIES = 8

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


def _create(folder: Path, began_ns: int) -> tuple[int, Path]:
    """A locked lease file. Another process may take a new file, not yet locked, for a stale one: then try another."""
    for _ in range(_TRIES):
        path = folder / f"{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if _try_lock(descriptor) and path.exists():
                os.write(descriptor, str(began_ns).encode())
                return descriptor, path
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise OSError(f"no lease could be locked in {folder}")


@contextmanager
def hold_lease(folder: Path, began_ns: int) -> Iterator[None]:
    """Hold a lease in `folder` that protects what is touched at `began_ns` or later; ends with the block.

    Raises:
        OSError: the folder cannot be written; nothing is held.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, path = _create(folder, began_ns)
    try:
        yield
    finally:
        # Closed first, because Windows removes no open file; a reader in between finds it stale and removes it.
        os.close(descriptor)
        with suppress(OSError):
            path.unlink(missing_ok=True)


def live_leases(folder: Path) -> list[int]:
    """When each lease held in `folder` began, in nanoseconds; stale lease files are removed.

    A lease whose time cannot be read yet counts as begun at 0: it protects everything.
    """
    began: list[int] = []
    try:
        paths = sorted(folder.glob(f"*{_SUFFIX}"))
    except OSError:
        return began
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        except OSError:
            began.append(0)
            continue
        try:
            if _try_lock(descriptor):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                continue
            content = os.read(descriptor, 32)
            began.append(int(content) if content.isdigit() else 0)
        except OSError:  # a network disk without locks: better a lease too many
            began.append(0)
        finally:
            os.close(descriptor)
    return began
