"""Puts finished clips back, many in one session: shared facts are read once, and the project is saved once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from answerprint.resolve.api import Resolve
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from answerprint.resolve.put_back.media_pool_clip import import_restored
from answerprint.resolve.put_back.modes import MODES, POOL, mode_named
from answerprint.resolve.put_back.outcome import Outcome, PlacementError, Report, State
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.put_back.project_cache import ProjectCache
from answerprint.resolve.put_back.task import PutBackOptions, PutBackTask
from answerprint.resolve.put_back.ui_state import preserve_ui_state
from answerprint.resolve.put_back.ui_state import save as save_project

__all__ = ["PutBackSession", "put_back_session"]


@contextmanager
def put_back_session(resolve: Resolve, ledger: Ledger, *, save: bool = True) -> Iterator[PutBackSession]:
    """Keep other processes from putting clips back, and open the user's page, timeline and bin again at the end.

    At the end the project is saved, if it has a name and `save` is True, and each clip is looked up once more; only
    then does it count as done. If a session ends early, the next one finds what it put back and leaves it as it is.
    Raises ResolveError, LedgerLockedError, StorageError, JournalError, InputError.
    """
    with ledger.locked(), ExitStack() as stack:
        session = PutBackSession(resolve, ledger, stack)
        yield session
        session.finish(save)


class PutBackSession:
    """Belongs to the project of its first clip. Keep it short: it assumes that little changes between two clips."""

    def __init__(self, resolve: Resolve, ledger: Ledger, stack: ExitStack) -> None:
        """stack: what to restore at the end."""
        self._resolve, self._ledger, self._stack = resolve, ledger, stack
        self._cache: ProjectCache | None = None
        self._report = Report()
        self._changed = False
        self._tasks: dict[str, PutBackTask] = {}
        """By job: what to look up at the end."""

    def put(
        self,
        place: Placement,
        job: str,
        path: str,
        *,
        mode: str | None = None,
        again: bool = False,
        hide_original: bool = False,
        origin: Mapping[str, str] | None = None,
        report: Report | None = None,
        of: tuple[str, ...] = (),
    ) -> Outcome:
        """Put a restored file where its place says; if it cannot go there, it stays in the media pool, with the reason.

        path: the file, or a sequence's pattern. mode: name of a mode, instead of the place's own. again: also a clip
        that was removed since. hide_original: disable the original below an item on a new track. origin: source,
        model and version, kept with the clip. report: receives the steps, which stay readable if this raises.

        After any crash, of this program or of Resolve, a second call goes on where the first one stopped, and leaves
        one clip and one item. `final` says after the session whether the project was saved.

        of: the jobs that restored the file, if it was put back for them already. It is then put back once more, unless
        it is there just as asked; the outcome names the job that it is there for.
        """
        cache = self._open(place)
        report = Report() if report is None else report
        if of and (found := self._find(cache, place, path, PutBackOptions(mode or place.mode), report)) is not None:
            return found
        if job in self._tasks:
            return _already(replace(self._tasks[job], report=report))
        record = self._ledger.read(job)
        fresh = LedgerRecord(
            job, path, cache.id, place.timeline, place.item, place.mode, mode or place.mode, of=of,
            first=place.restored_first, stop=place.restored_stop,
        )  # fmt: skip
        options = PutBackOptions(mode, again, hide_original, origin)
        task = PutBackTask(cache, place, path, self._ledger, record or fresh, report, options)
        if record is not None and (settled := _settled(task)):
            if settled.state == "already" and not record.saved:
                self._tasks[job] = task
            return settled
        if record is not None and (record.progress != "begun" or record.mode != fresh.mode):
            task.record = _restarted(fresh, record)
        if not self._changed:
            self._stack.enter_context(preserve_ui_state(self._resolve, cache.project, self._report))
            self._changed = True
        task.update(mode=(did := _put(task)), progress="done", doing="")
        self._tasks[job] = task
        return _outcome(task, "put", did)

    def finish(self, save: bool) -> None:
        """Save the project, look up each clip, and write the result to the ledger. Raises ResolveError."""
        if self._cache is None or not self._tasks:
            return
        self._cache.check()
        saved = save and save_project(self._resolve, self._cache.project, self._report)
        if saved:
            self._cache.recount()
        for task in self._tasks.values():
            task.save(saved=saved and mode_named(task.record.mode).is_present(task))

    def final(self, outcome: Outcome) -> Outcome:
        """An outcome of this session as it is after the end. Warnings about all clips go with the last one."""
        if outcome.job not in self._tasks or outcome.state not in ("put", "already"):
            return outcome
        last = outcome.job == next(reversed(self._tasks))
        steps = (*outcome.steps, *self._report.steps) if last else outcome.steps
        return replace(outcome, saved=self._tasks[outcome.job].record.saved, steps=steps)

    def check(self) -> None:
        """Raise NoResolveError if Resolve has quit: then a missing clip says nothing."""
        self._resolve.project()

    def _find(
        self, cache: ProjectCache, place: Placement, path: str, options: PutBackOptions, report: Report
    ) -> Outcome | None:
        """The outcome of an earlier put-back of this file, if that is in the project just as asked now."""
        for record in self._ledger.records():
            if record.path != path or record.project != cache.id:
                continue
            task = self._tasks.get(record.job) or PutBackTask(cache, place, path, self._ledger, record, report, options)
            task = replace(task, place=place, options=options, report=report)
            if task.record.progress == "done" and _is_as_asked(task):
                if not task.record.saved:
                    self._tasks[record.job] = task
                return _already(task)
        return None

    def _open(self, place: Placement) -> ProjectCache:
        """The open project. Raises ResolveError if the place belongs to another one."""
        if self._cache is None:
            self._cache = ProjectCache(self._resolve, self._resolve.project())
        cache = self._cache
        if place.project and cache.id != place.project:
            raise ResolveError(
                f"The clip {place.name} belongs to the project {place.project_name}; {cache.project.name()} is open.",
                f"Open {place.project_name}, then use Bring Back Finished.",
            )
        cache.begin()
        return cache


def _put(task: PutBackTask) -> str:
    """Put a clip back by its record's mode, or into the media pool if it cannot go there; returns the mode used."""
    mode = mode_named(task.record.mode)
    if task.place.item or not mode.imports:
        try:
            mode.put(task)
            return mode.name
        except PlacementError as refused:
            task.cache.check()
            task.report.warn(mode.name, f"{refused} The restored clip is in the media pool.")
    import_restored(task)
    return POOL


def _settled(task: PutBackTask) -> Outcome | None:
    """The outcome if there is nothing left to do for a clip; None if it is to be put back."""
    record, again = task.record, task.options.again
    if record.progress == "undone" or record.doing == "undo":
        if again:
            return None
        task.report.info("undone", f"It was undone. To put it back: answerprint resolve finish {record.job} --again")
        return _outcome(task, "undone", None)
    if record.progress == "begun":
        return None
    moves = again and task.options.mode not in (None, record.mode)
    if record.progress == "done" and not moves and mode_named(record.mode).is_present(task):
        return _already(task)
    if again or (record.progress == "done" and not record.saved):
        return None
    task.cache.check()
    task.save(progress="removed")
    task.report.info(
        "removed", f"It was removed in Resolve. To put it back again: answerprint resolve finish {record.job} --again"
    )
    return _outcome(task, "removed", None)


def _is_as_asked(task: PutBackTask) -> bool:
    """Whether the project has the record's clip in the mode and at the place that are asked for now."""
    record, place, asked = task.record, task.place, mode_named(task.options.mode or task.place.mode)
    if asked.name == POOL:
        return record.mode in MODES and MODES[record.mode].imports and task.clip() is not None
    if record.mode != asked.name or (record.timeline, record.place_item) != (place.timeline, place.item):
        return False
    return (asked.is_shown or asked.is_present)(task)


def _already(task: PutBackTask) -> Outcome:
    task.report.info("already", "It is in the project already.")
    return _outcome(task, "already", task.record.mode)


def _outcome(task: PutBackTask, state: State, did: str | None) -> Outcome:
    record = task.record
    return Outcome(
        record.job,
        task.path,
        state,
        task.place.mode,
        did,
        tuple(task.report.steps),
        record.clip,
        record.item,
        record.saved,
    )


def _restarted(fresh: LedgerRecord, before: LedgerRecord) -> LedgerRecord:
    """A new record that remembers what an earlier one made, so undo still removes it."""
    return replace(
        fresh,
        clip=before.clip,
        imported=before.imported,
        bins=before.bins,
        track=before.track,
        track_made=before.track_made,
        take_before=before.take_before,
        take=before.take,
        replaced=before.replaced,
        hidden=before.hidden,
        notes=before.notes,
    )
