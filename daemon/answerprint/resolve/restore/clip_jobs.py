"""The jobs of a project, grouped by clip: most clips are one job, some are several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from answerprint.api.job import JobRecord, JobState
from answerprint.client.client import Client
from answerprint.errors import InputError
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.join import JoinPlan, join_plan_of

__all__ = ["ClipJobs", "clip_jobs_of", "place_of"]


@dataclass(frozen=True, slots=True)
class ClipJobs:
    """A restored clip and its jobs. id: of its job, or of the join plan that its jobs are parts of. path: of the file.

    of: ids of the clips that it was made from, if it has no job of its own.
    """

    id: str
    place: Placement
    path: str
    jobs: tuple[JobRecord, ...]
    whole: JoinPlan | None = None
    of: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether all its jobs are done."""
        return all(job.state is JobState.DONE for job in self.jobs)

    @property
    def failed(self) -> JobRecord | None:
        """Its first job that failed or was cancelled."""
        return next((job for job in self.jobs if job.state in (JobState.FAILED, JobState.CANCELLED)), None)

    def is_one_of(self, ids: Iterable[str]) -> bool:
        """Whether it, or one of its jobs, is named."""
        named = set(ids)
        return self.id in named or any(job.id in named for job in self.jobs)


def place_of(job: JobRecord) -> Placement | None:
    """Where a job's clip belongs; None if the job was not made in Resolve. Raises InputError for a newer form."""
    return Placement.from_editor(job.clip.editor)


def clip_jobs_of(client: Client, project: str) -> list[ClipJobs]:
    """The clips that belong into a project, the oldest first."""
    found: dict[str, ClipJobs] = {}
    for job in sorted(client.all_jobs(), key=lambda each: each.number):
        try:
            place, whole = place_of(job), join_plan_of(job)
        except InputError:  # from a newer program, which puts it back
            continue
        if place is None or place.project != project:
            continue
        if whole is None:
            found[job.id] = ClipJobs(job.id, place, job.output, (job,))
        else:
            before = found[whole.id].jobs if whole.id in found else ()
            found[whole.id] = ClipJobs(whole.id, place, whole.output, (*before, job), whole)
    return list(found.values())
