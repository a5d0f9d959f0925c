"""A folder that is held open, so that a check and the following call use the same folder.

Every call resolves a path again: in a shared folder, another user could redirect it between a check and a rename. A
handle always leads to the same folder. Windows has no such handles; there, a folder cannot be renamed while a file in
it is open.

Standard library only, and only its exceptions (OSError and FileExistsError): callers translate them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypedDict

from answerprint.store.failpoints import reach

__all__ = ["Identity", "OpenFolder", "folder_open_to_others", "identity"]

Identity = tuple[int, int]
"""Device and inode, equal for all names of a file or folder."""

_HANDLES = {os.open, os.stat, os.unlink, os.mkdir, os.link, os.rename} <= os.supports_dir_fd
_BY_HANDLE = Path("/proc/self/fd")
"""Paths of open handles on Linux, for libraries that only take paths."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)

# Errors of filesystems without hard links (FAT, exFAT, many network and FUSE mounts).
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES})


class _At(TypedDict, total=False):
    dir_fd: int


def _silent(path: Path) -> None:
    pass


class OpenFolder:
    """An open folder, for use in a `with` block. Names are those of its direct entries."""

    def __init__(self, path: Path, *, within: OpenFolder | None = None) -> None:
        """Open the folder. within: its open parent folder; `path` must then not be a link."""
        self.path = path
        self._descriptor: int | None = None
        flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
        if within is not None and _HANDLES:
            self._descriptor = os.open(path.name, flags | _NO_FOLLOW, **within._at)
        elif _HANDLES:
            self._descriptor = os.open(path, flags)
        elif not path.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def _at(self) -> _At:
        return {} if self._descriptor is None else {"dir_fd": self._descriptor}

    def _name(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)

    def way(self, name: str) -> Path:
        """A path to a file in this folder, for libraries that open files by path.

        It leads through the handle on Linux, and through the folder's path elsewhere.
        """
        if self._descriptor is not None and _BY_HANDLE.is_dir():
            return _BY_HANDLE / str(self._descriptor) / name
        return self.path / name

    def is_where_it_was(self) -> bool:
        """Whether the folder's path still leads to it."""
        if self._descriptor is None:
            return True
        held = os.fstat(self._descriptor)
        return identity(self.path) == (held.st_dev, held.st_ino)

    def create(self, name: str, mode: int = 0o666) -> int:
        """Create an empty file and return a descriptor for writing. Raises FileExistsError, also for a link."""
        return os.open(self._name(name), os.O_CREAT | os.O_EXCL | os.O_RDWR | _NO_FOLLOW | _BINARY, mode, **self._at)

    def make_folder(self, name: str) -> None:
        """Create an empty folder, accessible only to its owner. Raises FileExistsError."""
        os.mkdir(self._name(name), 0o700, **self._at)  # noqa: PTH102 - Path does not support handles

    def look(self, name: str, *, follow: bool = False) -> os.stat_result | None:
        """Status of an entry, None if there is none. follow: of the target of a link."""
        try:
            return os.stat(self._name(name), follow_symlinks=follow, **self._at)  # noqa: PTH116 - as above
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file; a missing one is not an error."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name(name), **self._at)

    def remove_tree(self, name: str) -> None:
        """Remove a folder with its content, ignoring errors."""
        shutil.rmtree(self._name(name), ignore_errors=True, **self._at)

    def publish(
        self,
        temporary: str,
        final: str,
        overwrite: bool = False,
        *,
        into: OpenFolder | None = None,
        claim: Callable[[Path], None] = _silent,
    ) -> None:
        """Rename a finished file durably to its final name, in this folder or `into` another on the same disk.

        After the return, content and name survive a power cut. Without overwrite, an existing final name, even a
        dangling link, raises FileExistsError and is unchanged; the temporary file stays for the caller. claim: called
        with the final path before an empty file reserves it, on filesystems without hard links.

        After any other OSError the data must be written again to a new temporary file: a second fsync may report
        success although the data was lost (https://lwn.net/Articles/752063/).
        """
        into = into or self
        self._sync_file(temporary)
        if overwrite:
            self._replace(temporary, final, into)
            into.sync()
            return
        self._rename_to_free_name(temporary, final, into, claim)
        try:
            into.sync()
        except OSError:
            with contextlib.suppress(OSError):  # an error means that the file is absent
                into.remove(final)
            raise

    def _replace(self, temporary: str, final: str, into: OpenFolder) -> None:
        if self._descriptor is None or into._descriptor is None:
            Path(self._name(temporary)).replace(into._name(final))
        else:
            os.replace(temporary, final, src_dir_fd=self._descriptor, dst_dir_fd=into._descriptor)

    def _rename_to_free_name(self, temporary: str, final: str, into: OpenFolder, claim: Callable[[Path], None]) -> None:
        """Rename without replacing: Python has no renameat2(RENAME_NOREPLACE)."""
        if os.name == "nt":
            Path(self._name(temporary)).rename(into._name(final))  # fails on Windows if the name exists
            return
        try:
            os.link(
                self._name(temporary), into._name(final),
                src_dir_fd=self._descriptor, dst_dir_fd=into._descriptor, follow_symlinks=False,
            )  # fmt: skip
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            self._rename_over_placeholder(temporary, final, into, claim)
            return
        self.remove(temporary)

    def _rename_over_placeholder(
        self, temporary: str, final: str, into: OpenFolder, claim: Callable[[Path], None]
    ) -> None:
        """Reserve the name with an empty file (O_EXCL), then rename over it.

        A crash in between leaves an empty file; `claim` lets the caller remove it later.
        """
        if into.look(final) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(into.path / final))
        claim(into.path / final)
        os.close(into.create(final))
        reach("after_claim")
        try:
            self._replace(temporary, final, into)
        except OSError:
            into.remove(final)
            raise

    def _sync_file(self, name: str) -> None:
        descriptor = os.open(self._name(name), os.O_RDWR | _NO_FOLLOW | _BINARY, **self._at)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Flush the folder's entries to disk."""
        if self._descriptor is None:
            return  # Windows cannot open folders; NTFS journals renames
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network mounts cannot sync folders
                raise


def identity(path: Path) -> Identity | None:
    """Device and inode of a path, following links; None if it cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def folder_open_to_others(folder: Path) -> Path | None:
    """The folder, or a parent, in which any user may rename files of others; None if there is none.

    In such a folder, others can move or replace files as soon as they are written.
    """
    if os.name == "nt":
        return None
    for each in (folder, *folder.parents):
        try:
            mode = each.stat().st_mode
        except OSError:
            continue
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return each
    return None
