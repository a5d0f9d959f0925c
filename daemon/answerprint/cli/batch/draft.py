"""Jobs before they are checked, the mistakes in them, the names of their outputs, and sources to skip.

A pattern such as `*.mov` also matches files that Answerprint made, which nobody means to restore again.
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
from answerprint.scheduler.preflight import LONGEST_NAME, check_restore
from answerprint.text import shortened

__all__ = ["OWN", "Draft", "Mistake", "Mistakes", "finish", "is_made_here", "output_for"]

OWN = ("label", "priority", "not_before")
"""Settings of a job that are not settings of its restoration."""

_PRIORITIES = range(-100, 101)


@dataclass(frozen=True, slots=True)
class Draft:
    """A job as requested. place: where, such as jobs.yaml:12. values: fields of a RestoreRequest."""

    place: str
    values: Mapping[str, object]
    label: str = ""
    priority: int = 0
    not_before: float | None = None

    @classmethod
    def of(cls, place: str, values: Mapping[str, Any]) -> Draft:
        """Split values into settings of the restoration and settings of the job."""
        settings = {name: value for name, value in values.items() if name not in OWN}
        return cls(place, settings, **{name: values[name] for name in OWN if name in values})


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error, and where it is."""

    place: str
    message: str
    remedy: str = ""

    @property
    def line(self) -> int:
        """Of the job file; 0 for another place."""
        number = self.place.rpartition(":")[2]
        return int(number) if number.isdecimal() else 0

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.remedy}".rstrip()


@dataclass(slots=True)
class Mistakes:
    """All errors that were found; nothing is queued if there are any."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, place: str, error: InputError) -> None:
        """Add an error at a place."""
        self.found.append(Mistake(place, error.message, error.remedy))


def finish(drafts: Sequence[Draft], mistakes: Mistakes) -> list[NewJob]:
    """Return the valid jobs, and add the errors of the others; two jobs must not have the same output."""
    jobs: list[NewJob] = []
    outputs: dict[str, Draft] = {}
    for draft in drafts:
        try:
            request = RestoreRequest.from_json(draft.values)
            check_restore(request, create_folder=True)
            _check_priority(draft.priority)
            other = outputs.setdefault(_same_file(request.output), draft)
            if other is not draft:
                raise InputError(
                    f"{request.output} is already the output of {other.place}.", "Give each job its own output."
                )
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
        raise InputError(f"Invalid priority: {priority}.", f"Give a number from {_PRIORITIES[0]} to {_PRIORITIES[-1]}.")


def _same_file(output: str) -> str:
    """A key that is equal for different paths of the same file."""
    path = Path(output)
    return os.path.normcase(path.parent.resolve() / path.name)


def output_for(source: Path, *, folder: Path | None, suffix: str, extension: str) -> Path:
    """Return the output of an absolute source: its name with a suffix, beside it or in another folder.

    The frame number of a sequence is dropped: plate.%04d.png gives plate_restored.mov. The extension may contain a
    frame number, such as .%04d.png. A name that becomes too long for a file is cut before the suffix.
    """
    name = source.name if source.is_dir() else source.stem
    stem = "".join(split_number(name) or (name,)).rstrip("._- ") or "clip"
    end = f"{suffix}{'' if extension.startswith('.') else '.'}{extension}"
    return (folder or source.parent) / (shortened(stem, LONGEST_NAME - len(os.fsencode(end))) + end)


_MARK = b"answerprint_version"
"""A metadata key of every deliverable; Matroska writes it in capitals."""
_SEARCH_BYTES = 1 << 17
"""Searched at both ends of a file: headers are at the start, QuickTime's index and TIFF's directory at the end."""


def is_made_here(source: Path) -> bool:
    """Whether a file, or the first image of a sequence, is marked as made by Answerprint. Raises nothing.

    Reads only the ends of the file, as bytes: this process opens no media. False if the file cannot be read.
    """
    try:
        file = find_sequence(source).files[0] if names_a_sequence(source) else source
        with file.open("rb") as stream:
            head = stream.read(_SEARCH_BYTES)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(len(head), size - _SEARCH_BYTES))
            return _MARK in head.lower() or _MARK in stream.read().lower()
    except (OSError, InputError, ValueError):
        return False
