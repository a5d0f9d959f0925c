"""Files that are complete or absent, whatever happens between: temporary file, fsync, rename, fsync of the folder.

Only the standard library, and only its exceptions (OSError and FileExistsError): callers translate them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

__all__ = [
    "TEMPORARY_PREFIX",
    "Announce",
    "is_temporary",
    "publish",
    "shown",
    "temporary_beside",
    "temporary_folder_beside",
    "write_bytes",
]

TEMPORARY_PREFIX = ".answerprint-"
_TEMPORARY_SUFFIX = ".part"
_TEMPORARY_BYTES = 12
_TEMPORARY = re.compile(
    rf"{re.escape(TEMPORARY_PREFIX)}[0-9a-f]{{{2 * _TEMPORARY_BYTES}}}{re.escape(_TEMPORARY_SUFFIX)}"
)

# What filesystems without hard links answer (FAT, exFAT, many network and FUSE mounts).
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES})


def is_temporary(name: str) -> bool:
    """Whether a file or folder of that name is one that this module began, and nobody finished."""
    return _TEMPORARY.fullmatch(name) is not None


def shown(path: Path) -> str:
    """A path as it is told to people, who know nothing of files that are not finished: of those, what they become."""
    hidden = next((part for part in (path, *path.parents) if is_temporary(part.name)), None)
    return str(path) if hidden is None else f"What is being written in {hidden.parent}"


Announce = Callable[[Path], None]


def _silent(temporary: Path) -> None:
    pass


def temporary_beside(path: Path, mode: int = 0o666, announce: Announce = _silent) -> Path:
    """Create an empty file of ours in the folder of path, hidden and with an unpredictable name, and return it.

    O_EXCL makes sure that no file and no link that another process put there is ever opened. The umask applies.
    announce: told the name before the file is there, so that it is known whenever the process dies.
    """
    temporary = _unpredictable(path)
    announce(temporary)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    os.close(os.open(temporary, flags, mode))
    return temporary


def temporary_folder_beside(path: Path, announce: Announce = _silent) -> Path:
    """Create an empty hidden folder of ours in the folder of path, readable by its owner only, and return it."""
    temporary = _unpredictable(path)
    announce(temporary)
    temporary.mkdir(mode=0o700)
    return temporary


def _unpredictable(path: Path) -> Path:
    # The final name is left out: with it the temporary name could be longer than the filesystem allows.
    return path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(_TEMPORARY_BYTES)}{_TEMPORARY_SUFFIX}"


def publish(temporary: Path, final: Path, overwrite: bool = False) -> None:
    """Give a finished temporary file its final name, durably.

    After the return the content and the name survive a power cut. Without overwrite an existing final name, even a
    dangling link, raises FileExistsError and stays as it was; the temporary file then stays too, for the caller.

    After any other OSError the data must be made again, under a new temporary name: a system that could not write a
    file may report success when asked a second time, though the data is gone (https://lwn.net/Articles/752063/).
    """
    _sync_file(temporary)
    if overwrite:
        temporary.replace(final)
        _sync_folder(final.parent)
        return
    _rename_to_free_name(temporary, final)
    try:
        _sync_folder(final.parent)
    except OSError:
        with contextlib.suppress(OSError):  # absent is what the caller is told
            final.unlink()
        raise


def write_bytes(path: Path, data: bytes, overwrite: bool = False, mode: int = 0o666) -> None:
    """Write data under path, all of it or nothing. Raises OSError, FileExistsError without overwrite."""
    temporary = temporary_beside(path, mode)
    try:
        _write_whole(temporary, data)
        publish(temporary, path, overwrite)
    finally:
        # Absent after success; anything else that fails must leave no litter, and must not hide the first error.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_whole(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _rename_to_free_name(temporary: Path, final: Path) -> None:
    """Rename without replacing: Python has no renameat2(RENAME_NOREPLACE)."""
    if os.name == "nt":
        temporary.rename(final)  # Windows refuses an existing name by itself
        return
    try:
        os.link(temporary, final, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _rename_over_placeholder(temporary, final)
        return
    temporary.unlink()


def _rename_over_placeholder(temporary: Path, final: Path) -> None:
    """Claim the name with O_EXCL, then rename over our own empty file.

    A crash between the two leaves an empty file under the final name: the price of a filesystem without hard links.
    """
    os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        temporary.replace(final)
    except OSError:
        final.unlink()
        raise


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; its file system journals renames
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network mounts cannot sync folders
            raise
    finally:
        os.close(descriptor)
