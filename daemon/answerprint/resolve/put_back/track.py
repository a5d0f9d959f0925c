"""The restored clip on a video track above the original, which stays.

A video track for restored items: above the original, below what is meant to lie over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from answerprint.frames.sequence import IMAGE_SUFFIXES
from answerprint.resolve.api import Timeline, TimelineItem, pipelined
from answerprint.resolve.conform.frame_map import FrameMap
from answerprint.resolve.conform.readback import ClipReadback, first_number, frame_count
from answerprint.resolve.put_back.append import Appended, Appender, DroppedError, room_needed
from answerprint.resolve.put_back.locate import (
    ASKED,
    TimelineTarget,
    find_target,
    frames_wanted,
    is_frozen,
    source_clip,
)
from answerprint.resolve.put_back.match_grade import copy_look
from answerprint.resolve.put_back.media_pool_clip import ImportedClip
from answerprint.resolve.put_back.outcome import PlacementError, Report
from answerprint.resolve.put_back.placement import TRACK, mark
from answerprint.resolve.put_back.task import PutBackTask
from answerprint.resolve.put_back.track_cache import Found, TrackCache, ours_on
from answerprint.resolve.put_back.ui_state import delete_items

__all__ = [
    "TrackChoice",
    "choose_track",
    "clear_track",
    "lies_over",
    "make_track",
    "name_track",
    "put_on_track",
    "undo_track",
]


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """The number of a track. new: it has to be made, those from there on then being one higher."""

    track: int
    new: bool


def choose_track(lanes: TrackCache, original: int, first: int, stop: int) -> TrackChoice:
    """Where an item over record frames first to stop (exclusive) can lie: on a free track of ours, or on a new one.

    What an editor laid above the original, such as a title, stays above.
    """
    count = lanes.count
    over = free = None
    for track in range(original + 1, count + 1):
        lane = lanes.lane(track)
        here = lane.over(first, stop)
        if lane.ours and here:
            free = None  # what was restored last lies over what was restored before
        elif lane.ours and not lane.locked and free is None:
            free = track
        if not lane.ours and any(span.item is not None and span.item.enabled() for span in here):
            over = track
            break
    if free is not None:
        return TrackChoice(free, new=False)
    return TrackChoice(count + 1 if over is None else over, new=True)


def make_track(timeline: Timeline, choice: TrackChoice, steps: Report) -> None:
    """Make a new track where it was chosen to be. Raises PlacementError, with the tracks as they were."""
    count = timeline.tracks()
    at_top = choice.track == count + 1
    timeline.add_track() if at_top else timeline.add_track(index=choice.track)
    now = timeline.tracks()
    if now != count + 1:
        raise PlacementError("Resolve adds no video track.", "Look whether the timeline can be changed.")
    if timeline.items(choice.track):
        # An older version ignores the number: its new track is the topmost, where it would cover titles.
        timeline.delete_track(now)
        raise PlacementError(
            "Something lies above the original, and this Resolve makes new tracks only on top of all.",
            "Add a video track above the original yourself and drag the clip there from its bin.",
        )
    name_track(timeline, choice.track, steps)


def name_track(timeline: Timeline, track: int, steps: Report) -> None:
    """Give a track of ours its name, by which it is known again."""
    if timeline.track_name(track) != TRACK:
        timeline.name_track(track, TRACK)
        if timeline.track_name(track) != TRACK:
            steps.warn("track", f"The new video track {track} could not be named {TRACK}.")


def undo_track(timeline: Timeline, track: int) -> bool:
    """Remove a track that we made, if it still has its name and nothing lies on it; whether it is gone."""
    if not 0 < track <= timeline.tracks() or timeline.track_name(track) != TRACK or timeline.items(track):
        return False
    count = timeline.tracks()
    timeline.delete_track(track)
    return timeline.tracks() == count - 1


_MARKER = "Purple"
_UNFINISHED = ("import", "lay")
"""What a record is doing while an item may lie there that is not marked yet."""


def put_on_track(work: PutBackTask, brought: ImportedClip) -> None:
    """Lay the clip over the original. Raises PlacementError, with nothing left on the timeline."""
    known, record = work.known, work.record
    site = find_target(known, work.place)
    if not known.open(site.lanes):
        site = find_target(known, work.place)  # which says so where the timeline is gone by now
        if not known.open(site.lanes):
            raise PlacementError(f"Resolve does not open the timeline {work.place.timeline_name}.")
    known.to_edit_page()
    there = None if work.new else site.lanes.marked(record.job, record.item, record.track, record.record)
    if there is not None:
        work.steps.say("track", f"The clip is on video track {there.track} already.")
        work.learn(item=there.item.id(), track=there.track, doing="")
    else:
        # An item without its mark is one that was not finished: what it shows is not known to be right.
        _clear_unmarked(work, site.lanes, brought)
        _lay(work, site, brought)
    if work.asked.hide_original and work.place.skip is None:
        _hide(work, site.item)
    elif work.asked.hide_original:
        work.steps.warn("original", f"{work.place.name} stays switched on: only a part of it lies under the restored.")


def lies_over(work: PutBackTask) -> bool:
    """Whether the record's item lies over the original as it is now, seen, and shows what it should."""
    record, place = work.record, work.place
    clip = work.known.clips.of_job(record.job, work.path)
    if clip is None:
        return False
    try:
        site = find_target(work.known, place)
        source = source_clip(work.known, place, site)
        wanted = frames_wanted(place, site, source, Report())
    except PlacementError:
        work.known.check()
        return False
    found = site.lanes.marked(record.job, record.item, record.track, record.record)
    if found is None or found.track <= site.track or not found.item.enabled():
        return False
    said = clip.properties()
    frames, ratio = frame_count(said), place.rate / site.lanes.rate
    if frames == 1:
        return (found.item.start(), found.item.duration()) == (wanted.record, wanted.duration)
    reader = ClipReadback(place.rate, site.lanes.rate, frames, first_number(said))
    shown = reader.shown(found.item, Fraction(0) if is_frozen(place, ratio) else place.speed)
    return shown is not None and shown.shows_as(wanted)


def clear_track(work: PutBackTask, lanes: TrackCache, brought: ImportedClip) -> None:
    """Leave nothing of an attempt that was refused: neither an unfinished item nor an empty track."""
    _clear_unmarked(work, lanes, brought)
    if work.record.track_made:
        undo_track(lanes.timeline, work.record.track)
        lanes.forget()
    work.learn(item="", track=0, track_made=False, doing="")


def _lay(work: PutBackTask, site: TimelineTarget, brought: ImportedClip) -> None:
    place, lanes = work.place, site.lanes
    with pipelined([site.item], *ASKED):
        source = source_clip(work.known, place, site)
        wanted = frames_wanted(place, site, source, work.steps)
    frozen = is_frozen(place, place.rate / lanes.rate)
    frames = frame_count(brought.properties)
    file = Path(brought.properties.get("File Path", ""))
    # A picture with a number in its name may come in as a sequence of one, which is no longer than that.
    still = frames == 1 and "[" not in file.name and file.suffix.lower() in IMAGE_SUFFIXES
    speed = Fraction(0) if frozen else place.speed
    if speed != 1 and not still and not site.item.offers("SetSpeed"):
        raise PlacementError(
            f"{place.name} is retimed to {float(speed * 100):g} %, which scripts can do only from Resolve 21.1 on.",
            "Drag the restored clip from its bin and retime it by hand: it has the frames at their own speed.",
        )
    reader = ClipReadback(place.rate, lanes.rate, frames, first_number(brought.properties))
    try:
        laid = _laid(work, site, brought, reader, wanted, speed, still=still)
    except DroppedError:
        if lanes.fresh:
            raise
        # What we knew of the tracks is of before: somebody may have laid something there since. A Resolve that quit has
        # no tracks at all, and must not be believed.
        work.known.check()
        lanes.forget()
        laid = _laid(work, site, brought, reader, wanted, speed, still=still)
    work.learn(item=laid.id)
    if linked := laid.item.linked():
        lanes.timeline.link([laid.item, *linked], False)
    copy_look(site.item, laid.item, lanes.timeline, source.properties, brought.properties, work.steps)
    _mark(work, laid.item, wanted.frame(0))
    lanes.laid(work.record.job, laid.item, laid.id, work.record.track, wanted.record, wanted.duration)
    work.learn(doing="")
    work.steps.say("track", f"On video track {work.record.track}, frame for frame over the original.")


def _laid(
    work: PutBackTask,
    site: TimelineTarget,
    brought: ImportedClip,
    reader: ClipReadback,
    wanted: FrameMap,
    speed: Fraction,
    *,
    still: bool,
) -> Appended:
    known = work.known
    track = _track(work, site, wanted, speed)
    layer = Appender(known.resolve, known.pool, site.lanes.timeline, track, brought.clip, reader, still)
    work.learn(doing="lay", record=wanted.record)
    kept = work.kept
    if kept is None or kept.doing not in _UNFINISHED or kept.record != wanted.record:
        work.note()
    return layer.lay(wanted, speed)


def _track(work: PutBackTask, site: TimelineTarget, wanted: FrameMap, speed: Fraction) -> int:
    lanes, record = site.lanes, work.record
    timeline = lanes.timeline
    if (
        record.track_made
        and record.doing in ("track", "lay")
        and timeline.tracks() == record.tracks_before + 1
        and record.track > site.track
        and not timeline.items(record.track)
    ):
        # It was added, and we or Resolve ended before its name was given, which a Resolve that quits does not tell.
        name_track(timeline, record.track, work.steps)
        lanes.forget()
        work.learn(doing="")
        return record.track
    stop = wanted.record + room_needed(wanted.duration, speed)
    choice = choose_track(lanes, site.track, wanted.record, stop)
    if choice.new:
        with work.step("track", track=choice.track, track_made=True, tracks_before=lanes.count):
            _make(work, lanes, choice)
    else:
        work.learn(track=choice.track)
    return choice.track


def _make(work: PutBackTask, lanes: TrackCache, choice: TrackChoice) -> None:
    try:
        make_track(lanes.timeline, choice, work.steps)
    except PlacementError:
        lanes.forget()
        work.learn(track=0, track_made=False)
        raise
    lanes.inserted(choice.track)


def _mark(work: PutBackTask, item: TimelineItem, frame: int) -> None:
    data = mark(work.record.job)
    marker = (frame, _MARKER, "Restored", f"Answerprint, job {work.record.job}", 1, data)
    with pipelined([item], ("AddMarker", *marker), ("GetMarkerByCustomData", data)):
        item.add_marker(*marker)
        there = item.marker_with(data)
    if not there:
        work.steps.warn("marker", "The new item could not be marked; it is known by its clip alone.")


def _hide(work: PutBackTask, original: TimelineItem) -> None:
    if not original.enabled():
        return
    with work.step("hide", hidden=True):
        original.enable(False)
    if original.enabled():
        work.learn(hidden=False)
        work.steps.warn("original", "The original could not be switched off.")
    else:
        work.steps.say("original", "The original is switched off.")


def _clear_unmarked(work: PutBackTask, lanes: TrackCache, brought: ImportedClip) -> None:
    timeline = lanes.timeline
    for found in _unfinished(work, lanes, brought):
        lanes.forget()
        if not delete_items(work.known.resolve, timeline, found.track, [found.item]):
            raise PlacementError(
                f"An unfinished item of ours lies on video track {found.track} and cannot be removed.",
                "Remove it by hand.",
            )


def _unfinished(work: PutBackTask, lanes: TrackCache, brought: ImportedClip) -> list[Found]:
    if work.record.doing not in _UNFINISHED:
        return []
    return [
        found
        for found in ours_on(lanes.timeline, brought.id, work.record.track)
        if found.item.start() == work.record.record
        and lanes.timeline.track_name(found.track) == TRACK
        and not found.item.marker_with(mark(work.record.job))
    ]
