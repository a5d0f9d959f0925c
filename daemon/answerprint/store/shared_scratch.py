"""The part of a shared scratch folder that belongs to this home: other users and other homes may use the same disk.

SCRATCH/answerprint-<id of the home>/<job id>/    only for this home
HOME/id                                           that id, created once
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
    """The id of a home, created if it has none. Raises StorageError, DiskFullError."""
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
    raise StorageError(f"{home / 'id'} does not contain a valid id.", "Remove it; a new one will be created.")


def own_scratch(scratch: Path, home: Path) -> Path:
    """This home's part of a shared scratch folder.

    For a home without an id, the whole folder: there it can only have jobs of older versions.
    """
    known = _read(home)
    return scratch / f"answerprint-{known}" if known else scratch


def move_in(scratch: Path, own: Path, jobs: Collection[str]) -> list[Path]:
    """Move the folders of these jobs, which older versions kept in the shared folder itself, into this home's part.

    Only for jobs in the journal: the owner of others is unknown. Idempotent; returns the moved folders. Raises
    StorageError.
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
