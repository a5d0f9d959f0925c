"""Room on disk: what a job will take, and whether there is so much where it will take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from answerprint.api.job import JobRecord
from answerprint.errors import DiskFullError, StorageError
from answerprint.store.quota import room, size_text, spare_room, storage_error

__all__ = ["find_shortage", "has_room"]

_LEAST_BYTES = 1 << 20


@dataclass(slots=True)
class _Need:
    """What one disk has to hold. folder: one on it."""

    folder: Path
    bytes: int
    what: str


def find_shortage(job: JobRecord, estimate: Mapping[str, object], scratch: Path) -> StorageError | None:
    """What is missing for the rest of a job: for its chunks, and for its deliverable; None for nothing.

    Both are there at the same time, so on one disk they count together. For a thread: disks may be slow.
    """
    try:
        for need in _needs(job, estimate, scratch):
            free, needed = room(need.folder), need.bytes + spare_room(need.folder)
            if free < needed:
                return DiskFullError(
                    f"{need.what} up to {size_text(need.bytes)}; {need.folder} has {size_text(free)}.",
                    "Make room there; the job then goes on by itself.",
                    needed_bytes=needed,
                    folder=str(need.folder),
                )
    except OSError as error:
        return storage_error(error, scratch)
    return None


def has_room(folder: str, needed_bytes: int) -> bool:
    """Whether a folder, or where it was, has so many bytes free; False where that cannot be known."""
    try:
        return room(Path(folder)) >= max(needed_bytes, _LEAST_BYTES)
    except OSError:
        return False


def _needs(job: JobRecord, estimate: Mapping[str, object], scratch: Path) -> list[_Need]:
    left = _bytes(estimate, "scratch_bytes") * (job.frames_total - job.frames_done) // max(1, job.frames_total)
    chunks = _Need(scratch, left, "The chunks of this job take")
    result = _Need(Path(job.output).parent, _bytes(estimate, "output_bytes"), "The result of this job takes")
    if not result.folder.is_dir():
        return [chunks]  # on a disk that was taken away: said when the result is written
    if result.folder.stat().st_dev != _existing(scratch).stat().st_dev:
        return [chunks, result]
    return [_Need(scratch, chunks.bytes + result.bytes, "The chunks of this job and its result take")]


def _bytes(estimate: Mapping[str, object], name: str) -> int:
    value = estimate.get(name)
    return value if isinstance(value, int) else 0


def _existing(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)
