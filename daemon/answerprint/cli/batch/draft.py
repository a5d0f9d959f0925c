"""A job that somebody asked for, before it is known to be possible, and all that is wrong with many of them.

Names of outputs for files that are restored with one command.

Files that Answerprint has made: `*.mov` names them as well, and nobody means to restore them once more.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.errors import InputError
from answerprint.frames.sequence import find_sequence, names_a_sequence, split_number
from answerprint.scheduler.preflight import check_restore

__all__ = ["OWN", "Draft", "Mistake", "Mistakes", "finish", "is_made_here", "output_for"]

OWN = ("label", "priority", "not_before")
"""What a job has beside the settings of the restoration."""

_PRIORITIES = range(-100, 101)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was asked for. place: where, such as jobs.yaml:12. values: fields of a RestoreRequest."""

    place: str
    values: Mapping[str, object]
    label: str = ""
    priority: int = 0
    not_before: float | None = None

    @classmethod
    def of(cls, place: str, values: Mapping[str, Any]) -> Draft:
        """Divide values into the settings of the restoration and those of the job."""
        settings = {name: value for name, value in values.items() if name not in OWN}
        return cls(place, settings, **{name: values[name] for name in OWN if name in values})


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is wrong, and where."""

    place: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.remedy}".rstrip()


@dataclass(slots=True)
class Mistakes:
    """All that was found; nothing is queued while there is one."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, place: str, error: InputError) -> None:
        """Note what is wrong at a place."""
        self.found.append(Mistake(place, error.message, error.remedy))


def finish(drafts: Sequence[Draft], mistakes: Mistakes) -> list[NewJob]:
    """Return the jobs that are possible, and note what is wrong with the others; two must not have one output."""
    jobs: list[NewJob] = []
    outputs: dict[str, Draft] = {}
    for draft in drafts:
        try:
            request = RestoreRequest.from_json(draft.values)
            check_restore(request, folder_comes=True)
            _check_priority(draft.priority)
            other = outputs.setdefault(_same_file(request.output), draft)
            if other is not draft:
                raise InputError(f"{request.output} is the output of {other.place} as well.", "Give each its own.")
        except InputError as error:
            mistakes.add(draft.place, error)
            continue
        jobs.append(
            NewJob(
                str(uuid.uuid4()),
                "restore",
                request.to_json(),
                label=draft.label,
                priority=draft.priority,
                not_before=draft.not_before,
            )
        )
    return jobs


def _check_priority(priority: int) -> None:
    if priority not in _PRIORITIES:
        raise InputError(
            f"The priority cannot be {priority}.", f"Give a number from {_PRIORITIES[0]} to {_PRIORITIES[-1]}."
        )


def _same_file(output: str) -> str:
    """Different for different files, whatever names they go by."""
    path = Path(output)
    return os.path.normcase(path.parent.resolve() / path.name)


def output_for(source: Path, *, folder: Path | None, suffix: str, extension: str) -> Path:
    """Return the output of an absolute source: its name with a suffix, beside it or in another folder.

    The number of a sequence is left out: plate.%04d.png gives plate_restored.mov. An extension may have one of its
    own, such as .%04d.png.
    """
    name = source.name if source.is_dir() else source.stem
    stem = "".join(split_number(name) or (name,)).rstrip("._- ") or "clip"
    dot = "" if extension.startswith(".") else "."
    return (folder or source.parent) / f"{stem}{suffix}{dot}{extension}"


_MARK = b"answerprint_version"
"""A key of the metadata that every result carries; Matroska writes it in capitals."""
_LOOK_BYTES = 1 << 17
"""At both ends of a file, where metadata lie: headers first, QuickTime's index and TIFF's directory last."""


def is_made_here(source: Path) -> bool:
    """Whether a file, or the first picture of a sequence, says that Answerprint made it. Raises nothing.

    Only the ends of a file are read, as bytes: this program opens no media. A file that cannot be read says nothing.
    """
    try:
        file = find_sequence(source).files[0] if names_a_sequence(source) else source
        with file.open("rb") as stream:
            head = stream.read(_LOOK_BYTES)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(len(head), size - _LOOK_BYTES))
            return _MARK in head.lower() or _MARK in stream.read().lower()
    except (OSError, InputError, ValueError):
        return False
