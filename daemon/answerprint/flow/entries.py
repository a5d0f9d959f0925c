"""Files of the caches: atomic writing, listing, and removal of abandoned temporary files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ABANDONED_NS", "SUFFIX", "CacheEntry", "children", "is_flow", "list_entries", "write_entry"]

SUFFIX = ".flow"
ABANDONED_NS = 3600 * 10**9
"""Age at which a temporary file counts as left by a process that died while writing."""

_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One file of the cache."""

    used_ns: int
    """Its modification time, which is the time of its last use."""
    path: Path
    bytes: int


def is_flow(name: str) -> bool:
    """Whether a file of that name is an entry of the flow cache."""
    return Path(name).suffix == SUFFIX


def write_entry(path: Path, *data: bytes | memoryview, durable: bool = True) -> None:
    """Write `data` to `path` atomically; creates the folder if needed.

    durable: it is on disk before it has its name; otherwise a power cut may leave an empty file.

    Raises:
        OSError: nothing was written, and no temporary file is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.writelines(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def list_entries(folder: Path, now_ns: int, is_entry: Callable[[str], bool] = is_flow) -> tuple[list[CacheEntry], int]:
    """The entries two levels below `folder`, told by their names, and the number of files that could not be examined.

    Also removes abandoned temporary files.
    """
    entries: list[CacheEntry] = []
    failures = 0
    for path in (path for subfolder in children(folder) for path in children(subfolder)):
        try:
            status = path.stat()
            if is_entry(path.name):
                entries.append(CacheEntry(status.st_mtime_ns, path, status.st_size))
            elif path.name.startswith(_TEMPORARY) and now_ns - status.st_mtime_ns > ABANDONED_NS:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
        except OSError:
            failures += 1
    return entries, failures


def children(folder: Path) -> list[Path]:
    """Content of `folder`; empty if it is absent, not a folder, or not accessible."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []
