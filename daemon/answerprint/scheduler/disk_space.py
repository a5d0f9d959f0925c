"""Disk space: how much a job needs, and whether there is enough."""

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
    """What one disk needs to hold. folder: a folder on it."""

    folder: Path
    bytes: int
    what: str


def find_shortage(job: JobRecord, estimate: Mapping[str, object], scratch: Path) -> StorageError | None:
    """The error for a disk that is too full for the rest of a job; None if there is enough space.

    Chunks and deliverable exist at the same time, so on one disk they add up. Call it in a thread: disks are slow.
    """
    try:
        for need in _needs(job, estimate, scratch):
            free, needed = room(need.folder), need.bytes + spare_room(need.folder)
            if free < needed:
                return DiskFullError(
                    f"{need.what} up to {size_text(need.bytes)}; {need.folder} has {size_text(free)} free.",
                    "Free some space there; the job then resumes by itself.",
                    needed_bytes=needed,
                    folder=str(need.folder),
                )
    except OSError as error:
        return storage_error(error, scratch)
    return None


def has_room(folder: str, needed_bytes: int) -> bool:
    """Whether the disk of a folder has this many bytes free; False if unknown. The folder may be gone."""
    try:
        return room(Path(folder)) >= max(needed_bytes, _LEAST_BYTES)
    except OSError:
        return False


def _needs(job: JobRecord, estimate: Mapping[str, object], scratch: Path) -> list[_Need]:
    left = _bytes(estimate, "scratch_bytes") * (job.frames_total - job.frames_done) // max(1, job.frames_total)
    chunks = _Need(scratch, left, "The chunks of this job need")
    result = _Need(Path(job.output).parent, _bytes(estimate, "output_bytes"), "The output of this job needs")
    if not result.folder.is_dir():
        return [chunks]  # the disk is not connected: an error when the output is written
    if result.folder.stat().st_dev != _existing(scratch).stat().st_dev:
        return [chunks, result]
    return [_Need(scratch, chunks.bytes + result.bytes, "The chunks and the output of this job need")]


def _bytes(estimate: Mapping[str, object], name: str) -> int:
    value = estimate.get(name)
    return value if isinstance(value, int) else 0


def _existing(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)
