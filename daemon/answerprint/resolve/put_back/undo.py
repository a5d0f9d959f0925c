"""Removes from the project what the ledger says we made and the project says is still ours, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from answerprint.resolve.api import MediaPoolItem, Resolve
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.import_clip import find_bin
from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from answerprint.resolve.put_back.modes import MODES, POOL
from answerprint.resolve.put_back.outcome import Outcome, Report
from answerprint.resolve.put_back.project_cache import Clips
from answerprint.resolve.put_back.task import UndoTask
from answerprint.resolve.put_back.track_cache import items, ours_on
from answerprint.resolve.put_back.ui_state import preserve_ui_state, save

__all__ = ["undo"]


def undo(resolve: Resolve, job: str, ledger: Ledger, report: Report | None = None) -> Outcome:
    """Remove a job's clip from every place it was put; the restored file stays on disk. Idempotent.

    Its places include those where the same frames were put later, without a job of their own; the id of such a place
    removes that one alone. What the user made of the clip, such as a copy of the item, stays, with a warning. Raises
    ResolveError if another project is open, or if something could not be removed; then call it again. Also raises what
    `put_back_session` raises.
    """
    report = Report() if report is None else report
    with ledger.locked():
        record = ledger.read(job)
        places = [each for each in _places(ledger, job, record) if each.progress != "undone" or each.imported]
        if not places:
            report.info("undo", "There is nothing to undo.")
            if record is None:
                return Outcome(job, "", "nothing", POOL, None, tuple(report.steps))
            return Outcome(job, record.path, "nothing", record.asked, None, tuple(report.steps))
        record = record or places[-1]
        project = resolve.project()
        if any(project.id() != each.project for each in places):
            raise ResolveError(
                f"The clip was put into another project than {project.name()}.", "Open that project, then undo again."
            )
        for each in places:
            ledger.write(replace(each, doing="undo"))
        with preserve_ui_state(resolve, project, report):
            tasks = [UndoTask(resolve, project, ledger, each, report) for each in places]
            # A clip can only be deleted once no place uses it.
            for task in tasks:
                for mode in reversed(MODES.values()):
                    if mode.undo is not None:
                        mode.undo(task)
            kept = {task.record.job: _clear_pool(task) for task in tasks}
            for task in tasks:
                _check_timeline(task)
            # Once Resolve has quit, it answers that nothing is there.
            if resolve.project().id() != record.project:
                raise ResolveError("Another project was opened meanwhile.", "Open the first one, then undo again.")
            saved = any(each.saved for each in places) and save(resolve, project, report)
        for path in dict.fromkeys(each.path for each in places):
            report.info("file", f"The restored file stays: {path}")
        for each in places:
            ledger.write(replace(_undone(each, kept=kept[each.job]), saved=saved))
        return Outcome(job, record.path, "undone", record.asked, None, tuple(report.steps), saved=saved)


def _places(ledger: Ledger, job: str, record: LedgerRecord | None) -> list[LedgerRecord]:
    """The records of all places where a job's frames were put, its own last."""
    if record is not None and record.of:
        return [record]
    others = [each for each in ledger.records() if each.job != job and job in each.of]
    return [*others, *([] if record is None else [record])]


def _undone(record: LedgerRecord, *, kept: bool) -> LedgerRecord:
    """The record after an undo. It still names bins and tracks that we made, which other jobs may use.

    kept: the clip stays in the media pool because something else uses it; the next undo deletes it.
    """
    return replace(
        record, progress="undone", doing="", clip=record.clip if kept else "", item="", imported=kept, take=False,
        take_before=0, replaced={}, hidden=False, notes={},
    )  # fmt: skip


def _clear_pool(task: UndoTask) -> bool:
    """Delete the clip from the media pool, and empty bins that we added; whether the clip stays for another use."""
    if task.record.replaced:
        return False
    clip, stays = task.clip(), False
    if clip is not None:
        stays = _delete_clip(task, clip)
    elif task.record.clip:
        task.report.info("pool", "Its clip is no longer in the media pool.")
    _delete_bins(task)
    return stays


def _delete_clip(task: UndoTask, clip: MediaPoolItem) -> bool:
    report = task.report
    if not task.record.imported:
        report.info("pool", "The clip stays in the media pool: it was there before.")
        return False
    if (other := _other_use(task)) is not None:
        task.ledger.write(replace(other, imported=True))
        report.info("pool", "The clip stays in the media pool: another place uses it. Undoing that one removes it.")
        return False
    used = sum(len(ours_on(timeline, clip.id())) for timeline in task.project.timelines())
    if used:
        report.warn("pool", f"The clip stays in the media pool: it is used {used} times elsewhere.")
        return True
    pool = task.project.pool()
    pool.delete_clips([clip])
    if Clips(pool).with_id(task.record.clip or clip.id()) is not None:
        raise task.not_removed(f"the clip {clip.name()} from the media pool")
    report.info("pool", "Removed from the media pool.")
    return False


def _other_use(task: UndoTask) -> LedgerRecord | None:
    """Another place where the same file was put, and which is not being undone."""
    record = task.record
    for each in task.ledger.records():
        there = each.progress in ("begun", "done") and each.doing != "undo"
        if there and each.job != record.job and (each.path, each.project) == (record.path, record.project):
            return each
    return None


def _delete_bins(task: UndoTask) -> None:
    pool = task.project.pool()
    records = [task.record, *(each for each in task.ledger.records() if each.project == task.record.project)]
    for path in sorted({name for each in records for name in each.bins}, key=len, reverse=True):
        folder, missing = find_bin(pool, path.split("/", 1))
        if not missing and not folder.clips() and not folder.folders():
            pool.delete_folders([folder])


def _check_timeline(task: UndoTask) -> None:
    """Raise ResolveError if an item of ours is still on the timeline."""
    timeline = task.timeline()
    for found in () if timeline is None else items(timeline, task.record.track):
        if task.owns(found):
            raise task.not_removed(f"the item on video track {found.track}")
