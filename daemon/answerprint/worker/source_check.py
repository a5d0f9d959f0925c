"""Detect a source that changes while its job runs; checked wherever its pictures or sound enter a result."""

from __future__ import annotations

from answerprint.errors import JobFailedError
from answerprint.frames import FrameRange
from answerprint.worker.fingerprint import size_and_time
from answerprint.worker.resolved_job import ResolvedJob

__all__ = ["SameSource", "SourceChangedError", "changed"]


class SourceChangedError(JobFailedError):
    """The source or the model changed since the finished chunks were made."""

    code = "source_changed"


class SameSource:
    """The files of a job's source, as they were when this object was created.

    Create it before computing the job's fingerprint, so that a change between the two is noticed as well.
    """

    def __init__(self, resolved: ResolvedJob) -> None:
        """Raises MediaError if a file is missing."""
        self._resolved = resolved
        self._files = resolved.source_files(resolved.frames)
        self._before = {file: size_and_time(file) for file in self._files}

    def check(self, frames: FrameRange | None = None) -> None:
        """Raise SourceChangedError if a file of these frames (None: of all) changed, MediaError if it is missing.

        Pass `frames` for a sequence, so that each chunk checks only its own pictures.
        """
        files = self._files if frames is None else self._resolved.source_files(frames)
        if any(size_and_time(file) != self._before[file] for file in files):
            raise changed(self._resolved)


def changed(resolved: ResolvedJob) -> SourceChangedError:
    """The error for a source or model that differs from that of the finished chunks."""
    return SourceChangedError(
        f"{resolved.info.path.name} or the model has changed since the first frames were restored.",
        "The clip is restored again from its first frame.",
    )
