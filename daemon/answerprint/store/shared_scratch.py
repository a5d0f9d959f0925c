"""Which part of a scratch folder is this home's: others, and other homes of the same user, may use the same disk.

SCRATCH/answerprint-<id of the home>/<job id>/    all of this home's, and of nobody else's
HOME/id                                           that id, made once
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from answerprint.errors import StorageError
from answerprint.store import atomic
from answerprint.store.folders import job_folder
from answerprint.store.quota import storage_error

__all__ = ["make_home_id", "move_in", "own_scratch"]

_ID = re.compile(r"[0-9a-f]{32}")


def make_home_id(home: Path) -> str:
    """The id of a home, made where it has none yet. Raises StorageError, DiskFullError."""
    if known := _read(home):
        return known
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):  # another process was faster
            atomic.write_bytes(home / "id", secrets.token_hex(16).encode(), mode=0o600)
    except OSError as error:
        raise storage_error(error, home / "id") from error
    if known := _read(home):
        return known
    raise StorageError(f"{home / 'id'} does not hold the id of this folder.", "Remove it; a new one is made.")


def own_scratch(scratch: Path, home: Path) -> Path:
    """The part of a shared scratch folder that is this home's; all of it for a home without an id, which has no jobs
    there but those of older versions.
    """
    known = _read(home)
    return scratch / f"answerprint-{known}" if known else scratch


def move_in(scratch: Path, own: Path, jobs: Collection[str]) -> list[Path]:
    """Bring the folders of these jobs, which older versions kept in the shared folder itself, into the own part.

    Only for jobs that the journal knows: of others nobody can say whose they are. Returns what was moved; again is no
    error. Raises StorageError.
    """
    moved: list[Path] = []
    for job in jobs:
        old, new = job_folder(scratch, job), own / job
        try:
            found = old.lstat()
        except OSError:
            continue
        if not stat.S_ISDIR(found.st_mode) or (os.name != "nt" and found.st_uid != os.geteuid()) or new.exists():
            continue
        try:
            own.mkdir(parents=True, exist_ok=True, mode=0o700)
            old.rename(new)
        except OSError as error:
            raise storage_error(error, old) from error
        moved.append(new)
    return moved


def _read(home: Path) -> str:
    try:
        text = (home / "id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    return text if _ID.fullmatch(text) else ""
