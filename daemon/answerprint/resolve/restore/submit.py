"""Restoring a selection as a whole: plan it, queue it, and say what became of each clip."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from answerprint.api.job import UNFINISHED, JobRecord, JobState
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.errors import AnswerprintError, InputError, NoDaemonError
from answerprint.home import state_folder
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.facts import Refusal
from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.put_back import Outcome
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.restore.clip_jobs import ClipJobs, place_of
from answerprint.resolve.restore.finish import put_clips
from answerprint.resolve.restore.job import Planned, make_job
from answerprint.resolve.restore.join import join_plan_of, part_jobs
from answerprint.resolve.restore.otio_check import OtioReadings
from answerprint.resolve.restore.output_names import Taken
from answerprint.resolve.restore.own_clips import OwnClip, OwnClips
from answerprint.resolve.restore.plan import Refused, RestorePlan, plan_restore
from answerprint.resolve.restore.probe import MediaBook
from answerprint.resolve.restore.render import Renderer
from answerprint.resolve.restore.reuse import earlier_of, reused
from answerprint.resolve.restore.settings import RestoreSettings, remember_settings

__all__ = ["Queued", "Said", "keep_settings", "queue_selection", "settings_folder"]


_ONLY_MISSING = "It was restored before: only the frames that are missing are restored, and joined to the others."
_ALL_OF_IT = "Resolve renders all of the clip: it is restored whole, not only between In and Out."


@dataclass(slots=True)
class Queued:
    """What became of a selection.

    jobs: with what was planned for each. reused: clips of which all was restored before: put back at once. refused:
    clips that are not restored.
    """

    plan: RestorePlan
    jobs: list[tuple[Planned, JobRecord]] = field(default_factory=list)
    reused: list[Outcome] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Said:
    """What a front end is told as it happens: each may be left out."""

    queued: Callable[[Planned, JobRecord], None] = lambda planned, job: None
    refused: Callable[[Refused], None] = lambda refused: None
    reused: Callable[[Planned, Outcome], None] = lambda planned, outcome: None
    busy: Callable[[str], None] = lambda text: None


def queue_selection(
    resolve: Resolve,
    client: Client,
    choice: SelectionRule,
    wishes: RestoreSettings,
    said: Said = Said(),
    *,
    again: bool = False,
    through: bool = False,
    graded: bool = False,
) -> Queued:
    """Queue a job for each clip of a selection that can be restored; what was wished is kept for the next time.

    again: also what was restored before; otherwise only what is missing of it is. through: let Resolve render what
    cannot be read here. graded: let it render everything, as it is seen.

    One clip that is refused, by us or by the daemon, keeps no other from being restored. Raises SelectionError for a
    selection of nothing, ResolveError, NoDaemonError.
    """
    taken = [job.output for job in client.all_jobs(list(UNFINISHED))]
    media = MediaBook(client.describe_all)
    ledger = Ledger()
    records, done = ledger.records(), list(client.all_jobs([JobState.DONE]))
    ours = OwnClips(records, (_made(job) for job in done if not job.request.get("parts")))
    made = plan_restore(resolve, choice, wishes, media, taken, OtioReadings(resolve, media), ours)
    result = Queued(made)
    planned_ones = list(made.planned)
    refused_ones = list(made.refused)
    if made.timeline is not None and (through or graded):
        renderer = Renderer(
            resolve,
            media,
            wishes,
            made.timeline,
            Taken([*taken, *(each.output for each in planned_ones)]),
            said.busy,
        )
        planned_ones, refused_ones = _render(renderer, made, graded=graded)
    for refused in refused_ones:
        _refuse(refused, result, said)
    wanted: list[tuple[Planned, NewJob]] = []
    restored: list[tuple[Planned, ClipJobs]] = []
    for planned in planned_ones:
        try:
            earlier = [] if again else earlier_of(planned, wishes, done, records)
            unit = reused(planned, wishes, earlier, records)
            parts = part_jobs(planned, wishes, earlier) if unit is None else None
            if unit is not None:
                restored.append((planned, unit))
            elif parts:
                wanted += [(replace(planned, notes=(*planned.notes, _ONLY_MISSING)), new) for new in parts]
            else:
                wanted.append((planned, make_job(planned, wishes)))
        except InputError as error:
            _refuse(_refused(planned, error), result, said)
    _submit(client, wanted, result, said)
    # Asked for anew, it is brought back even where its user took it out since.
    outcomes = put_clips(resolve, client, [unit for _, unit in restored], ledger, again=True) if restored else []
    for (planned, _), outcome in zip(restored, outcomes, strict=True):
        result.reused.append(outcome)
        said.reused(planned, outcome)
    if result.jobs:
        keep_settings(result.jobs[0][0].place.project, wishes)
    return result


def _render(renderer: Renderer, made: RestorePlan, *, graded: bool) -> tuple[list[Planned], list[Refused]]:
    """What Resolve renders of a plan is planned; the rest stays as it was."""
    planned = [] if graded else list(made.planned)
    refused: list[Refused] = []
    wanted = [made.items[each.place.item] for each in made.planned if graded and each.place.item in made.items]
    for each in made.refused:
        if each.refusal.renderable and each.facts is not None:
            wanted.append(each.facts)
        else:
            refused.append(each)
    for facts in wanted:
        try:
            found = renderer.plan(facts, seen=graded)
        except AnswerprintError as error:
            if error.code in ("no_resolve", "resolve_hangs", "cancelled"):
                raise
            found = Refusal(error.code, error.message, error.remedy)
        if isinstance(found, Refusal):
            refused.append(Refused(facts.name, facts.id, facts.track, round(facts.start or 0), found, facts))
        else:
            note = (_ALL_OF_IT,) if facts.id in made.parts else ()
            planned.append(replace(found, notes=(*found.notes, *note)))
    return planned, refused


def _submit(client: Client, wanted: Sequence[tuple[Planned, NewJob]], result: Queued, said: Said) -> None:
    """Queue jobs, in the order of the timeline; what the daemon refuses is refused."""
    for (planned, _), answer in zip(wanted, client.submit_all(new for _, new in wanted), strict=True):
        if not isinstance(answer, AnswerprintError):
            result.jobs.append((planned, answer[0]))
            said.queued(planned, answer[0])
        elif isinstance(answer, NoDaemonError):
            raise answer
        else:
            _refuse(_refused(planned, answer), result, said)


def _refused(planned: Planned, error: AnswerprintError) -> Refused:
    place = planned.place
    record = place.record if place.item else None
    return Refused(place.name, place.item, place.track, record, Refusal(error.code, error.message, error.remedy))


def _refuse(refused: Refused, result: Queued, said: Said) -> None:
    result.refused.append(refused)
    said.refused(refused)


def _made(job: JobRecord) -> OwnClip:
    try:
        whole, place = join_plan_of(job), place_of(job)
    except InputError:  # of a newer program, or damaged: its file is ours all the same
        return OwnClip(job.id, job.output, None)
    return OwnClip(job.id, job.output, place) if whole is None else OwnClip(whole.id, whole.output, place)


def settings_folder() -> Path:
    """Where the last wishes of each project are kept."""
    return state_folder() / "resolve" / "wishes"


def keep_settings(project: str, wishes: RestoreSettings) -> None:
    """Keep them for the next time, as far as the disk lets us: without them it begins with the defaults."""
    with contextlib.suppress(OSError):
        remember_settings(settings_folder(), project, wishes)
