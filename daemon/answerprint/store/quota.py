"""Free disk space, and translation of disk errors. Standard library only."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from answerprint.descriptors import is_out_of_descriptors, too_many_files
from answerprint.errors import DiskFullError, StorageError
from answerprint.store.atomic import shown

__all__ = ["is_disk_full", "room", "size_text", "spare_room", "storage_error"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC})
_MOST_SPARE_BYTES = 64 << 20
_SPARE_SHARE = 20
_UNITS = ("kB", "MB", "GB", "TB")
_WINDOWS_FULL = frozenset({39, 112})  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL


def room(folder: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet. Raises OSError."""
    return shutil.disk_usage(_existing(folder)).free


def spare_room(folder: Path) -> int:
    """Bytes that jobs leave free on a disk for the journal and other programs. Raises OSError."""
    return min(_MOST_SPARE_BYTES, shutil.disk_usage(_existing(folder)).total // _SPARE_SHARE)


def _existing(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.exists()), folder)


def is_disk_full(error: OSError) -> bool:
    """Whether the disk, or the user's quota, is full."""
    return error.errno in _FULL or getattr(error, "winerror", None) in _WINDOWS_FULL


def storage_error(error: OSError, path: Path, needed_bytes: int = 0) -> StorageError:
    """Translate a disk error at path: DiskFullError, TooManyFilesError, or StorageError for all others.

    needed_bytes: space that the job needs there; 0 if unknown.
    """
    folder = path if path.is_dir() else path.parent
    if is_disk_full(error):
        needs = f"{size_text(needed_bytes)} needed" if needed_bytes else "no space left"
        return DiskFullError(
            f"The disk is full: {needs} in {folder}.", "Free some space there. The job then resumes.",
            needed_bytes=needed_bytes, folder=str(folder),
        )  # fmt: skip
    if is_out_of_descriptors(error):
        return too_many_files(shown(path))
    if error.errno == errno.EFBIG:
        return StorageError(f"{shown(path)} is larger than this disk allows.", "Choose a folder on another disk.")
    reason = error.strerror or type(error).__name__
    return StorageError(
        f"{shown(path)} could not be written or read ({reason}).", "Check the disk and its permissions."
    )


def size_text(size: int) -> str:
    """A readable size: 512 bytes, 12 MB, 1.4 GB."""
    if size < 1000:
        return f"{size} bytes"
    power = min((len(str(size)) - 1) // 3, len(_UNITS))
    value = size / 1000**power
    return f"{value:.1f} {_UNITS[power - 1]}" if value < 9.95 else f"{value:.0f} {_UNITS[power - 1]}"
