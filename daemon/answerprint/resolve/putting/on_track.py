"""The restored clip on a video track above the original, which stays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ...frames.sequence import IMAGE_SUFFIXES
from ..api import Clip, Item, Timeline
from .asfound import delete_items, on_page
from .frames import Shown
from .laying import Layer, room_needed
from .likeness import look_alike
from .looking import Found, marked, ours_on
from .names import TRACK, mark
from .outcome import RefusedError
from .readback import Reader, first_number, frame_count, timeline_rate
from .tracks import Choice, choose_track, make_track, name_track, undo_track
from .whereabouts import Site, find_site, frames_wanted, is_frozen
from .work import Work

__all__ = ["clear_track", "put_on_track"]

_MARKER = "Purple"


def put_on_track(work: Work, clip: Clip, hide_original: bool = False) -> None:
    """Lay the clip over the original. Raises RefusedError, with nothing left on the timeline."""
    site = find_site(work.project, work.place)
    if not work.project.open_timeline(site.timeline):
        raise RefusedError(f"Resolve does not open the timeline {work.place.timeline_name}.")
    with on_page(work.resolve, "edit"):
        there = None if work.new else marked(site.timeline, work.record.job, work.record.track)
        if there is not None:
            work.steps.say("track", f"The clip is on video track {there.track} already.")
            work.note(item=there.item.id(), track=there.track)
        else:
            # An item without its mark is one that was not finished: what it shows is not known to be right.
            _clear_unmarked(work, site.timeline, clip)
            _lay(work, site, clip)
        if hide_original:
            _hide(work, site.item)


def clear_track(work: Work, timeline: Timeline, clip: Clip) -> None:
    """Leave nothing of an attempt that was refused: neither an unfinished item nor an empty track."""
    _clear_unmarked(work, timeline, clip)
    if work.record.track_made:
        undo_track(timeline, work.record.track)
    work.note(item="", track=0, track_made=False, doing="")


def _lay(work: Work, site: Site, clip: Clip) -> None:
    place = work.place
    rate = timeline_rate(site.timeline)
    wanted = frames_wanted(place, site, work.steps)
    frozen = is_frozen(place, place.rate / rate)
    frames = frame_count(clip)
    file = clip.property("File Path")
    # A picture with a number in its name may come in as a sequence of one, which is no longer than that.
    still = frames == 1 and "[" not in Path(file).name and Path(file).suffix.lower() in IMAGE_SUFFIXES
    speed = Fraction(0) if frozen else place.speed
    if speed != 1 and not still and not site.item.offers("SetSpeed"):
        raise RefusedError(
            f"{place.name} is retimed to {float(speed * 100):g} %, which scripts can do only from Resolve 21.1 on.",
            "Drag the restored clip from its bin and retime it by hand: it has the frames at their own speed.",
        )
    track = _track(work, site, wanted, speed)
    reader = Reader(place.rate, rate, frames, first_number(clip))
    layer = Layer(work.resolve, work.pool, site.timeline, track, clip, reader, still)
    with work.step("lay", record=wanted.record):
        item = layer.lay(wanted, speed)
        work.note(item=item.id())
        if linked := item.linked():
            site.timeline.link([item, *linked], False)
        look_alike(site.item, item, site.timeline, clip, work.steps)
        _mark(work, item, wanted.frame(0))
    work.steps.say("track", f"On video track {track}, frame for frame over the original.")


def _track(work: Work, site: Site, wanted: Shown, speed: Fraction) -> int:
    timeline, record = site.timeline, work.record
    count = timeline.tracks()
    if (
        record.doing == "track"
        and count == record.tracks_before + 1
        and record.track > site.track
        and not timeline.items(record.track)
    ):
        # It was added, and whoever added it ended before its name was given.
        name_track(timeline, record.track, work.steps)
        work.note(doing="")
        return record.track
    stop = wanted.record + room_needed(wanted.duration, speed)
    choice = choose_track(timeline, site.track, wanted.record, stop)
    if choice.new:
        with work.step("track", track=choice.track, track_made=True, tracks_before=count):
            _make(work, timeline, choice)
    else:
        work.note(track=choice.track)
    return choice.track


def _make(work: Work, timeline: Timeline, choice: Choice) -> None:
    try:
        make_track(timeline, choice, work.steps)
    except RefusedError:
        work.note(track=0, track_made=False)
        raise


def _mark(work: Work, item: Item, frame: int) -> None:
    data = mark(work.record.job)
    if not item.marker_with(data):
        item.add_marker(frame, _MARKER, "Restored", f"Answerprint, job {work.record.job}", 1, data)
        if not item.marker_with(data):
            work.steps.warn("marker", "The new item could not be marked; it is known by its clip alone.")


def _hide(work: Work, original: Item) -> None:
    if not original.enabled():
        return
    with work.step("hide", hidden=True):
        original.enable(False)
    if original.enabled():
        work.note(hidden=False)
        work.steps.warn("original", "The original could not be switched off.")
    else:
        work.steps.say("original", "The original is switched off.")


def _clear_unmarked(work: Work, timeline: Timeline, clip: Clip) -> None:
    for found in _unfinished(work, timeline, clip):
        if not delete_items(work.resolve, timeline, found.track, [found.item]):
            raise RefusedError(
                f"An unfinished item of ours lies on video track {found.track} and cannot be removed.",
                "Remove it by hand.",
            )


def _unfinished(work: Work, timeline: Timeline, clip: Clip) -> list[Found]:
    if work.record.doing != "lay":
        return []
    return [
        found
        for found in ours_on(timeline, clip.id(), work.record.track)
        if found.item.start() == work.record.record
        and timeline.track_name(found.track) == TRACK
        and not found.item.marker_with(mark(work.record.job))
    ]
