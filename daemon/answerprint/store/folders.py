"""The folder of a job in the scratch folder: its files, and how to remove them without touching others.

SCRATCH/<job id>/ job.json     the request, so that a lost journal can be rebuilt
                  chunk-*      finished chunks, see `receipts`
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState, is_job_id
from answerprint.errors import InputError, StorageError
from answerprint.store import atomic
from answerprint.store.quota import storage_error
from answerprint.store.receipts import DamagedChunkError

__all__ = [
    "MuxNote",
    "Removal",
    "is_job_folder",
    "is_ours",
    "job_folder",
    "job_folders",
    "make_job_folder",
    "read_waiting_job",
    "remove_job_folder",
    "remove_noted_temporary",
    "remove_temporaries",
    "write_job_file",
]

_JOB_FILE = "job.json"
_NOTE = "mux.json"
"""Names the temporary file of a deliverable, so that it can be removed after a crash."""
_OURS = re.compile(
    r"job\.json|receipts\.json|mux\.json|lock|chunk-\d{6,}\.(nut|mkv|carry|json)|frame-[\w-]+\.(png|jpg|jpeg)", re.ASCII
)
_KEPT_FIELDS = ("id", "number", "kind", "label", "request", "clip", "lane", "priority", "created", "not_before")


@dataclass(slots=True)
class Removal:
    """bytes: size of the removed files. left: files that are not from Answerprint, and stay."""

    bytes: int = 0
    left: list[Path] = field(default_factory=list)


def job_folder(scratch: Path, job: str) -> Path:
    """The folder of a job. Raises ValueError for an invalid id, as it becomes part of a path."""
    if not is_job_id(job):
        raise ValueError(f"{job!r} is not a job id")
    return scratch / job


def make_job_folder(scratch: Path, job: str) -> Path:
    """Create the folder of a job, accessible only to its owner. Raises StorageError, DiskFullError."""
    folder = job_folder(scratch, job)
    try:
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or (os.name != "nt" and found.st_uid != os.geteuid()):
            raise StorageError(f"{folder} is not a folder of this user.", "Move or remove it.")
        if os.name != "nt" and found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise storage_error(error, folder) from error
    return folder


def job_folders(scratch: Path) -> tuple[list[Path], list[Path]]:
    """The job folders in the scratch folder, and everything else in it. Raises OSError."""
    jobs: list[Path] = []
    others: list[Path] = []
    try:
        entries = sorted(os.scandir(scratch), key=lambda entry: entry.name)
    except FileNotFoundError:
        return jobs, others
    for entry in entries:
        ours = is_job_id(entry.name) and _is_own_folder(entry)
        (jobs if ours else others).append(scratch / entry.name)
    return jobs, others


def is_job_folder(path: Path) -> bool:
    """Whether a path is the folder of a job, in any scratch folder."""
    return is_job_id(path.name.lower()) and (path / _JOB_FILE).is_file()


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder of this user."""
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())


def is_ours(path: Path) -> bool:
    """Whether it is a file of a job, or a temporary file or folder."""
    if not (_OURS.fullmatch(path.name) or atomic.is_temporary(path.name)):
        return False
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and atomic.is_temporary(path.name))


def remove_job_folder(scratch: Path, job: str) -> Removal:
    """Remove the files of a job and its folder. Other files stay, and then so does the folder.

    A missing folder is not an error. Raises StorageError.
    """
    folder = job_folder(scratch, job)
    removal = Removal()
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return Removal(left=[folder])
        remove_noted_temporary(folder)
        # job.json first: without it, the rest is not taken for a job to resume.
        for path in sorted(folder.iterdir(), key=lambda path: path.name != _JOB_FILE):
            if is_ours(path):
                removal.bytes += _remove(path)
            else:
                removal.left.append(path)
        if not removal.left:
            folder.rmdir()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise storage_error(error, folder) from error
    return removal


def remove_temporaries(folder: Path) -> int:
    """Remove the temporary files in a folder; returns their size in bytes. Raises OSError."""
    paths = [path for path in _entries(folder) if atomic.is_temporary(path.name) and is_ours(path)]
    return sum(_remove(path) for path in paths)


class MuxNote:
    """Notes in the folder of a job which files its child creates beside the output, so that they can be removed.

    Best effort: a full scratch disk must not keep a job from finishing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NOTE
        self._temporary: Path | None = None

    def temporary(self, path: Path) -> None:
        """Note the path of a temporary file or folder."""
        self._temporary = path
        self._write({"temporary": str(path)})

    def claim(self, final: Path) -> None:
        """Note that an empty file will reserve this name until the output replaces it."""
        self._write({"temporary": str(self._temporary), "claim": str(final)})

    def _write(self, note: dict[str, str]) -> None:
        with suppress(OSError):
            atomic.write_bytes(self._path, json.dumps(note).encode(), overwrite=True, mode=0o600)


def remove_noted_temporary(folder: Path) -> None:
    """Remove what a killed child left beside its output: its temporary file, and the empty file that reserves the name.

    The latter only if it is still empty and ours: it would block every retry.
    """
    note = folder / _NOTE
    try:
        data = json.loads(note.read_bytes())
        temporary = Path(data["temporary"])
        claim = Path(data["claim"]) if "claim" in data else None
    except (OSError, ValueError, KeyError, TypeError):
        return
    with suppress(OSError):
        if claim is not None and _is_empty_claim(claim):
            claim.unlink()
    with suppress(OSError):
        if is_ours(temporary) and atomic.is_temporary(temporary.name):
            _remove(temporary)
    with suppress(OSError):
        note.unlink()


def _is_empty_claim(path: Path) -> bool:
    found = path.lstat()
    ours = os.name == "nt" or found.st_uid == os.geteuid()
    return stat.S_ISREG(found.st_mode) and found.st_size == 0 and ours


def write_job_file(folder: Path, record: JobRecord) -> None:
    """Write job.json, the request of a job, beside its chunks. Raises StorageError, DiskFullError."""
    kept = {name: getattr(record, name) for name in _KEPT_FIELDS} | {"clip": record.clip.to_json()}
    data = json.dumps(kept, indent=1).encode()
    try:
        atomic.write_bytes(folder / _JOB_FILE, data, overwrite=True, mode=0o600)
    except OSError as error:
        raise storage_error(error, folder / _JOB_FILE) from error


def read_waiting_job(folder: Path) -> JobRecord:
    """The job of a folder, as a queued one, from job.json. Raises DamagedChunkError if it cannot be read."""
    path = folder / _JOB_FILE
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        values = {name: data[name] for name in _KEPT_FIELDS} | {"clip": ClipRef.from_json(data["clip"])}
        record = JobRecord(**values, state=JobState.QUEUED)
        if record.id != folder.name or not isinstance(record.request, dict):
            raise ValueError
        if record.kind not in ("restore", "preview") or not isinstance(record.number, int):
            raise ValueError
    except (OSError, ValueError, TypeError, KeyError, RecursionError, InputError) as error:
        raise DamagedChunkError(f"{path} does not describe a job.") from error
    return record


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except FileNotFoundError:
        return


def _remove(path: Path) -> int:
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(path)
        return 0
    path.unlink(missing_ok=True)
    return found.st_size
