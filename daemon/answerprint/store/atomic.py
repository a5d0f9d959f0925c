"""Files that are complete or absent, whatever happens between: temporary file, fsync, rename, fsync of the folder.

Only the standard library, and only its exceptions (OSError and FileExistsError): callers translate them.
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
    """Whether a file or folder of that name is one that this module began, and nobody finished."""
    return _TEMPORARY.fullmatch(name) is not None


def shown(path: Path) -> str:
    """A path as it is told to people, who know nothing of files that are not finished: of those, what they become."""
    hidden = next((part for part in (path, *path.parents) if is_temporary(part.name)), None)
    return str(path) if hidden is None else f"What is being written in {hidden.parent}"


Announce = Callable[[Path], None]
"""Told of a path before anything is there, so that it is known whenever the process dies."""


def temporary_name() -> str:
    """A hidden name that nobody can predict, and that is known as ours."""
    # The final name is left out: with it the temporary name could be longer than the filesystem allows.
    return f"{TEMPORARY_PREFIX}{secrets.token_hex(_TEMPORARY_BYTES)}{_TEMPORARY_SUFFIX}"


def temporary_beside(path: Path, mode: int = 0o666) -> Path:
    """Create an empty file of ours in the folder of path, hidden and with an unpredictable name, and return it.

    O_EXCL makes sure that no file and no link that another process put there is ever opened. The umask applies.
    """
    temporary = path.parent / temporary_name()
    with OpenFolder(path.parent) as place:
        os.close(place.create(temporary.name, mode))
    return temporary


def temporary_folder_beside(path: Path) -> Path:
    """Create an empty hidden folder of ours in the folder of path, readable by its owner only, and return it."""
    temporary = path.parent / temporary_name()
    with OpenFolder(path.parent) as place:
        place.make_folder(temporary.name)
    return temporary


def publish(temporary: Path, final: Path, overwrite: bool = False) -> None:
    """Give a finished temporary file its final name in the same folder, durably: see `OpenFolder.publish`.

    Raises ValueError for one of another folder.
    """
    if temporary.parent != final.parent:
        raise ValueError(f"{temporary} does not lie beside {final}")
    with OpenFolder(final.parent) as place:
        place.publish(temporary.name, final.name, overwrite)


def write_bytes(path: Path, data: bytes, overwrite: bool = False, mode: int = 0o666) -> None:
    """Write data under path, all of it or nothing. Raises OSError, FileExistsError without overwrite."""
    with OpenFolder(path.parent) as place:
        write_bytes_at(place, path.name, data, overwrite, mode)


def write_bytes_at(place: OpenFolder, name: str, data: bytes, overwrite: bool = False, mode: int = 0o666) -> None:
    """The same in a folder that is held open."""
    temporary = temporary_name()
    descriptor = place.create(temporary, mode)
    try:
        _write_whole(descriptor, data)
        place.publish(temporary, name, overwrite)
    finally:
        # Absent after success; anything else that fails must leave no litter, and must not hide the first error.
        with contextlib.suppress(OSError):
            place.remove(temporary)


def _write_whole(descriptor: int, data: bytes) -> None:
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
