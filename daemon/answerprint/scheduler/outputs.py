"""Keeps two unfinished jobs from writing the same file, even under different names.

Two paths are the same file if their folders are the same, also through links, and their names are equal there: on some
disks, regardless of case. Finding out needs the disk, and a network share can hang. So there are two steps: `resolve`
reads the disk, in a thread; `take` only compares, in the journal's thread.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from answerprint.api.job import JobRecord
from answerprint.errors import OutputError
from answerprint.frames.sequence import SequencePattern
from answerprint.ipc.messages import Message
from answerprint.store.atomic import temporary_beside
from answerprint.store.open_folder import Identity, identity

__all__ = ["Claim", "Outputs", "folds_case"]

_RANGE = re.compile(r"(\d*):(\d*)", re.ASCII)
_NO_END = 2**62


@dataclass(frozen=True, slots=True)
class Claim:
    """The file or sequence that a job will write.

    names: the parts before and after the frame number, or a whole name. folder: device and inode, None if unknown.
    folds: whether names in that folder ignore case. part: for a sequence, the source and its range of frames.
    """

    folder: Identity | None
    names: tuple[str, ...]
    folds: bool
    part: tuple[str, str | None] | None

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for all names that some disk may treat as the same."""
        return tuple(_folded(name) for name in self.names)

    def conflicts(self, other: Claim) -> bool:
        """Whether both would write the same file."""
        if None in (self.folder, other.folder) or self.folder != other.folder or self.key != other.key:
            return False
        if self.names != other.names and not (self.folds or other.folds):
            return False
        # Several jobs may write different parts of one sequence.
        return self.part is None or other.part is None or _overlap(self.part, other.part)


class Outputs:
    """The claims of all unfinished jobs. The claim of an ended job is dropped when another conflicts with it."""

    def __init__(self, folds: Callable[[Path], bool] | None = None) -> None:
        self._folds = folds or folds_case
        self._lock = threading.Lock()
        self._by_key: dict[tuple[str, ...], dict[str, tuple[Path, Claim]]] = {}

    def add(self, jobs: Iterable[JobRecord]) -> None:
        """Add the jobs from before the start; their folders are resolved when needed."""
        for job in jobs:
            output, claim = _named(job.kind, job.request)
            self._keep(job.id, output, claim)

    def resolve(self, kind: str, request: Message) -> Claim:
        """Return the claim of a job, and resolve claims with the same name. Reads the disk, which may hang."""
        output, claim = _named(kind, request)
        with self._lock:
            same = dict(self._by_key.get(claim.key, {}))
        claim = replace(claim, folder=identity(output))
        for job, (other, theirs) in same.items():
            if theirs.folder is None:
                theirs = replace(theirs, folder=identity(other))
                self._keep(job, other, theirs)
            if theirs.folder == claim.folder and theirs.names != claim.names:
                claim = replace(claim, folds=claim.folds or self._folds(output))
        return claim

    def take(self, job: JobRecord, claim: Claim, find: Callable[[str], JobRecord | None]) -> None:
        """Register the claim of a job. Raises OutputError if another unfinished job writes the same file.

        find: returns the job with an id, None unless it exists and is unfinished.
        """
        with self._lock:
            same = dict(self._by_key.get(claim.key, {}))
        for other, (_, theirs) in same.items():
            if other == job.id or not claim.conflicts(theirs):
                continue
            found = find(other)
            if found is None:
                with self._lock:
                    self._by_key.get(claim.key, {}).pop(other, None)
                continue
            raise OutputError(
                f"Job {found.number} already writes {found.output}, which is the same file as {job.output}.",
                "Choose another name, or cancel that job first.",
            )
        self._keep(job.id, _named(job.kind, job.request)[0], claim)

    def _keep(self, job: str, output: Path, claim: Claim) -> None:
        with self._lock:
            self._by_key.setdefault(claim.key, {})[job] = (output, claim)


def folds_case(folder: Path) -> bool:
    """Whether names in a folder ignore case, tested with a temporary file."""
    try:
        trial = temporary_beside(folder / "trial")
    except OSError:
        return True  # not writable anyway
    try:
        return trial.with_name(trial.name.upper()).exists()
    finally:
        trial.unlink(missing_ok=True)


def _named(kind: str, request: Message) -> tuple[Path, Claim]:
    """The output folder of a job, and its claim without what the disk tells."""
    output = Path(str(request["output"]))
    if kind == "preview":
        return output, Claim(None, (f"{Path(str(request['input'])).stem}-", ".png"), False, None)
    pattern = SequencePattern.parse(output) if "%" in output.name else None
    if pattern is None:
        return output.parent, Claim(None, (output.name,), False, None)
    part = (str(request["input"]), request.get("range"))
    return output.parent, Claim(None, (pattern.prefix, pattern.suffix), False, part)


def _overlap(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    """Whether two parts of a sequence may have a frame in common."""
    if one[1] == other[1]:
        return True
    if one[0] != other[0]:
        return False  # frame numbers of different sources are unknown
    if one[1] is None or other[1] is None:
        return True
    first, second = _frames(one[1]), _frames(other[1])
    if first is None or second is None:
        return False  # timecodes, unknown without the media
    return first[0] < second[1] and second[0] < first[1]


def _frames(text: str) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(text.strip())
    return (int(match[1] or 0), int(match[2] or _NO_END)) if match else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
