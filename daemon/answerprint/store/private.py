"""The home is its user's alone: whoever else may write there can plant settings and models, or take jobs away.

What is the user's own and open to others is closed, and that is said; what belongs to others, or cannot be closed, is
refused where jobs and settings hang on it, and said where not. On Windows the application data of a user is closed to
others by its access list.
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
    home,
    logs_folder,
    models_folder,
    scratch_folder,
    state_folder,
)

__all__ = ["Opening", "close_home", "make_private", "openings"]

_OPEN = stat.S_IWGRP | stat.S_IWOTH
"""With an access list the group's bits are its mask: without its write bit nobody on the list may write either."""

_ELSEWHERE = "Set ANSWERPRINT_HOME to a folder of yours alone."


@dataclass(frozen=True, slots=True)
class Opening:
    """A place of the home to which others may write. fatal: jobs or settings hang on it. ours: it can be closed."""

    path: Path
    message: str
    remedy: str
    fatal: bool
    ours: bool


def close_home(*, create: bool) -> list[str]:
    """Close the home and what lies in it to others; returns what was done, or could not be, in words.

    create: make the home, and the folders in it whose makers do not close them, if they are not there.
    Raises InputError where others may write to jobs or settings, and that cannot be mended.
    """
    if os.name == "nt":
        return []
    said = []
    for found in openings():
        if found.ours and _close(found.path):
            said.append(f"{found.path} was open to other users. It is closed now.")
        elif found.fatal:
            raise InputError(found.message, found.remedy)
        else:
            said.append(f"{found.message} {found.remedy}")
    if create:
        for folder in (home(), models_folder(), flow_cache_folder(), logs_folder()):
            make_private(folder)
    return said


def openings() -> Iterator[Opening]:
    """What others may write to, and what belongs to them, from the home inwards. Nothing is changed."""
    if os.name == "nt":
        return
    hangs = (home(), config_file(), state_folder(), scratch_folder())
    for path in (*hangs, models_folder(), flow_cache_folder().parent, flow_cache_folder(), logs_folder()):
        try:
            found = path.stat()
        except OSError:  # absent, or a file where a folder should be: whoever needs it says so
            continue
        fatal, ours = path in hangs, found.st_uid == os.geteuid()
        if not ours and found.st_uid != 0:
            message = f"{path} belongs to another user (id {found.st_uid}), who may change what is in it."
            yield Opening(path, message, _ELSEWHERE, fatal, ours=False)
        elif found.st_mode & _OPEN:
            everyones = bool(found.st_mode & stat.S_ISVTX)  # such as /tmp: a place for all, and not to be closed
            message = f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):04o})."
            remedy = _ELSEWHERE if everyones or not ours else f"Close it: chmod go-w {path}"
            yield Opening(path, message, remedy, fatal, ours and not everyones)


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, for this user alone whatever the umask. Raises InputError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made ({error.strerror}).", "Set ANSWERPRINT_HOME to another.") from error


def _close(path: Path) -> bool:
    """Take others' right to write; False where the disk has no such rights."""
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OPEN)
        return not path.stat().st_mode & _OPEN
    except OSError:
        return False
