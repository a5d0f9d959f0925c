"""Finished clips into the project, many at a time: what they share is asked once, and the project is saved once.

What is done for one clip, and when there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from answerprint.resolve.api import Resolve
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from answerprint.resolve.put_back.media_pool_clip import import_restored, same_rate
from answerprint.resolve.put_back.outcome import Outcome, PlacementError, Report, State
from answerprint.resolve.put_back.placement import Mode, Placement
from answerprint.resolve.put_back.project_cache import ProjectCache
from answerprint.resolve.put_back.replace_clip import put_in_place
from answerprint.resolve.put_back.take import our_take, put_as_take, shows_take
from answerprint.resolve.put_back.task import PutBackOptions, PutBackTask
from answerprint.resolve.put_back.track import clear_track, lies_over, put_on_track
from answerprint.resolve.put_back.track_cache import ours_on, same_media
from answerprint.resolve.put_back.ui_state import preserve_ui_state
from answerprint.resolve.put_back.ui_state import save as save_project

__all__ = ["PutBackSession", "is_as_wished", "is_there", "outcome_of", "put", "put_back_session", "settled"]


def put(work: PutBackTask) -> Mode:
    """Put it where its record says, or into the media pool where it cannot be there; where it is now."""
    mode = work.record.mode
    if mode == "replace":
        try:
            put_in_place(work)
            return mode
        except PlacementError as refused:
            _say_refused(work, "replace", refused)
    brought = import_restored(work)
    if mode in ("pool", "replace") or not work.place.item:
        return "pool"
    if not same_rate(brought.properties.get("FPS", ""), work.place.rate):
        work.steps.warn(mode, "So the clip stays in the media pool: at that rate no frame is where it belongs.")
        return "pool"
    try:
        if mode == "track":
            put_on_track(work, brought)
        else:
            put_as_take(work, brought)
        return mode
    except PlacementError as refused:
        _say_refused(work, mode, refused)
    lanes = work.known.timeline(work.place.timeline)
    if mode == "track" and lanes is not None:
        clear_track(work, lanes, brought)
    return "pool"


def settled(work: PutBackTask) -> Outcome | None:
    """What is to be said where nothing is to be done any more."""
    record, again = work.record, work.asked.again
    if record.progress == "undone" or record.doing == "undo":
        if again:
            return None
        work.steps.say("undone", "It was taken out again: ask for it to be brought back all the same.")
        return outcome_of(work, "undone", None)
    if record.progress == "begun":
        return None
    if record.progress == "done" and not (again and work.asked.mode not in (None, record.mode)) and is_there(work):
        work.steps.say("already", "It is in the project already.")
        return outcome_of(work, "already", record.mode)
    if again or (record.progress == "done" and not record.saved):
        return None
    work.known.check()
    work.note(progress="removed")
    work.steps.say("removed", "It was put back, and removed in Resolve since: ask for it to be brought back again.")
    return outcome_of(work, "removed", None)


def is_there(work: PutBackTask) -> bool:
    """Whether the project has what the record says that it was given."""
    known, record = work.known, work.record
    clip = known.clips.of_job(record.job, work.path)
    if clip is None:
        return False
    if record.mode == "replace":
        return same_media(clip.property("File Path"), work.path)
    if record.mode == "pool":
        return True
    lanes = known.timeline(record.timeline)
    if lanes is None:
        return False
    if record.mode == "take":
        item = lanes.item(record.place_item, work.place.track)
        return item is not None and bool(our_take(item.item, clip.id()))
    marked = lanes.marked(record.job, record.item, record.track, record.record)
    return marked is not None or bool(ours_on(lanes.timeline, clip.id(), record.track))


def is_as_wished(work: PutBackTask) -> bool:
    """Whether what its record says is in the project, and is what is wished for: that mode at that place."""
    record, place, wished = work.record, work.place, work.asked.mode
    if wished == "pool":
        return record.mode != "replace" and work.known.clips.of_job(record.job, work.path) is not None
    if record.mode != wished or (record.timeline, record.place_item) != (place.timeline, place.item):
        return False
    return lies_over(work) if wished == "track" else is_there(work) and (wished != "take" or shows_take(work))


def outcome_of(work: PutBackTask, state: State, did: Mode | None) -> Outcome:
    """What can be said of it now."""
    record = work.record
    return Outcome(
        record.job,
        work.path,
        state,
        work.place.mode,
        did,
        tuple(work.steps.taken),
        record.clip,
        record.item,
        record.saved,
    )


def _say_refused(work: PutBackTask, what: str, refused: PlacementError) -> None:
    work.known.check()  # nothing may be concluded from what a Resolve that ended does not say
    work.steps.warn(what, f"{refused} The restored clip is in the media pool.")


@contextmanager
def put_back_session(resolve: Resolve, ledger: Ledger, *, save: bool = True) -> Iterator[PutBackSession]:
    """Nobody else puts clips back meanwhile, and Resolve is left on the page, timeline and bin where it was.

    At its end the project is saved, where it has a name and `save` is True, and each clip that was put back is looked
    for once more; only then is it known to be done. What a session that ended otherwise had put back is found by the
    next one, which leaves it as it is. Raises ResolveError, BusyError, StorageError, JournalError, InputError.
    """
    with ledger.held(), ExitStack() as stack:
        made = PutBackSession(resolve, ledger, stack)
        yield made
        made.end(save)


class PutBackSession:
    """Of one project, from the first clip on: between two clips no more may happen than a few seconds allow."""

    def __init__(self, resolve: Resolve, ledger: Ledger, stack: ExitStack) -> None:
        """stack: of what is to be undone at the end."""
        self._resolve, self._ledger, self._stack = resolve, ledger, stack
        self._known: ProjectCache | None = None
        self._steps = Report()
        self._changed = False
        self._works: dict[str, PutBackTask] = {}
        """By job: what is to be saved and looked for at the end."""

    def put(
        self,
        place: Placement,
        job: str,
        path: str,
        *,
        mode: Mode | None = None,
        again: bool = False,
        hide_original: bool = False,
        origin: Mapping[str, str] | None = None,
        steps: Report | None = None,
        of: tuple[str, ...] = (),
    ) -> Outcome:
        """Put a restored file where its place says; what cannot lie there stays in the media pool, with the reason.

        path: the file, or a sequence's pattern. mode: instead of the place's own. again: also what was taken out
        since. hide_original: switch it off, where the clip is laid over it. origin: source, model and version, kept
        with the clip. steps: filled as they are taken, to be read when this raises.

        Called again after any end, of this program or of Resolve, it goes on, and leaves one clip and one item.
        Whether it is saved, `ended` says after the end.

        of: the jobs that restored it, where it was put back for them already: it is then put there once more, unless
        just that is there; the outcome names the job that it is there for.
        """
        known = self._enter(place)
        steps = Report() if steps is None else steps
        if of and (there := self._there(known, place, path, PutBackOptions(mode or place.mode), steps)) is not None:
            return there
        if job in self._works:
            work = replace(self._works[job], steps=steps)
            steps.say("already", "It is in the project already.")
            return outcome_of(work, "already", work.record.mode)
        record = self._ledger.read(job)
        fresh = LedgerRecord(
            job, path, known.id, place.timeline, place.item, place.mode, mode or place.mode, of=of,
            first=place.restored_first, stop=place.restored_stop,
        )  # fmt: skip
        asked = PutBackOptions(mode, again, hide_original, origin)
        work = PutBackTask(known, place, path, self._ledger, record or fresh, steps, asked)
        if record is not None and (found := settled(work)):
            if found.state == "already" and not record.saved:
                self._works[job] = work
            return found
        if record is not None and (record.progress != "begun" or record.mode != fresh.mode):
            # Bins and tracks that an earlier time made are still ours to remove.
            work.record = _afresh(fresh, record)
        if not self._changed:
            self._stack.enter_context(preserve_ui_state(self._resolve, known.project, self._steps))
            self._changed = True
        work.learn(mode=(did := put(work)), progress="done", doing="")
        self._works[job] = work
        return outcome_of(work, "put", did)

    def end(self, save: bool) -> None:
        """Save, look for each clip, and keep in the ledger what became of it. Raises ResolveError."""
        if self._known is None or not self._works:
            return
        # A Resolve that ended says of everything that it is not there: nothing may be concluded from that.
        self._known.check()
        saved = save and save_project(self._resolve, self._known.project, self._steps)
        if saved:
            self._known.recount()
        for work in self._works.values():
            work.note(saved=saved and is_there(work))

    def ended(self, outcome: Outcome) -> Outcome:
        """An outcome of this session's after its end. What is said of all of them goes with the last one."""
        if outcome.job not in self._works or outcome.state not in ("put", "already"):
            return outcome
        last = outcome.job == next(reversed(self._works))
        steps = (*outcome.steps, *self._steps.taken) if last else outcome.steps
        return replace(outcome, saved=self._works[outcome.job].record.saved, steps=steps)

    def check(self) -> None:
        """Raises NoResolveError where Resolve has ended: then nothing is wrong with a clip that is not there."""
        self._resolve.project()

    def _there(
        self, known: ProjectCache, place: Placement, path: str, asked: PutBackOptions, steps: Report
    ) -> Outcome | None:
        """What was put back of this very file before, if it is there and just what is wished now."""
        for record in self._ledger.records():
            if record.path != path or record.project != known.id:
                continue
            work = self._works.get(record.job) or PutBackTask(known, place, path, self._ledger, record, steps, asked)
            work = replace(work, place=place, asked=asked, steps=steps)
            if work.record.progress == "done" and is_as_wished(work):
                if not work.record.saved:
                    self._works[record.job] = work
                steps.say("already", "It is in the project already.")
                return outcome_of(work, "already", work.record.mode)
        return None

    def _enter(self, place: Placement) -> ProjectCache:
        """The project, if the place is in it. Raises ResolveError for another one."""
        if self._known is None:
            self._known = ProjectCache(self._resolve, self._resolve.project())
        known = self._known
        if place.project and known.id != place.project:
            raise ResolveError(
                f"The clip {place.name} belongs to the project {place.project_name}; {known.project.name()} is open.",
                f"Open {place.project_name}, then use Bring Back Finished.",
            )
        known.begin()
        return known


def _afresh(fresh: LedgerRecord, before: LedgerRecord) -> LedgerRecord:
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
    )
