"""A job that somebody asked for, before it is known to be possible, and all that is wrong with many of them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from answerprint.errors import InputError
from answerprint.frames.request import RestoreRequest
from answerprint.jobs.api import NewJob
from answerprint.jobs.preflight import check_restore

__all__ = ["OWN", "Draft", "Mistake", "Mistakes", "finish"]

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
