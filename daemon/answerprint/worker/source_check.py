"""The source of a job stays the one it was: looked at wherever pictures or sound of it become part of a result."""

from __future__ import annotations

from answerprint.frames import FrameRange
from answerprint.worker.resolved_job import ResolvedJob, SourceChangedError, size_and_time

__all__ = ["SameSource", "changed"]


class SameSource:
    """The files of an order's source, as they were when this was made.

    Make it before the order's fingerprint is taken: then whatever changes between the two is noticed as well.
    """

    def __init__(self, order: ResolvedJob) -> None:
        """Raises MediaError for a file that is not there."""
        self._order = order
        self._files = order.source_files(order.frames)
        self._before = {file: size_and_time(file) for file in self._files}

    def check(self, frames: FrameRange | None = None) -> None:
        """Raise SourceChangedError when files of these frames (None: of all) are others now, MediaError when gone.

        frames: of a sequence, so that a border costs as many looks at the disk as its chunk has pictures.
        """
        files = self._files if frames is None else self._order.source_files(frames)
        if any(size_and_time(file) != self._before[file] for file in files):
            raise changed(self._order)


def changed(order: ResolvedJob) -> SourceChangedError:
    """What to say of a source that is not the one that finished chunks are of."""
    return SourceChangedError(
        f"{order.info.path.name} or the model has changed since the first frames were restored.",
        "The clip is restored again from its first frame.",
    )
