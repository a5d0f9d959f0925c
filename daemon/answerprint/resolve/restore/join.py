"""Restores only the missing frames of a clip that was restored before and now needs more of its source.

The daemon then joins the earlier files and the new parts into one file, without encoding a frame again. Chunks follow
absolute frames of the source, so the texture continues across the joins.
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
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.frames.codecs import codec_named
from answerprint.frames.frame import FrameRange
from answerprint.resolve.conform.handles import retrim
from answerprint.resolve.restore.job import Planned, make_job
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["Earlier", "JoinPlan", "can_join", "join_plan_of", "join_whole", "part_jobs"]

_KEY = "answerprint_whole"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A file that was restored before, with the source frames that it holds.

    job: the one that made it, if any. units: ids of the clips that it was put back as, or joined from.
    """

    path: str
    frames: FrameRange
    job: JobRecord | None = None
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """The file that several jobs are parts of. id: of the joining job. request: restores all of it."""

    id: str
    output: str
    parts: tuple[Earlier, ...]
    request: Mapping[str, Any]

    def to_text(self) -> str:
        """JSON for the editor's notes of a job."""
        parts = [[each.path, each.frames.start, each.frames.stop] for each in self.parts]
        return json.dumps({"id": self.id, "output": self.output, "parts": parts, "request": dict(self.request)})


def join_plan_of(job: JobRecord) -> JoinPlan | None:
    """The plan that a job is a part of; None for a job that stands alone. Raises InputError if it cannot be read."""
    text = job.clip.editor.get(_KEY)
    if text is None:
        return None
    try:
        said = json.loads(text)
        parts = tuple(Earlier(path, FrameRange(first, stop)) for path, first, stop in said["parts"])
        return JoinPlan(said["id"], said["output"], parts, said["request"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The join plan of job {job.number} cannot be read ({error}).") from error


def part_jobs(planned: Planned, preferences: RestoreSettings, earlier: list[Earlier]) -> list[NewJob] | None:
    """Jobs for the missing frames of a clip that is not `reused`; None if all frames are missing, or files of the codec
    cannot be joined. Raises InputError.
    """
    asked = FrameRange(planned.place.restored_first, planned.place.restored_stop)
    missing = retrim(asked, [each.frames for each in earlier])
    if not missing or missing == [asked] or not can_join(preferences):
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
    request = {**make_job(planned, preferences).request, "range": f"{asked.start}:{asked.stop}"}
    whole = JoinPlan(planned.id, planned.output, tuple(held), request)
    jobs = []
    for each, part in parts:
        job = make_job(each, replace(preferences, sidecar=False))  # the joined file has one
        first, editor = planned.media_first, {**job.clip.editor, _KEY: whole.to_text()}
        frames = FrameRange(part.start - first, part.stop - first)
        clip = replace(job.clip, range=frames, handles=(0, 0), editor=editor)
        jobs.append(replace(job, clip=clip, request={**job.request, **clip.settings()}))
    return jobs


def can_join(preferences: RestoreSettings) -> bool:
    """Whether restored files can be joined without encoding again; not known of a codec that the source decides."""
    return preferences.codec != LIKE_SOURCE and codec_named(preferences.codec).can_join


def join_whole(client: Client, whole: JoinPlan) -> None:
    """Have the daemon join the parts, unless the file exists; then remove the new parts.

    The job has the plan's own id: several callers share one job, and it continues without them. Raises
    AnswerprintError.
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
        # Only parts restored for this file; the other files belong to their own jobs.
        if Path(each.path).name.startswith(f".{output.stem}.part"):
            with contextlib.suppress(OSError):  # harmless if it stays
                Path(each.path).unlink(missing_ok=True)


def _await_end(client: Client, job: JobRecord) -> None:
    """Wait until a job is done. Raises JobFailedError if it fails, is cancelled, or is paused."""
    if client.info().suspended:
        raise JobFailedError(
            "The queue is suspended. The parts are joined once it resumes.", "Run: answerprint queue resume"
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
