"""Keep other users from writing to the home folder, where they could plant settings and models or remove jobs.

Permissions of the user's own files are corrected, with a notice. Files that belong to others, or cannot be corrected,
are refused if jobs or settings depend on them; otherwise there is a notice. On Windows, access lists already protect a
user's application data.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from answerprint.errors import InputError
from answerprint.home import (
    config_file,
    flow_cache_folder,
    frame_cache_folder,
    home,
    logs_folder,
    models_folder,
    scratch_folder,
    state_folder,
)

__all__ = ["Opening", "close_home", "make_private", "openings"]

_OPEN = stat.S_IWGRP | stat.S_IWOTH
"""With an access list, the group bits are its mask: without the write bit, nobody on the list can write."""

_ELSEWHERE = "Set ANSWERPRINT_HOME to a folder that only you can write to."


@dataclass(frozen=True, slots=True)
class Opening:
    """A path in the home that others can write to. fatal: jobs or settings depend on it. ours: it can be fixed."""

    path: Path
    message: str
    remedy: str
    fatal: bool
    ours: bool


def close_home(*, create: bool) -> list[str]:
    """Correct the permissions of the home folder and its content; returns notices about what was or could not be done.

    create: create the home folder, and those folders in it that are created without private permissions elsewhere.
    Raises InputError if others can write to jobs or settings and that cannot be corrected.
    """
    if os.name == "nt":
        return []
    notices = []
    for found in openings():
        if found.ours and _close(found.path):
            notices.append(f"Other users could write to {found.path}. Permissions corrected.")
        elif found.fatal:
            raise InputError(found.message, found.remedy)
        else:
            notices.append(f"{found.message} {found.remedy}")
    if create:
        for folder in (home(), models_folder(), flow_cache_folder(), frame_cache_folder(), logs_folder()):
            make_private(folder)
    return notices


def openings() -> Iterator[Opening]:
    """Paths in the home folder that others own or can write to. Changes nothing."""
    if os.name == "nt":
        return
    critical = (home(), config_file(), state_folder(), scratch_folder())
    for path in (
        *critical,
        models_folder(),
        flow_cache_folder().parent,
        flow_cache_folder(),
        frame_cache_folder(),
        logs_folder(),
    ):
        try:
            found = path.stat()
        except OSError:  # missing, or not a folder: an error when it is needed
            continue
        fatal, ours = path in critical, found.st_uid == os.geteuid()
        if not ours and found.st_uid != 0:
            message = f"{path} belongs to another user (id {found.st_uid}), who can change its content."
            yield Opening(path, message, _ELSEWHERE, fatal, ours=False)
        elif found.st_mode & _OPEN:
            everyones = bool(found.st_mode & stat.S_ISVTX)  # such as /tmp: shared by design, so not corrected
            message = f"Other users can write to {path} (mode {stat.S_IMODE(found.st_mode):04o})."
            remedy = _ELSEWHERE if everyones or not ours else f"Correct it: chmod go-w {path}"
            yield Opening(path, message, remedy, fatal, ours and not everyones)


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, accessible only to this user. Raises InputError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot create {folder} ({error.strerror}).", "Set ANSWERPRINT_HOME to another folder."
        ) from error


def _close(path: Path) -> bool:
    """Remove write permission for others; False if the filesystem has no permissions."""
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OPEN)
        return not path.stat().st_mode & _OPEN
    except OSError:
        return False
