"""The flow cache's files: written whole, listed, cleared of what dead processes left."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ABANDONED_NS", "SUFFIX", "CacheEntry", "children", "list_entries", "write_entry"]

SUFFIX = ".flow"
ABANDONED_NS = 3600 * 10**9
"""A temporary file of this age belongs to a process that died while writing."""

_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One file of the cache."""

    used_ns: int
    """Its modification time, which is the time of its last use."""
    path: Path
    bytes: int


def write_entry(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, or leave it as it was; the folder is made if absent.

    Raises:
        OSError: nothing was written, and no temporary file is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def list_entries(folder: Path, now_ns: int) -> tuple[list[CacheEntry], int]:
    """The entries two levels down in `folder`, and the number of files that could not be examined.

    On the way it removes what dead processes left half written.
    """
    entries: list[CacheEntry] = []
    failures = 0
    for path in (path for shelf in children(folder) for path in children(shelf)):
        try:
            status = path.stat()
            if path.suffix == SUFFIX:
                entries.append(CacheEntry(status.st_mtime_ns, path, status.st_size))
            elif path.name.startswith(_TEMPORARY) and now_ns - status.st_mtime_ns > ABANDONED_NS:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
        except OSError:
            failures += 1
    return entries, failures


def children(folder: Path) -> list[Path]:
    """What is in `folder`; nothing if it is absent, not a folder, or forbidden."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []
