"""What determines the picture of a job, as one hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from answerprint.errors import MediaError
from answerprint.frames import Cadence, FieldOrder
from answerprint.frames.clip import is_rgb

if TYPE_CHECKING:
    from answerprint.worker.resolved_job import ResolvedJob

__all__ = ["fingerprint_of", "size_and_time"]

_COUNTED = frozenset(
    {
        "model",
        "task",
        "scale",
        "size",
        "strength",
        "steps",
        "seed",
        "chunk",
        "noise",
        "consistency",
        "options",
        "device",
        "working_space",
    }
)
"""Settings that the fingerprint has in a form of its own, or that change no picture. All others count as they are."""


def fingerprint_of(job: ResolvedJob) -> str:
    """SHA-256 of everything that determines the picture.

    The source counts by the sizes and modification times of its files: hashing all of it could take too long.
    """
    request, info = job.request, job.info
    identity = {
        "source": [size_and_time(file) for file in job.source_files(job.frames)],
        "clip": [info.width, info.height, str(info.rate), info.frames, str(job.frames)],
        "model": [job.entry.name, *sorted(job.weights.values())],
        "task": request.task,
        "size": job.size,
        "seed": request.seed,
        "strength": request.strength,
        "choices": asdict(job.choices),
    }
    identity |= {name: value for name, value in request.changed().items() if name not in _COUNTED}
    if request.clip.levels:
        identity["levels"] = request.clip.levels
    if info.orientation != 1:
        identity["orientation"] = info.orientation
    if info.levels == "tv" and is_rgb(info.pixel_format):
        identity["levels"] = "video of R'G'B'"
    if job.working_space.curve is not None:
        identity["working_space"] = job.working_space.name
    if info.interlaced:
        identity["fields"] = info.field_order.value
    if info.field_order is FieldOrder.MIXED and info.mostly is not FieldOrder.PROGRESSIVE:
        identity["fields in doubt"] = info.mostly.value
    if info.cadence is not Cadence.FRAME:
        identity["cadence"] = info.cadence.value
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def size_and_time(file: Path) -> tuple[int, int]:
    """Size in bytes and modification time in ns, which identify a source file. Raises MediaError."""
    try:
        status = file.stat()
    except OSError as error:
        raise MediaError(f"{file} cannot be read ({error.strerror}).", "Check the path.") from error
    return status.st_size, status.st_mtime_ns
