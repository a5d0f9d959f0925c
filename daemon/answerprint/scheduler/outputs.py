"""Which files the jobs that have not ended are to write, so that no two of them write one: by whatever name.

Two names are of one file where they lead into one folder and are the same there: through links, and in another case of
letters where the disk does not tell cases apart. To see that takes looks at the disk, which can hang for as long as
a share does. So there are two steps: `look`, beside all else, and `take`, in the journal's thread, which only compares.
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
    """What a job is to write. names: before and after a frame number, or a whole name and nothing.

    folder: device and inode of where it goes, None where that is not known. folds: whether other cases of the letters
    are the same name there. part: of a sequence, which frames of which source.
    """

    folder: Identity | None
    names: tuple[str, ...]
    folds: bool
    part: tuple[str, str | None] | None

    @property
    def key(self) -> tuple[str, ...]:
        """The same for all names that any disk may take for one."""
        return tuple(_folded(name) for name in self.names)

    def meets(self, other: Claim) -> bool:
        """Whether both come to write the same file."""
        if None in (self.folder, other.folder) or self.folder != other.folder or self.key != other.key:
            return False
        if self.names != other.names and not (self.folds or other.folds):
            return False
        # Parts of one sequence may be made by several jobs.
        return self.part is None or other.part is None or _overlap(self.part, other.part)


class Outputs:
    """The claims of all jobs that have not ended. One that has is found out, and forgotten, when another meets it."""

    def __init__(self, folds: Callable[[Path], bool] | None = None) -> None:
        self._folds = folds or folds_case
        self._lock = threading.Lock()
        self._by_key: dict[tuple[str, ...], dict[str, tuple[Path, Claim]]] = {}

    def add(self, jobs: Iterable[JobRecord]) -> None:
        """Take up jobs of an earlier time; what their folders are is looked up when it matters."""
        for job in jobs:
            output, claim = _named(job.kind, job.request)
            self._keep(job.id, output, claim)

    def look(self, kind: str, request: Message) -> Claim:
        """The claim of a job, and those of the same name made comparable with it. It may hang where a disk does."""
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
        """Let a job write what it claims. Raises OutputError where another that has not ended is to write it.

        find: the job with that id, if it is there and has not ended.
        """
        with self._lock:
            same = dict(self._by_key.get(claim.key, {}))
        for other, (_, theirs) in same.items():
            if other == job.id or not claim.meets(theirs):
                continue
            found = find(other)
            if found is None:
                with self._lock:
                    self._by_key.get(claim.key, {}).pop(other, None)
                continue
            raise OutputError(
                f"Job {found.number} is to write {found.output}, which is the same file as {job.output}.",
                "Choose another name, or cancel that job first.",
            )
        self._keep(job.id, _named(job.kind, job.request)[0], claim)

    def _keep(self, job: str, output: Path, claim: Claim) -> None:
        with self._lock:
            self._by_key.setdefault(claim.key, {})[job] = (output, claim)


def folds_case(folder: Path) -> bool:
    """Whether names that differ in the case of letters are one name there, tried with a file of ours."""
    try:
        trial = temporary_beside(folder / "trial")
    except OSError:
        return True  # nothing can be written there anyway
    try:
        return trial.with_name(trial.name.upper()).exists()
    finally:
        trial.unlink(missing_ok=True)


def _named(kind: str, request: Message) -> tuple[Path, Claim]:
    """The folder that a job writes into, and its claim as far as names tell."""
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
        return False  # of two sources the numbers are not known
    if one[1] is None or other[1] is None:
        return True
    first, second = _frames(one[1]), _frames(other[1])
    if first is None or second is None:
        return False  # timecodes, which only the media tell
    return first[0] < second[1] and second[0] < first[1]


def _frames(text: str) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(text.strip())
    return (int(match[1] or 0), int(match[2] or _NO_END)) if match else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
