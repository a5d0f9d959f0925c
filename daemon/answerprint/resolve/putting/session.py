"""Finished clips into the project, many at a time: what they share is asked once, and the project is saved once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from ..api import Resolve
from ..errors import ResolveError
from .asfound import as_found
from .known import Known
from .ledger import Ledger, Record
from .one import is_as_wished, is_there, outcome_of, put, settled
from .outcome import Outcome, Steps
from .place import Mode, Place
from .saving import save as save_project
from .work import Asked, Work

__all__ = ["Session", "session"]


@contextmanager
def session(resolve: Resolve, ledger: Ledger, *, save: bool = True) -> Iterator[Session]:
    """Nobody else puts clips back meanwhile, and Resolve is left on the page, timeline and bin where it was.

    At its end the project is saved, where it has a name and `save` is True, and each clip that was put back is looked
    for once more; only then is it known to be done. What a session that ended otherwise had put back is found by the
    next one, which leaves it as it is. Raises ResolveError, BusyError, StorageError, JournalError, InputError.
    """
    with ledger.held(), ExitStack() as stack:
        made = Session(resolve, ledger, stack)
        yield made
        made.end(save)


class Session:
    """Of one project, from the first clip on: between two clips no more may happen than a few seconds allow."""

    def __init__(self, resolve: Resolve, ledger: Ledger, stack: ExitStack) -> None:
        """stack: of what is to be undone at the end."""
        self._resolve, self._ledger, self._stack = resolve, ledger, stack
        self._known: Known | None = None
        self._steps = Steps()
        self._changed = False
        self._works: dict[str, Work] = {}
        """By job: what is to be saved and looked for at the end."""

    def put(
        self,
        place: Place,
        job: str,
        path: str,
        *,
        mode: Mode | None = None,
        again: bool = False,
        hide_original: bool = False,
        origin: Mapping[str, str] | None = None,
        steps: Steps | None = None,
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
        steps = Steps() if steps is None else steps
        if of and (there := self._there(known, place, path, Asked(mode or place.mode), steps)) is not None:
            return there
        if job in self._works:
            work = replace(self._works[job], steps=steps)
            steps.say("already", "It is in the project already.")
            return outcome_of(work, "already", work.record.mode)
        record = self._ledger.read(job)
        fresh = Record(
            job, path, known.id, place.timeline, place.item, place.mode, mode or place.mode, of=of,
            first=place.restored_first, stop=place.restored_stop,
        )  # fmt: skip
        asked = Asked(mode, again, hide_original, origin)
        work = Work(known, place, path, self._ledger, record or fresh, steps, asked)
        if record is not None and (found := settled(work)):
            if found.state == "already" and not record.saved:
                self._works[job] = work
            return found
        if record is not None and (record.progress != "begun" or record.mode != fresh.mode):
            # Bins and tracks that an earlier time made are still ours to remove.
            work.record = _afresh(fresh, record)
        if not self._changed:
            self._stack.enter_context(as_found(self._resolve, known.project, self._steps))
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

    def _there(self, known: Known, place: Place, path: str, asked: Asked, steps: Steps) -> Outcome | None:
        """What was put back of this very file before, if it is there and just what is wished now."""
        for record in self._ledger.records():
            if record.path != path or record.project != known.id:
                continue
            work = self._works.get(record.job) or Work(known, place, path, self._ledger, record, steps, asked)
            work = replace(work, place=place, asked=asked, steps=steps)
            if work.record.progress == "done" and is_as_wished(work):
                if not work.record.saved:
                    self._works[record.job] = work
                steps.say("already", "It is in the project already.")
                return outcome_of(work, "already", work.record.mode)
        return None

    def _enter(self, place: Place) -> Known:
        """The project, if the place is in it. Raises ResolveError for another one."""
        if self._known is None:
            self._known = Known(self._resolve, self._resolve.project())
        known = self._known
        if place.project and known.id != place.project:
            raise ResolveError(
                f"The clip {place.name} belongs to the project {place.project_name}; {known.project.name()} is open.",
                f"Open {place.project_name}, then use Bring Back Finished.",
            )
        known.begin()
        return known


def _afresh(fresh: Record, before: Record) -> Record:
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
