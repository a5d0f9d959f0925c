"""Finds files that hold frames of a clip restored before, and whether they hold all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from answerprint.api.clip_ref import CLIP_WORDS
from answerprint.api.job import JobRecord, JobState
from answerprint.errors import AnswerprintError, InputError
from answerprint.frames.frame import FrameRange
from answerprint.frames.sequence import find_sequence, names_a_sequence
from answerprint.resolve.conform.handles import retrim
from answerprint.resolve.put_back.ledger import LedgerRecord
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.clip_jobs import ClipJobs
from answerprint.resolve.restore.job import Planned, make_job
from answerprint.resolve.restore.join import Earlier, JoinPlan, can_join, join_plan_of
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["earlier_of", "reused"]


def earlier_of(
    planned: Planned, preferences: RestoreSettings, jobs: Iterable[JobRecord], records: Iterable[LedgerRecord] = ()
) -> list[Earlier]:
    """Files with frames of the same source, restored with the same settings for the same project, the latest first.

    records: of the ledger, which also knows joined files. Raises InputError for settings that no restoration has.
    """
    wanted = _way(make_job(planned, preferences).request)
    units: dict[str, Earlier] = {}
    for job in sorted(jobs, key=lambda each: -each.number):
        if job.state is not JobState.DONE or _way(job.request) != wanted or _changed_since(planned.clip.media, job):
            continue
        try:
            place, whole = Placement.from_editor(job.clip.editor), join_plan_of(job)
        except InputError:  # from a newer program, or damaged: skipped
            continue
        if place is None or place.project != planned.place.project:
            continue
        path, unit = (job.output, job.id) if whole is None else (whole.output, whole.id)
        units.setdefault(unit, Earlier(path, FrameRange(place.restored_first, place.restored_stop), job, (unit,)))
    known = {each.path for each in units.values()}
    joined = {
        record.path: Earlier(record.path, FrameRange(record.first, record.stop), units[record.of[0]].job, record.of)
        for record in records
        if record.project == planned.place.project
        and record.path not in known
        and 0 <= record.first < record.stop
        and record.of
        and all(unit in units for unit in record.of)
    }
    return [each for each in (*units.values(), *joined.values()) if _is_whole(each)]


def _is_whole(earlier: Earlier) -> bool:
    """Whether its file exists; for a sequence, every picture."""
    path = Path(earlier.path)
    if not names_a_sequence(path):
        return path.is_file()
    try:
        return len(find_sequence(path).files) == len(earlier.frames)
    except AnswerprintError:
        return False


def reused(
    planned: Planned, preferences: RestoreSettings, earlier: Sequence[Earlier], records: Iterable[LedgerRecord] = ()
) -> ClipJobs | None:
    """All of a clip from files that were restored before: from one that holds it all, or joined from several.

    records: of the ledger; a file that was already put back at this place is preferred. None if frames are missing, or
    files of that codec cannot be joined. Raises InputError.
    """
    place = planned.place
    asked = FrameRange(place.restored_first, place.restored_stop)
    clip = make_job(planned, preferences).clip
    here = {
        record.path
        for record in records
        if record.progress == "done"
        and (record.timeline, record.place_item, record.mode) == (place.timeline, place.item, place.mode)
    }
    for each in sorted(earlier, key=lambda each: each.path not in here):
        if each.job is not None and asked.start >= each.frames.start and asked.stop <= each.frames.stop:
            held = replace(place, restored_first=each.frames.start, restored_stop=each.frames.stop)
            return ClipJobs(planned.id, held, each.path, (replace(each.job, clip=clip),), of=each.units)
    used = [each for each in earlier if each.frames.start < asked.stop and each.frames.stop > asked.start]
    if not can_join(preferences) or retrim(asked, [each.frames for each in used]):
        return None
    request = {**make_job(planned, preferences).request, "range": f"{asked.start}:{asked.stop}"}
    whole = JoinPlan(planned.id, planned.output, tuple(used), request)
    jobs = tuple(replace(each.job, clip=clip) for each in used if each.job is not None)
    of = tuple(dict.fromkeys(unit for each in used for unit in each.units))
    return ClipJobs(planned.id, place, planned.output, jobs, whole, of)


_OTHER = ("input", "output", "range", "overwrite", "device", "sidecar", "framemd5")


def _way(request: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide a frame's picture, and whether it has sound."""
    same = {name: value for name, value in request.items() if name not in _OTHER}
    # Of the interpretation, levels, colour and fields change the picture; rate and timecode do not.
    deciding = ("levels", "colour_space", "gamma", "sound", *CLIP_WORDS)
    read = {name: value for name, value in (request.get("interpret") or {}).items() if name in deciding}
    return {**same, "interpret": read, "input": request["input"]}


def _changed_since(media: str, job: JobRecord) -> bool:
    try:
        return job.created < Path(media).stat().st_mtime
    except OSError:
        return False  # a sequence's pattern
