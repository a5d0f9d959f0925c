"""A folder that is held open, so that a check and what follows it are about the same one.

A path is read anew by every call that is given it: whoever may rename things in a shared folder can make it lead
elsewhere between a check and a rename. Through a handle nothing leads elsewhere. Windows has no such handles; there a
folder cannot be renamed while a file in it is open.

Only the standard library, and only its exceptions (OSError and FileExistsError): callers translate them.
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
"""Device and inode: two names of one file or folder share them."""

_HANDLES = {os.open, os.stat, os.unlink, os.mkdir, os.link, os.rename} <= os.supports_dir_fd
_BY_HANDLE = Path("/proc/self/fd")
"""Where Linux shows what a handle leads to, for libraries that know nothing but names."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)

# What filesystems without hard links answer (FAT, exFAT, many network and FUSE mounts).
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES})


class _At(TypedDict, total=False):
    dir_fd: int


def _silent(path: Path) -> None:
    pass


class OpenFolder:
    """A folder, used in a `with` block. Names are of what lies right in it."""

    def __init__(self, path: Path, *, within: OpenFolder | None = None) -> None:
        """Hold the folder open. within: `path` lies in that place, and is a folder itself, not a link to one."""
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
        """Let go of the folder."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def _at(self) -> _At:
        return {} if self._descriptor is None else {"dir_fd": self._descriptor}

    def _name(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)

    def way(self, name: str) -> Path:
        """A path to a file in this folder for libraries that open files by name.

        On Linux it leads through the handle, elsewhere through the folder's own name.
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
        """Make an empty file, and return a descriptor to write to it. Raises FileExistsError, also for a link."""
        return os.open(self._name(name), os.O_CREAT | os.O_EXCL | os.O_RDWR | _NO_FOLLOW | _BINARY, mode, **self._at)

    def make_folder(self, name: str) -> None:
        """Make an empty folder for its owner only. Raises FileExistsError."""
        os.mkdir(self._name(name), 0o700, **self._at)  # noqa: PTH102 - Path knows no handles

    def look(self, name: str, *, follow: bool = False) -> os.stat_result | None:
        """What has that name, of a link what it leads to if asked to follow; None for nothing."""
        try:
            return os.stat(self._name(name), follow_symlinks=follow, **self._at)  # noqa: PTH116 - as above
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file; none of that name is no error."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name(name), **self._at)

    def remove_tree(self, name: str) -> None:
        """Remove a folder and all in it, as far as it can be."""
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
        """Give a finished file its final name, durably, in this place or `into` another on the same disk.

        After the return the content and the name survive a power cut. Without overwrite an existing final name, even a
        dangling link, raises FileExistsError and stays as it was; the temporary file then stays too, for the caller.
        claim: told the final path before an empty file takes the name, which happens where there are no hard links.

        After any other OSError the data must be made again, under a new temporary name: a system that could not write a
        file may report success when asked a second time, though the data is gone (https://lwn.net/Articles/752063/).
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
            with contextlib.suppress(OSError):  # absent is what the caller is told
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
            Path(self._name(temporary)).rename(into._name(final))  # Windows refuses an existing name by itself
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
        """Claim the name with O_EXCL, then rename over our own empty file.

        A crash between the two leaves an empty file under the final name: whoever was told of the claim can remove it.
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
        """Bring the names in the folder to the disk."""
        if self._descriptor is None:
            return  # Windows cannot open a folder; its file system journals renames
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network mounts cannot sync folders
                raise


def identity(path: Path) -> Identity | None:
    """What a path leads to; None for nothing, or what cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def folder_open_to_others(folder: Path) -> Path | None:
    """The folder, or one above it, in which any user of this machine may rename what is not theirs; None for none.

    Where that is so, whatever is written can be moved or replaced by others as soon as it is there.
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
