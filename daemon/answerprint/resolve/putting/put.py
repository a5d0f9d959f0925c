"""A finished clip into the project: exactly once, whatever ends before the last step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..api import Resolve
from .as_take import our_take, put_as_take
from .asfound import as_found
from .bringing import bring_in
from .in_place import put_in_place
from .ledger import Ledger, Record
from .looking import clip_of, item_by_id, marked, ours_on, same_media, the_project, timeline_by_id
from .on_track import clear_track, put_on_track
from .outcome import Outcome, RefusedError, State, Steps
from .place import Mode, Place
from .saving import save as save_project
from .work import Work

__all__ = ["put_back"]


@dataclass(frozen=True, slots=True)
class _Asked:
    mode: Mode
    elsewhere: bool
    again: bool
    hide_original: bool
    save: bool
    origin: Mapping[str, str]


def put_back(
    resolve: Resolve,
    place: Place,
    job: str,
    path: str,
    ledger: Ledger,
    *,
    mode: Mode | None = None,
    again: bool = False,
    hide_original: bool = False,
    save: bool = True,
    origin: Mapping[str, str] | None = None,
    steps: Steps | None = None,
) -> Outcome:
    """Put a restored file where its place says; what cannot lie there stays in the media pool, with the reason.

    path: the file, or a sequence's pattern. mode: instead of the place's own. again: also what was taken out since.
    hide_original: switch it off, where the clip is laid over it. save: the project, where it has a name. origin:
    source, model and version, kept with the clip. steps: filled as they are taken, to be read when this raises.

    Called again after any end, of this program or of Resolve, it goes on, and leaves one clip and one item. Resolve is
    left on the page, timeline and bin where it was. Raises ResolveError, BusyError, StorageError, JournalError,
    InputError.
    """
    steps = Steps() if steps is None else steps
    with ledger.held():
        project = the_project(resolve.project(), place)
        record = ledger.read(job)
        asked = _Asked(
            mode or place.mode, mode not in (None, record and record.mode), again, hide_original, save, origin or {}
        )
        fresh = Record(job, path, project.id(), place.timeline, place.item, place.mode, asked.mode)
        work = Work(resolve, project, project.pool(), place, path, ledger, record or fresh, steps)
        if record is not None and (settled := _settled(work, asked)):
            return settled
        if record is None or record.progress != "begun" or record.mode != fresh.mode:
            # Bins and tracks that an earlier time made are still ours to remove.
            work.record = fresh if record is None else _afresh(fresh, record)
            ledger.write(work.record)
        with as_found(resolve, project, steps):
            did = _put(work, asked)
            _still_open(work)
            work.note(progress="done", mode=did, doing="")
            saved = asked.save and save_project(resolve, project, steps) and _is_there(work)
        work.note(saved=saved)
        return _outcome(work, "put", did)


def _put(work: Work, asked: _Asked) -> Mode:
    mode = work.record.mode
    if mode == "replace":
        try:
            put_in_place(work, asked.origin)
            return mode
        except RefusedError as refused:
            _say_refused(work, "replace", refused)
    clip, placeable = bring_in(work, asked.origin)
    if mode in ("pool", "replace") or not work.place.item:
        return "pool"
    if not placeable:
        work.steps.warn(mode, "So the clip stays in the media pool: at that rate no frame is where it belongs.")
        return "pool"
    try:
        if mode == "track":
            put_on_track(work, clip, asked.hide_original)
        else:
            put_as_take(work, clip)
        return mode
    except RefusedError as refused:
        _say_refused(work, mode, refused)
    timeline = timeline_by_id(work.project, work.place.timeline)
    if mode == "track" and timeline is not None:
        clear_track(work, timeline, clip)
    return "pool"


def _still_open(work: Work) -> None:
    """A Resolve that ended says of everything that it is not there: nothing may be concluded from that."""
    the_project(work.resolve.project(), work.place)


def _say_refused(work: Work, what: str, refused: RefusedError) -> None:
    work.steps.warn(what, f"{refused} The restored clip is in the media pool.")


def _settled(work: Work, asked: _Asked) -> Outcome | None:
    """What is to be said where nothing is to be done any more."""
    record = work.record
    if record.progress == "undone" or record.doing == "undo":
        if asked.again:
            return None
        work.steps.say("undone", "It was taken out again: ask for it to be brought back all the same.")
        return _outcome(work, "undone", None)
    if record.progress == "begun":
        return None
    if record.progress == "done" and not (asked.again and asked.elsewhere) and _is_there(work):
        work.steps.say("already", "It is in the project already.")
        if not record.saved and asked.save:
            work.note(saved=save_project(work.resolve, work.project, work.steps))
        return _outcome(work, "already", record.mode)
    if asked.again or (record.progress == "done" and not record.saved):
        return None
    _still_open(work)
    work.note(progress="removed")
    work.steps.say("removed", "It was put back, and removed in Resolve since: ask for it to be brought back again.")
    return _outcome(work, "removed", None)


def _is_there(work: Work) -> bool:
    """Whether the project has what the record says that it was given."""
    record = work.record
    found = clip_of(work.pool, record.job, work.path)
    if found is None:
        return False
    clip = found[0]
    if record.mode == "replace":
        return same_media(clip.property("File Path"), work.path)
    if record.mode == "pool":
        return True
    timeline = timeline_by_id(work.project, record.timeline)
    if timeline is None:
        return False
    if record.mode == "take":
        item = item_by_id(timeline, record.place_item, work.place.track)
        return item is not None and bool(our_take(item.item, clip.id()))
    return bool(marked(timeline, record.job, record.track)) or bool(ours_on(timeline, clip.id(), record.track))


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


def _outcome(work: Work, state: State, did: Mode | None) -> Outcome:
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
