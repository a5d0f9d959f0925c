"""A clip that was restored before and now needs more of its source: only what is missing is restored.

The new file is then joined of the earlier one and the new parts, none of whose frames is encoded again; chunks follow
absolute frames of the source, so its texture goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from answerprint.api.job import ENDED, JobRecord, JobState
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.errors import InputError, JobFailedError
from answerprint.frames.codecs import codec_named
from answerprint.frames.frame import FrameRange
from answerprint.resolve.conform.handles import retrim
from answerprint.resolve.restore.job import Planned, make_job
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["Earlier", "JoinPlan", "join_plan_of", "join_whole", "part_jobs"]

_KEY = "answerprint_whole"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A file that was restored before, with the source frames that it holds.

    job: that made it, where one did. units: what it was put back as, or was joined of.
    """

    path: str
    frames: FrameRange
    job: JobRecord | None = None
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """What several jobs are parts of. id: of it, as if it were a job. request: of a restoration of all of it."""

    id: str
    output: str
    parts: tuple[Earlier, ...]
    request: Mapping[str, Any]

    def to_text(self) -> str:
        """For the map that a job carries for its editor."""
        parts = [[each.path, each.frames.start, each.frames.stop] for each in self.parts]
        return json.dumps({"id": self.id, "output": self.output, "parts": parts, "request": dict(self.request)})


def join_plan_of(job: JobRecord) -> JoinPlan | None:
    """What a job is a part of; None for one that stands alone. Raises InputError."""
    text = job.clip.editor.get(_KEY)
    if text is None:
        return None
    try:
        said = json.loads(text)
        parts = tuple(Earlier(path, FrameRange(first, stop)) for path, first, stop in said["parts"])
        return JoinPlan(said["id"], said["output"], parts, said["request"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"What job {job.number} is a part of cannot be read ({error}).") from error


def part_jobs(planned: Planned, wishes: RestoreSettings, earlier: list[Earlier]) -> list[NewJob] | None:
    """The jobs for what is missing of a clip that is not `reused`; None where nothing of it is there, or it cannot be
    joined: then all of it is missing. Raises InputError.
    """
    asked = FrameRange(planned.place.restored_first, planned.place.restored_stop)
    missing = retrim(asked, [each.frames for each in earlier])
    if not missing or missing == [asked] or not codec_named(wishes.codec).can_join:
        return None
    output = Path(planned.output)
    parts = [
        (
            replace(
                planned,
                id=str(uuid.uuid4()),
                output=str(output.with_name(f".{output.stem}.part{number}{output.suffix}")),
            ),
            part,
        )
        for number, part in enumerate(missing, 1)
    ]
    held = [*earlier, *(Earlier(each.output, part) for each, part in parts)]
    request = {**make_job(planned, wishes).request, "range": f"{asked.start}:{asked.stop}"}
    whole = JoinPlan(planned.id, planned.output, tuple(held), request)
    jobs = []
    for each, part in parts:
        job = make_job(each, wishes)
        first, editor = planned.media_first, {**job.clip.editor, _KEY: whole.to_text()}
        frames = FrameRange(part.start - first, part.stop - first)
        clip = replace(job.clip, range=frames, handles=(0, 0), editor=editor)
        jobs.append(replace(job, clip=clip, request={**job.request, **clip.settings()}))
    return jobs


def join_whole(client: Client, whole: JoinPlan) -> None:
    """Have the daemon join the parts, unless that was done before; then the new parts go.

    The job has the whole's own id: however many ask for it, it is one job, and it goes on by itself when they are gone.
    Raises AnswerprintError.
    """
    if not os.path.lexists(whole.output):
        parts = [[each.path, each.frames.start, each.frames.stop] for each in whole.parts]
        request = {**whole.request, "output": whole.output, "parts": parts}
        new = NewJob(whole.id, "restore", request, label=f"{Path(whole.output).name}, joined"[:256])
        job, _ = client.submit(new)
        if job.state is JobState.DONE:  # and its file was removed since
            client.delete(job.id)
            job, _ = client.submit(new)
        elif job.state in ENDED:
            job = client.retry(job.id)
        _await_end(client, job)
    output = Path(whole.output)
    for each in whole.parts:
        # What was restored for this file alone; other files that it was joined of are their jobs' own.
        if Path(each.path).name.startswith(f".{output.stem}.part"):
            with contextlib.suppress(OSError):  # it is of no more use, and in nobody's way
                Path(each.path).unlink(missing_ok=True)


def _await_end(client: Client, job: JobRecord) -> None:
    """Wait until a job is done. Raises JobFailedError when it fails, or waits for a person."""
    if client.info().suspended:
        raise JobFailedError(
            "The queue is suspended: the parts are joined when it goes on.", "Run: answerprint queue resume"
        )
    if job.state is not JobState.PAUSED:
        for happening in client.watch(job.id, job.last_sequence, progress=False):
            if happening.event.get("state") == JobState.PAUSED.value:
                break
    job = client.get(job.id)
    if job.state is not JobState.DONE:
        problem = job.problem or {}
        raise JobFailedError(
            str(problem.get("message") or f"Job {job.number}, which joins the parts, is {job.state.value}."),
            str(problem.get("remedy") or f"Run: answerprint jobs show {job.number}"),
        )
