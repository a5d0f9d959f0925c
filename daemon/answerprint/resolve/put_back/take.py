"""The restored clip as a take of the original item: nothing else on the timeline changes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from answerprint.resolve.api import TimelineItem
from answerprint.resolve.conform.frame_map import FrameMap
from answerprint.resolve.conform.readback import ClipReadback, first_number, frame_count
from answerprint.resolve.put_back.locate import find_target, frames_wanted, source_clip
from answerprint.resolve.put_back.media_pool_clip import ImportedClip
from answerprint.resolve.put_back.outcome import PlacementError
from answerprint.resolve.put_back.task import PutBackTask

__all__ = ["our_take", "put_as_take", "remove_take", "shows_take"]


def put_as_take(work: PutBackTask, brought: ImportedClip) -> None:
    """Add the clip as a take and show it. Raises PlacementError, with the takes as they were."""
    if work.place.skip is not None:
        raise PlacementError(f"Only a part of {work.place.name} was restored, and a take shows all of it.")
    site = find_target(work.known, work.place)
    item = site.item
    if site.lanes.timeline.track_locked(site.track):
        raise PlacementError(f"Video track {site.track}, which holds {work.place.name}, is locked.", "Unlock it.")
    if our_take(item, brought.id):
        # Of an attempt that was cut off; what it shows is checked only while it is made.
        remove_take(item, brought.id, work.record.take_before)
    wanted = frames_wanted(work.place, site, source_clip(work.known, work.place, site), work.steps)
    speed = work.place.speed
    if speed != 1 and item.speed() is None:
        raise PlacementError(f"{work.place.name} is retimed, and this Resolve does not say how its takes run.")
    before = item.take()
    number = first_number(brought.properties)
    reader = ClipReadback(work.place.rate, site.lanes.rate, frame_count(brought.properties), number)
    with work.step("take", take=True, take_before=before, record=wanted.record):
        # A take with a frame more does no harm, where there is none without it.
        for most, (first, last) in product((0, 1), list(_spans(wanted, reader.number))):
            longest = len(wanted.frames) + most
            if _add(item, brought, first, last, longest) and _shows(item, reader, wanted, speed):
                work.learn(item=item.id())
                work.steps.say("take", f"Take {item.take()} of {work.place.name}; the source is take {before or 1}.")
                return
            if our_take(item, brought.id) and not remove_take(item, brought.id, before):
                raise PlacementError(f"A take of {work.place.name} that does not fit cannot be removed.", "Remove it.")
        work.learn(take=False)
    raise PlacementError("No take shows the restored frames where the original shows its own.")


def our_take(item: TimelineItem, clip: str) -> int:
    """The number of the take that is the clip with that id; 0 for none."""
    takes = enumerate(item.takes(), 1)
    return next((index for index, take in takes if take.clip is not None and take.clip.id() == clip), 0)


def shows_take(work: PutBackTask) -> bool:
    """Whether the original shows the take of ours."""
    clip = work.known.clips.of_job(work.record.job, work.path)
    lanes = work.known.timeline(work.place.timeline)
    found = None if lanes is None else lanes.item(work.place.item, work.place.track)
    return clip is not None and found is not None and 0 < our_take(found.item, clip.id()) == found.item.take()


def remove_take(item: TimelineItem, clip: str, before: int) -> bool:
    """Show the take again that was seen before, and remove ours; whether it is gone."""
    ours = our_take(item, clip)
    if not ours:
        return True
    item.select_take(before if before and before != ours else 1)
    item.delete_take(ours)
    return not our_take(item, clip)


def _spans(wanted: FrameMap, number: int) -> Iterator[tuple[int, int]]:
    """First and last frames to ask for: a version may keep one frame more than that."""
    frames = wanted.frames
    for base in dict.fromkeys((number, 0)):
        # What is seen first is the lowest frame, or the highest of an item that runs backwards.
        for start in dict.fromkeys((frames.start, wanted.frame(0))):
            for last in (frames.stop - 1, frames.stop - 2, frames.stop):
                if last >= start:
                    yield start + base, last + base


def _add(item: TimelineItem, brought: ImportedClip, first: int, last: int, longest: int) -> bool:
    """Whether there is a take of ours now, of that many frames at most, and it is seen."""
    item.add_take(brought.clip, first, last)
    index, takes = our_take(item, brought.id), item.takes()
    if not 0 < index <= len(takes):  # between two questions Resolve may quit, and then answers nothing
        return False
    take = takes[index - 1]
    if take.start is not None and take.end is not None and take.end - take.start + 1 > longest:
        return False
    return item.select_take(index) and item.take() == index


def _shows(item: TimelineItem, reader: ClipReadback, wanted: FrameMap, speed: Fraction) -> bool:
    """Whether the item lies where it lay, and shows what it should."""
    if (item.start(), item.duration()) != (wanted.record, wanted.duration):
        return False
    shown = reader.shown(item, speed)
    return shown is not None and shown.shows_as(wanted)
