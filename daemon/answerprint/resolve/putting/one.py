"""What is done for one clip, and when there is nothing to do."""

from __future__ import annotations

from .as_take import our_take, put_as_take, shows_take
from .attributes import same_rate
from .bringing import bring_in
from .in_place import put_in_place
from .looking import ours_on, same_media
from .on_track import clear_track, lies_over, put_on_track
from .outcome import Outcome, RefusedError, State
from .place import Mode
from .work import Work

__all__ = ["is_as_wished", "is_there", "outcome_of", "put", "settled"]


def put(work: Work) -> Mode:
    """Put it where its record says, or into the media pool where it cannot be there; where it is now."""
    mode = work.record.mode
    if mode == "replace":
        try:
            put_in_place(work)
            return mode
        except RefusedError as refused:
            _say_refused(work, "replace", refused)
    brought = bring_in(work)
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
    except RefusedError as refused:
        _say_refused(work, mode, refused)
    lanes = work.known.timeline(work.place.timeline)
    if mode == "track" and lanes is not None:
        clear_track(work, lanes, brought)
    return "pool"


def settled(work: Work) -> Outcome | None:
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


def is_there(work: Work) -> bool:
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


def is_as_wished(work: Work) -> bool:
    """Whether what its record says is in the project, and is what is wished for: that mode at that place."""
    record, place, wished = work.record, work.place, work.asked.mode
    if wished == "pool":
        return record.mode != "replace" and work.known.clips.of_job(record.job, work.path) is not None
    if record.mode != wished or (record.timeline, record.place_item) != (place.timeline, place.item):
        return False
    return lies_over(work) if wished == "track" else is_there(work) and (wished != "take" or shows_take(work))


def outcome_of(work: Work, state: State, did: Mode | None) -> Outcome:
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


def _say_refused(work: Work, what: str, refused: RefusedError) -> None:
    work.known.check()  # nothing may be concluded from what a Resolve that ended does not say
    work.steps.warn(what, f"{refused} The restored clip is in the media pool.")
