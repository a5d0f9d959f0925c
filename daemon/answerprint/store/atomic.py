"""Write files that are complete or absent: temporary file, fsync, rename, fsync of the folder.

Standard library only, and only its exceptions (OSError and FileExistsError): callers translate them.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from answerprint.store.open_folder import OpenFolder

__all__ = [
    "TEMPORARY_PREFIX",
    "Announce",
    "is_temporary",
    "publish",
    "shown",
    "temporary_beside",
    "temporary_folder_beside",
    "temporary_name",
    "write_bytes",
    "write_bytes_at",
]

TEMPORARY_PREFIX = ".answerprint-"
_TEMPORARY_SUFFIX = ".part"
_TEMPORARY_BYTES = 12
_TEMPORARY = re.compile(
    rf"{re.escape(TEMPORARY_PREFIX)}[0-9a-f]{{{2 * _TEMPORARY_BYTES}}}{re.escape(_TEMPORARY_SUFFIX)}"
)


def is_temporary(name: str) -> bool:
    """Whether this is the name of an unfinished temporary file or folder of this module."""
    return _TEMPORARY.fullmatch(name) is not None


def shown(path: Path) -> str:
    """A path for messages; temporary files are described instead, as users do not know them."""
    hidden = next((part for part in (path, *path.parents) if is_temporary(part.name)), None)
    return str(path) if hidden is None else f"A file being written in {hidden.parent}"


Announce = Callable[[Path], None]
"""Called with a path before it is created, so that it is known if the process dies."""


def temporary_name() -> str:
    """A hidden, unpredictable name that `is_temporary` recognizes."""
    # Without the final name, which could make it longer than the filesystem allows.
    return f"{TEMPORARY_PREFIX}{secrets.token_hex(_TEMPORARY_BYTES)}{_TEMPORARY_SUFFIX}"


def temporary_beside(path: Path, mode: int = 0o666) -> Path:
    """Create an empty temporary file in the folder of path, and return its path.

    O_EXCL ensures that no file or link of another process is opened. The umask applies.
    """
    temporary = path.parent / temporary_name()
    with OpenFolder(path.parent) as folder:
        os.close(folder.create(temporary.name, mode))
    return temporary


def temporary_folder_beside(path: Path) -> Path:
    """Create an empty temporary folder in the folder of path, readable only by its owner, and return its path."""
    temporary = path.parent / temporary_name()
    with OpenFolder(path.parent) as folder:
        folder.make_folder(temporary.name)
    return temporary


def publish(temporary: Path, final: Path, overwrite: bool = False) -> None:
    """Rename a finished temporary file durably within its folder: see `OpenFolder.publish`.

    Raises ValueError if the folders differ.
    """
    if temporary.parent != final.parent:
        raise ValueError(f"{temporary} is not in the folder of {final}")
    with OpenFolder(final.parent) as folder:
        folder.publish(temporary.name, final.name, overwrite)


def write_bytes(path: Path, data: bytes, overwrite: bool = False, mode: int = 0o666) -> None:
    """Write data to path, completely or not at all. Raises OSError, FileExistsError without overwrite."""
    with OpenFolder(path.parent) as folder:
        write_bytes_at(folder, path.name, data, overwrite, mode)


def write_bytes_at(folder: OpenFolder, name: str, data: bytes, overwrite: bool = False, mode: int = 0o666) -> None:
    """The same, in an open folder."""
    temporary = temporary_name()
    descriptor = folder.create(temporary, mode)
    try:
        _write_whole(descriptor, data)
        folder.publish(temporary, name, overwrite)
    finally:
        # Gone after success. After an error, remove it without hiding that error.
        with contextlib.suppress(OSError):
            folder.remove(temporary)


def _write_whole(descriptor: int, data: bytes) -> None:
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
