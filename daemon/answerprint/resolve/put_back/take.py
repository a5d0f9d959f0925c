"""Mode `take`: the restored clip becomes a take of the original item; nothing else on the timeline changes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from answerprint.resolve.api import TimelineItem
from answerprint.resolve.conform.frame_map import FrameMap
from answerprint.resolve.conform.readback import ClipReadback, first_number, frame_count
from answerprint.resolve.put_back.locate import find_target, frames_wanted, source_clip
from answerprint.resolve.put_back.media_pool_clip import import_at_rate
from answerprint.resolve.put_back.outcome import PlacementError
from answerprint.resolve.put_back.task import ImportedClip, PutBackTask, UndoTask
from answerprint.resolve.put_back.track_cache import item_by_id

__all__ = ["has_take", "put_as_take", "shows_take", "undo_take"]


def put_as_take(task: PutBackTask) -> None:
    """Add the clip as a take and select it. Raises PlacementError, with the takes as they were."""
    imported = import_at_rate(task)
    if task.place.skip is not None:
        raise PlacementError(f"Only a part of {task.place.name} was restored, and a take shows all of it.")
    target = find_target(task.cache, task.place)
    item = target.item
    if target.tracks.timeline.track_locked(target.track):
        raise PlacementError(f"Video track {target.track}, which holds {task.place.name}, is locked.", "Unlock it.")
    if _take_number(item, imported.id):
        # A leftover of an interrupted attempt; its frames may not have been checked.
        _remove_take(item, imported.id, task.record.take_before)
    wanted = frames_wanted(task.place, target, source_clip(task.cache, task.place, target), task.report)
    speed = task.place.speed
    if speed != 1 and item.speed() is None:
        raise PlacementError(f"{task.place.name} is retimed, and this Resolve does not tell the speed of a take.")
    before = item.take()
    number = first_number(imported.properties)
    readback = ClipReadback(task.place.rate, target.tracks.rate, frame_count(imported.properties), number)
    with task.step("take", take=True, take_before=before, record=wanted.record):
        # A take that is a frame too long does no harm; accept one if no exact take can be had.
        for spare, (first, last) in product((0, 1), list(_spans(wanted, readback.number))):
            longest = len(wanted.frames) + spare
            if _add_take(item, imported, first, last, longest) and _shows(item, readback, wanted, speed):
                task.update(item=item.id())
                task.report.info("take", f"Take {item.take()} of {task.place.name}; the source is take {before or 1}.")
                return
            if _take_number(item, imported.id) and not _remove_take(item, imported.id, before):
                raise PlacementError(
                    f"A take of {task.place.name} shows wrong frames and cannot be removed.", "Remove it."
                )
        task.update(take=False)
    raise PlacementError("No take shows the restored frames in place of the original's.")


def has_take(task: PutBackTask) -> bool:
    """Whether the item has the take, selected or not."""
    return _number_and_item(task, task.record.timeline, task.record.place_item)[0] > 0


def shows_take(task: PutBackTask) -> bool:
    """Whether the original shows the take."""
    number, item = _number_and_item(task, task.place.timeline, task.place.item)
    return item is not None and 0 < number == item.take()


def undo_take(task: UndoTask) -> None:
    """Select the former take again, and remove ours. Raises ResolveError."""
    clip = task.clip() if task.record.take else None
    timeline = None if clip is None else task.timeline()
    found = None if timeline is None else item_by_id(timeline, task.record.place_item)
    if clip is None or found is None or not _take_number(found.item, clip.id()):
        return
    if not _remove_take(found.item, clip.id(), task.record.take_before):
        raise task.not_removed(f"the take from {found.item.name()}")
    task.report.info("take", f"{found.item.name()} shows its former take again.")


def _number_and_item(task: PutBackTask, timeline: str, item: str) -> tuple[int, TimelineItem | None]:
    """The number of our take, 0 for none, and its item."""
    clip, tracks = task.clip(), task.cache.timeline(timeline)
    found = None if clip is None or tracks is None else tracks.item(item, task.place.track)
    return (0, None) if clip is None or found is None else (_take_number(found.item, clip.id()), found.item)


def _take_number(item: TimelineItem, clip: str) -> int:
    """The number of the take made of the clip with that id; 0 for none."""
    takes = enumerate(item.takes(), 1)
    return next((index for index, take in takes if take.clip is not None and take.clip.id() == clip), 0)


def _remove_take(item: TimelineItem, clip: str, before: int) -> bool:
    """Select the former take, and remove the clip's; whether it is gone."""
    ours = _take_number(item, clip)
    if not ours:
        return True
    item.select_take(before if before and before != ours else 1)
    item.delete_take(ours)
    return not _take_number(item, clip)


def _spans(wanted: FrameMap, number: int) -> Iterator[tuple[int, int]]:
    """First and last frames to try: some versions of Resolve keep one frame more than they are given."""
    frames = wanted.frames
    for base in dict.fromkeys((number, 0)):
        # An item that runs backwards shows its highest frame first.
        for start in dict.fromkeys((frames.start, wanted.frame(0))):
            for last in (frames.stop - 1, frames.stop - 2, frames.stop):
                if last >= start:
                    yield start + base, last + base


def _add_take(item: TimelineItem, imported: ImportedClip, first: int, last: int, longest: int) -> bool:
    """Add a take of at most `longest` frames and select it; whether that worked."""
    item.add_take(imported.clip, first, last)
    index, takes = _take_number(item, imported.id), item.takes()
    if not 0 < index <= len(takes):  # Resolve may quit between two calls, and then returns nothing
        return False
    take = takes[index - 1]
    if take.start is not None and take.end is not None and take.end - take.start + 1 > longest:
        return False
    return item.select_take(index) and item.take() == index


def _shows(item: TimelineItem, readback: ClipReadback, wanted: FrameMap, speed: Fraction) -> bool:
    """Whether the item is still in its place, and shows the right frames."""
    if (item.start(), item.duration()) != (wanted.record, wanted.duration):
        return False
    shown = readback.shown(item, speed)
    return shown is not None and shown.shows_as(wanted)
