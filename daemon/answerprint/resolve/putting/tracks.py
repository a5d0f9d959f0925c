"""A video track for restored items: above the original, below what is meant to lie over it."""

from __future__ import annotations

from dataclasses import dataclass

from ..api import Timeline
from .lanes import Lanes
from .names import TRACK
from .outcome import RefusedError, Steps

__all__ = ["Choice", "choose_track", "make_track", "name_track", "undo_track"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The number of a track. new: it has to be made, those from there on then being one higher."""

    track: int
    new: bool


def choose_track(lanes: Lanes, original: int, first: int, stop: int) -> Choice:
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
        return Choice(free, new=False)
    return Choice(count + 1 if over is None else over, new=True)


def make_track(timeline: Timeline, choice: Choice, steps: Steps) -> None:
    """Make a new track where it was chosen to be. Raises RefusedError, with the tracks as they were."""
    count = timeline.tracks()
    at_top = choice.track == count + 1
    timeline.add_track() if at_top else timeline.add_track(index=choice.track)
    now = timeline.tracks()
    if now != count + 1:
        raise RefusedError("Resolve adds no video track.", "Look whether the timeline can be changed.")
    if timeline.items(choice.track):
        # An older version ignores the number: its new track is the topmost, where it would cover titles.
        timeline.delete_track(now)
        raise RefusedError(
            "Something lies above the original, and this Resolve makes new tracks only on top of all.",
            "Add a video track above the original yourself and drag the clip there from its bin.",
        )
    name_track(timeline, choice.track, steps)


def name_track(timeline: Timeline, track: int, steps: Steps) -> None:
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
