"""Mode `track`: the restored clip on a video track above the original, and below what is to stay on top, as titles."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from answerprint.frames.sequence import IMAGE_SUFFIXES, BracketRange
from answerprint.resolve.api import MediaPoolItem, Timeline, TimelineItem, pipelined
from answerprint.resolve.conform.frame_map import FrameMap
from answerprint.resolve.conform.readback import ClipReadback, first_number, frame_count
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.append import Appended, Appender, DroppedError, room_needed
from answerprint.resolve.put_back.locate import (
    CALLS,
    TimelineTarget,
    find_target,
    frames_wanted,
    is_frozen,
    source_clip,
)
from answerprint.resolve.put_back.match_grade import copy_look
from answerprint.resolve.put_back.media_pool_clip import import_at_rate
from answerprint.resolve.put_back.outcome import PlacementError, Report
from answerprint.resolve.put_back.placement import TRACK_NAME, marker_data
from answerprint.resolve.put_back.task import ImportedClip, PutBackTask, UndoTask
from answerprint.resolve.put_back.track_cache import Found, TrackCache, item_by_id, items, ours_on
from answerprint.resolve.put_back.ui_state import delete_items, on_page

__all__ = ["has_item", "put_on_track", "shows_item", "undo_item"]

_MARKER_COLOUR = "Purple"
_UNFINISHED = ("import", "lay")
"""Steps during which there may be an item of ours without its marker."""


@dataclass(frozen=True, slots=True)
class _TrackChoice:
    """The number of a track. new: it is to be added there; the tracks from there on move up by one."""

    track: int
    new: bool


def put_on_track(task: PutBackTask) -> None:
    """Append the clip above the original. Raises PlacementError, with nothing left on the timeline."""
    imported = import_at_rate(task)
    try:
        _put(task, imported)
    except PlacementError:
        task.cache.check()
        _clear(task, imported)
        raise


def has_item(task: PutBackTask) -> bool:
    """Whether the item is on its timeline, wherever it was moved."""
    record, clip = task.record, task.clip()
    tracks = None if clip is None else task.cache.timeline(record.timeline)
    if clip is None or tracks is None:
        return False
    marked = tracks.marked(record.job, record.item, record.track, record.record)
    return marked is not None or bool(ours_on(tracks.timeline, clip.id(), record.track))


def shows_item(task: PutBackTask) -> bool:
    """Whether the item lies over the original as it is now, is enabled, and shows the right frames."""
    record, place, clip = task.record, task.place, task.clip()
    if clip is None:
        return False
    try:
        target = find_target(task.cache, place)
        wanted = frames_wanted(place, target, source_clip(task.cache, place, target), Report())
    except PlacementError:
        task.cache.check()
        return False
    found = target.tracks.marked(record.job, record.item, record.track, record.record)
    if found is None or found.track <= target.track or not found.item.enabled():
        return False
    properties = clip.properties()
    frames, ratio = frame_count(properties), place.rate / target.tracks.rate
    if frames == 1:
        return (found.item.start(), found.item.duration()) == (wanted.record, wanted.duration)
    readback = ClipReadback(place.rate, target.tracks.rate, frames, first_number(properties))
    shown = readback.shown(found.item, Fraction(0) if is_frozen(place, ratio) else place.speed)
    return shown is not None and shown.shows_as(wanted)


def undo_item(task: UndoTask) -> None:
    """Enable the original, and remove the item, and its track if we added it. Raises ResolveError."""
    timeline = task.timeline()
    if timeline is None:
        return
    original = item_by_id(timeline, task.record.place_item) if task.record.hidden else None
    if original is not None and not original.item.enabled():
        original.item.enable(True)
        task.report.info("original", "The original is enabled again.")
    tracks = _remove_items(task, timeline, task.clip())
    for track in (*sorted(tracks - {task.record.track}, reverse=True), task.record.track):
        _remove_track(task, timeline, track)


# Putting an item on its track


def _put(task: PutBackTask, imported: ImportedClip) -> None:
    cache, record = task.cache, task.record
    target = find_target(cache, task.place)
    if not cache.open(target.tracks):
        target = find_target(cache, task.place)  # raises if the timeline is gone by now
        if not cache.open(target.tracks):
            raise PlacementError(f"Resolve could not open the timeline {task.place.timeline_name}.")
    cache.to_edit_page()
    there = None if task.new else target.tracks.marked(record.job, record.item, record.track, record.record)
    if there is not None:
        task.report.info("track", f"The clip is on video track {there.track} already.")
        task.update(item=there.item.id(), track=there.track, doing="")
    else:
        # An item without a marker is unfinished, and may show wrong frames.
        _clear_unmarked(task, target.tracks, imported)
        _append(task, target, imported)
    if task.options.hide_original and task.place.skip is None:
        _hide(task, target.item)
    elif task.options.hide_original:
        task.report.warn("original", f"{task.place.name} stays enabled: only a part of it was restored.")


def _append(task: PutBackTask, target: TimelineTarget, imported: ImportedClip) -> None:
    place, tracks = task.place, target.tracks
    with pipelined([target.item], *CALLS):
        source = source_clip(task.cache, place, target)
        wanted = frames_wanted(place, target, source, task.report)
    frozen = is_frozen(place, place.rate / tracks.rate)
    frames = frame_count(imported.properties)
    file = Path(imported.properties.get("File Path", ""))
    # A picture with a number in its name may be imported as a sequence of one, which cannot be stretched.
    still = frames == 1 and BracketRange.parse(file) is None and file.suffix.lower() in IMAGE_SUFFIXES
    speed = Fraction(0) if frozen else place.speed
    if speed != 1 and not still and not target.item.offers("SetSpeed"):
        raise PlacementError(
            f"{place.name} is retimed to {float(speed * 100):g} %, which scripts can do only from Resolve 21.1 on.",
            "Drag the restored clip from its bin and retime it by hand: it has the frames at their own speed.",
        )
    readback = ClipReadback(place.rate, tracks.rate, frames, first_number(imported.properties))
    try:
        appended = _append_once(task, target, imported, readback, wanted, speed, still=still)
    except DroppedError:
        if tracks.fresh:
            raise
        # The cache may be out of date: someone may have put something there since. First make sure that Resolve still
        # runs: one that has quit answers that there are no tracks.
        task.cache.check()
        tracks.forget()
        appended = _append_once(task, target, imported, readback, wanted, speed, still=still)
    task.update(item=appended.id)
    if linked := appended.item.linked():
        tracks.timeline.link([appended.item, *linked], False)
    copy_look(target.item, appended.item, tracks.timeline, source.properties, imported.properties, task.report)
    _add_marker(task, appended.item, wanted.frame(0))
    tracks.appended(task.record.job, appended.item, appended.id, task.record.track, wanted.record, wanted.duration)
    task.update(doing="")
    task.report.info("track", f"On video track {task.record.track}, frame for frame over the original.")


def _append_once(
    task: PutBackTask,
    target: TimelineTarget,
    imported: ImportedClip,
    readback: ClipReadback,
    wanted: FrameMap,
    speed: Fraction,
    *,
    still: bool,
) -> Appended:
    cache = task.cache
    track = _find_track(task, target, wanted, speed)
    appender = Appender(cache.resolve, cache.pool, target.tracks.timeline, track, imported.clip, readback, still)
    task.update(doing="lay", record=wanted.record)
    saved = task.saved
    if saved is None or saved.doing not in _UNFINISHED or saved.record != wanted.record:
        task.save()
    return appender.append(wanted, speed)


def _add_marker(task: PutBackTask, item: TimelineItem, frame: int) -> None:
    data = marker_data(task.record.job)
    marker = (frame, _MARKER_COLOUR, "Restored", f"Answerprint, job {task.record.job}", 1, data)
    with pipelined([item], ("AddMarker", *marker), ("GetMarkerByCustomData", data)):
        item.add_marker(*marker)
        there = item.marker_with(data)
    if not there:
        task.report.warn("marker", "The new item could not be marked; Answerprint knows it by its clip alone.")


def _hide(task: PutBackTask, original: TimelineItem) -> None:
    if not original.enabled():
        return
    with task.step("hide", hidden=True):
        original.enable(False)
    if original.enabled():
        task.update(hidden=False)
        task.report.warn("original", "The original could not be disabled.")
    else:
        task.report.info("original", "The original is disabled.")


# Tracks


def _find_track(task: PutBackTask, target: TimelineTarget, wanted: FrameMap, speed: Fraction) -> int:
    """The track for the item, added if there is none."""
    tracks, record = target.tracks, task.record
    timeline = tracks.timeline
    if (
        record.track_made
        and record.doing in ("track", "lay")
        and timeline.tracks() == record.tracks_before + 1
        and record.track > target.track
        and not timeline.items(record.track)
    ):
        # An interrupted attempt added it and did not name it.
        _name_track(timeline, record.track, task.report)
        tracks.forget()
        task.update(doing="")
        return record.track
    stop = wanted.record + room_needed(wanted.duration, speed)
    choice = _choose_track(tracks, target.track, wanted.record, stop)
    if choice.new:
        with task.step("track", track=choice.track, track_made=True, tracks_before=tracks.count):
            _add_track(task, tracks, choice)
    else:
        task.update(track=choice.track)
    return choice.track


def _choose_track(tracks: TrackCache, original: int, first: int, stop: int) -> _TrackChoice:
    """A track for an item over record frames first to stop (exclusive): a free one of ours, or a new one.

    Items that the editor put above the original, such as titles, stay above.
    """
    count = tracks.count
    over = free = None
    for number in range(original + 1, count + 1):
        track = tracks.track(number)
        here = track.over(first, stop)
        if track.ours and here:
            free = None  # a later restoration goes above an earlier one
        elif track.ours and not track.locked and free is None:
            free = number
        if not track.ours and any(span.item is not None and span.item.enabled() for span in here):
            over = number
            break
    if free is not None:
        return _TrackChoice(free, new=False)
    return _TrackChoice(count + 1 if over is None else over, new=True)


def _add_track(task: PutBackTask, tracks: TrackCache, choice: _TrackChoice) -> None:
    """Add the chosen track. Raises PlacementError, with the tracks as they were."""
    try:
        _insert_track(tracks.timeline, choice, task.report)
    except PlacementError:
        tracks.forget()
        task.update(track=0, track_made=False)
        raise
    tracks.inserted(choice.track)


def _insert_track(timeline: Timeline, choice: _TrackChoice, report: Report) -> None:
    count = timeline.tracks()
    at_top = choice.track == count + 1
    timeline.add_track() if at_top else timeline.add_track(index=choice.track)
    now = timeline.tracks()
    if now != count + 1:
        raise PlacementError("Resolve could not add a video track.", "Check that the timeline can be changed.")
    if timeline.items(choice.track):
        # An older version ignores the number and adds a track at the top, where it would cover titles.
        timeline.delete_track(now)
        raise PlacementError(
            "Something lies above the original, and this version of Resolve adds new tracks only at the top.",
            "Add a video track above the original yourself and drag the clip there from its bin.",
        )
    _name_track(timeline, choice.track, report)


def _name_track(timeline: Timeline, track: int, report: Report) -> None:
    """Name a track that we added, so that it is found again."""
    if timeline.track_name(track) != TRACK_NAME:
        timeline.name_track(track, TRACK_NAME)
        if timeline.track_name(track) != TRACK_NAME:
            report.warn("track", f"The new video track {track} could not be named {TRACK_NAME}.")


def _delete_track(timeline: Timeline, track: int) -> bool:
    """Delete a track if it still has our name and is empty; whether it is gone."""
    if not 0 < track <= timeline.tracks() or timeline.track_name(track) != TRACK_NAME or timeline.items(track):
        return False
    count = timeline.tracks()
    timeline.delete_track(track)
    return timeline.tracks() == count - 1


# Cleaning up after a failed or interrupted attempt


def _clear(task: PutBackTask, imported: ImportedClip) -> None:
    """Remove what a failed attempt left: an unfinished item and an empty track."""
    tracks = task.cache.timeline(task.place.timeline)
    if tracks is None:
        return
    _clear_unmarked(task, tracks, imported)
    if task.record.track_made:
        _delete_track(tracks.timeline, task.record.track)
        tracks.forget()
    task.update(item="", track=0, track_made=False, doing="")


def _clear_unmarked(task: PutBackTask, tracks: TrackCache, imported: ImportedClip) -> None:
    for found in _unfinished(task, tracks, imported):
        tracks.forget()
        if not delete_items(task.cache.resolve, tracks.timeline, found.track, [found.item]):
            raise ResolveError(
                f"An unfinished item of ours lies on video track {found.track} and cannot be removed.",
                "Remove it by hand.",
            )


def _unfinished(task: PutBackTask, tracks: TrackCache, imported: ImportedClip) -> list[Found]:
    if task.record.doing not in _UNFINISHED:
        return []
    return [
        found
        for found in ours_on(tracks.timeline, imported.id, task.record.track)
        if found.item.start() == task.record.record
        and tracks.timeline.track_name(found.track) == TRACK_NAME
        and not found.item.marker_with(marker_data(task.record.job))
    ]


# Undo


def _remove_items(task: UndoTask, timeline: Timeline, clip: MediaPoolItem | None) -> set[int]:
    """Remove the items of the record, and those of an interrupted attempt; the tracks they were on."""
    # If its clip is gone from the media pool, an item is still known by its marker.
    there = items(timeline, task.record.track) if clip is None else ours_on(timeline, clip.id(), task.record.track)
    ours = [
        found for found in there if task.owns(found) or (clip is not None and _is_interrupted(task, timeline, found))
    ]
    if not ours:
        return set()
    task.open(timeline)
    for found in ours:
        if not delete_items(task.resolve, timeline, found.track, [found.item]):
            raise task.not_removed(f"the item on video track {found.track}")
    task.report.info("track", f"Removed from the timeline {timeline.name()}.")
    return {found.track for found in ours}


def _is_interrupted(task: UndoTask, timeline: Timeline, found: Found) -> bool:
    """Whether an item was appended and not marked yet."""
    record = task.record
    if record.progress != "begun" or found.item.id() == record.place_item:
        return False
    return found.item.start() == record.record and timeline.track_name(found.track) == TRACK_NAME


def _remove_track(task: UndoTask, timeline: Timeline, track: int) -> None:
    """Delete a track if we added it, for any job, and it is empty."""
    others = task.ledger.records()
    made = any(each.track_made and each.timeline == task.record.timeline for each in (task.record, *others))
    if not made or not track:
        return
    task.open(timeline)
    with on_page(task.resolve, "edit"):
        if _delete_track(timeline, track):
            task.report.info("track", f"Removed video track {track}, which Answerprint had added.")
