"""A clip that was restored before and now needs more of its source: only what is missing is restored.

The new file is then joined of the earlier one and the new parts, none of whose frames is encoded again; chunks follow
absolute frames of the source, so its texture goes on.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...child import command
from ...errors import InputError, JobFailedError, RemoteError
from ...frames.frame import FrameRange
from ...home import logs_folder
from ...jobs.api import NewJob
from ...jobs.log import create_log
from ...jobs.process import ChildProcess
from ...store.records import JobRecord, JobState
from ..putting.place import Place
from ..reading.handles import retrim
from .submit import Planned, job_of
from .wishes import Wishes

__all__ = ["Earlier", "Whole", "earlier_of", "join_whole", "part_jobs", "whole_of"]

_KEY = "answerprint_whole"
_JOINED = frozenset({"prores4444", "prores-hq"})
"""Codecs whose frames can be joined as they are."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A file that was restored before, with the source frames that it holds. job: that made it, where one did."""

    path: str
    frames: FrameRange
    job: JobRecord | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """What several jobs are parts of. id: of it, as if it were a job. request: of a restoration of all of it."""

    id: str
    output: str
    parts: tuple[Earlier, ...]
    request: Mapping[str, Any]

    def to_text(self) -> str:
        """For the map that a job carries for its editor."""
        parts = [[each.path, each.frames.start, each.frames.stop] for each in self.parts]
        return json.dumps({"id": self.id, "output": self.output, "parts": parts, "request": dict(self.request)})


def whole_of(job: JobRecord) -> Whole | None:
    """What a job is a part of; None for one that stands alone. Raises InputError."""
    text = (job.clip.get("editor") or {}).get(_KEY)
    if text is None:
        return None
    try:
        said = json.loads(text)
        parts = tuple(Earlier(path, FrameRange(first, stop)) for path, first, stop in said["parts"])
        return Whole(said["id"], said["output"], parts, said["request"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"What job {job.number} is a part of cannot be read ({error}).") from error


def earlier_of(planned: Planned, wishes: Wishes, jobs: Iterable[JobRecord]) -> list[Earlier]:
    """Files that hold frames of the same source, restored in the same way for the same project, the latest first."""
    wanted = _way(job_of(planned, wishes).request)
    found = []
    for job in sorted(jobs, key=lambda each: -each.number):
        if job.state is not JobState.DONE or _way(job.request) != wanted or _changed_since(planned.media, job):
            continue
        place, whole = Place.from_editor(job.clip.get("editor") or {}), whole_of(job)
        path = job.output if whole is None else whole.output
        if place is None or place.project != planned.place.project or not Path(path).is_file():
            continue
        found.append(Earlier(path, FrameRange(place.restored_first, place.restored_stop), job))
    return found


def part_jobs(planned: Planned, wishes: Wishes, earlier: list[Earlier]) -> list[NewJob] | None:
    """The jobs for what is missing; [] where nothing is, None where nothing of it is there or it cannot be joined."""
    asked = FrameRange(planned.place.restored_first, planned.place.restored_stop)
    missing = retrim(asked, [each.frames for each in earlier])
    if missing == [asked] or wishes.codec not in _JOINED:
        return None
    if not missing and any(asked.start >= each.frames.start and asked.stop <= each.frames.stop for each in earlier):
        return []
    output = Path(planned.output)
    parts = [
        (replace(planned, id=str(uuid.uuid4()), output=str(output.with_name(f".{output.stem}.part{number}.mov"))), part)
        for number, part in enumerate(missing, 1)
    ]
    held = [*earlier, *(Earlier(each.output, part) for each, part in parts)]
    request = {**job_of(planned, wishes).request, "range": f"{asked.start}:{asked.stop}"}
    whole = Whole(planned.id, planned.output, tuple(held), request)
    jobs = []
    for each, part in parts:
        job = job_of(each, wishes)
        clip = {name: value for name, value in job.clip.items() if name not in ("handle_before", "handle_after")}
        first = planned.media_first
        clip["range"] = {"first": str(part.start - first), "stop": str(part.stop - first)}
        clip["editor"] = {**job.clip["editor"], _KEY: whole.to_text()}
        jobs.append(replace(job, clip=clip))
    return jobs


def join_whole(whole: Whole) -> None:
    """Put the parts together, unless that was done before; then the new parts go. Raises AnswerprintError."""
    if not os.path.lexists(whole.output):
        parts = [[each.path, each.frames.start, each.frames.stop] for each in whole.parts]
        message = {"type": "join", "request": {**whole.request, "output": whole.output}, "parts": parts}
        try:
            log = create_log(logs_folder(), "join")
        except OSError as error:
            raise JobFailedError(f"No log can be written ({error.strerror}).", "Make room on the disk.") from error
        with ChildProcess(command("join"), message, log) as child:
            for event in child.events():  # noqa: B007 - the last one is the answer
                pass
        if event["event"] == "error":
            raise RemoteError.from_event(event)
    for each in whole.parts:
        if Path(each.path).name.startswith("."):
            Path(each.path).unlink(missing_ok=True)


_OTHER = ("input", "output", "range", "overwrite", "device")


def _way(request: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the picture of a frame, besides the source's content."""
    same = {name: value for name, value in request.items() if name not in _OTHER}
    # How the source is read counts where it changes the picture; where its frames lie in time does not.
    read = {name: value for name, value in (request.get("interpret") or {}).items() if name in ("levels", "fields")}
    return {**same, "interpret": read, "input": request["input"]}


def _changed_since(media: str, job: JobRecord) -> bool:
    try:
        return job.created < Path(media).stat().st_mtime
    except OSError:
        return False  # a sequence's pattern
