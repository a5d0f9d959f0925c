"""Leases: they protect the cache entries that a running job uses from eviction by other processes.

A lease is a locked file. The operating system releases the lock when the holder dies, so an unlocked lease file is
stale. The file contains the time at which the lease began.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from answerprint.store.lock import try_lock

__all__ = ["hold_lease", "live_leases"]

_SUFFIX = ".lease"
_TRIES = 8


def _create(folder: Path, began_ns: int) -> tuple[int, Path]:
    """Create a locked lease file. Another process may remove it as stale before it is locked: then retry."""
    for _ in range(_TRIES):
        path = folder / f"{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if try_lock(descriptor) and path.exists():
                os.write(descriptor, str(began_ns).encode())
                return descriptor, path
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise OSError(f"no lease could be locked in {folder}")


@contextmanager
def hold_lease(folder: Path, began_ns: int) -> Iterator[None]:
    """Hold a lease in `folder` that protects entries used at `began_ns` or later, while the block runs.

    Raises:
        OSError: the folder is not writable; no lease is held.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, path = _create(folder, began_ns)
    try:
        yield
    finally:
        # Close first: Windows cannot remove an open file. A reader in between finds it stale and removes it.
        os.close(descriptor)
        with suppress(OSError):
            path.unlink(missing_ok=True)


def live_leases(folder: Path) -> list[int]:
    """Start times of the leases held in `folder`, in nanoseconds; stale lease files are removed.

    A lease whose time cannot be read yet counts as started at 0: it protects everything.
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
            if try_lock(descriptor):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                continue
            content = os.read(descriptor, 32)
            began.append(int(content) if content.isdigit() else 0)
        except OSError:  # a network disk without locks: better one lease too many
            began.append(0)
        finally:
            os.close(descriptor)
    return began
