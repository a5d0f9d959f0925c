"""What the user does on a timeline: place, move, trim and select items."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from fakes.resolve.clip import Clip
from fakes.resolve.item import Item
from fakes.resolve.shown_frames import Warp
from fakes.resolve.times import labelled
from fakes.resolve.tracks import Track
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.timeline import Timeline

__all__ = ["TimelineEdits"]


class TimelineEdits:
    """The user's edits, which are not part of Resolve's API."""

    world: World
    rate: Fraction
    start: int
    tracks: dict[str, list[Track]]
    selection: list[Item]
    marked: tuple[int, int] | None
    under_playhead: int

    def place(
        self,
        clip: Clip,
        track: int = 1,
        record: int | None = None,
        source: tuple[int | Fraction, int | Fraction] | None = None,
        speed: Fraction | int | Sequence[tuple[int, Fraction | int]] = 1,
        *,
        duration: int | None = None,
        audio: bool | None = None,
    ) -> Item:
        """Place a clip on a video track, which is created if missing; returns the fake's own item.

        record: absolute; by default after what is on the track. source: frames of the file from 0, stop exclusive; a
        reversed item begins with the last of them, a freeze shows the first. speed: 1 is normal; several for a ramp,
        each with its record frames. duration: record frames, by default all of source, whole frames only. audio:
        whether the clip's sound comes along, linked; by default when it has any.
        """
        ratio = Fraction(1) if clip.media is not None and clip.media.kind == "still" else clip.fps / self.rate
        first, stop = source if source is not None else (clip.first, clip.first + clip.frames)
        pieces = (
            ((0, Fraction(speed)),) if isinstance(speed, (int, Fraction)) else tuple((n, Fraction(s)) for n, s in speed)
        )
        if clip.media is not None and clip.media.kind == "still":
            pieces = ((0, Fraction(0)),)
        pace = pieces[0][1]
        entry = Fraction(stop - 1) if pace < 0 else Fraction(first)
        if duration is None and not isinstance(speed, (int, Fraction)):
            duration = sum(n for n, _ in pieces)
        if duration is None:
            duration = floor((stop - first) / ratio / abs(pace)) if pace else int(stop - first)
        target = self.ensure_track("video", track)
        at = max((each.stop for each in target.items), default=self.start) if record is None else record
        item = self.put(target, Item(self.world, clip.name, at, duration, clip, Warp(entry, ratio, pieces)))
        sound = self.ensure_track("audio", track)
        if audio is None:
            audio = bool(clip.media and clip.media.has_audio) and sound.free(at, at + duration)
        if audio:
            other = self.put(sound, Item(self.world, clip.name, at, duration, clip, item.warp, "audio"))
            item.linked, other.linked = [other], [item]
        return item

    def place_generator(
        self, name: str = "Text+", track: int = 1, record: int | None = None, duration: int = 50
    ) -> Item:
        """Place a title, generator or adjustment clip: an item without a clip."""
        target = self.ensure_track("video", track)
        at = max((each.stop for each in target.items), default=self.start) if record is None else record
        return self.put(target, Item(self.world, name, at, duration, type="generator"))

    def put(self, track: Track, item: Item) -> Item:
        """Add an item to a track, which must be free there."""
        assert track.free(item.start, item.stop), "items on a track never overlap"
        item.timeline = self.as_timeline()
        track.add(item)
        return item

    def ensure_track(self, kind: str, index: int) -> Track:
        """The track with this number; creates it and all below it if missing."""
        while len(self.tracks[kind]) < index:
            self.tracks[kind].append(Track(kind, f"{kind.title()} {len(self.tracks[kind]) + 1}"))
        return self.tracks[kind][index - 1]

    def move(self, item: Item, record: int) -> None:
        """Drag an item along its track."""
        target = item.track
        assert target is not None
        target.items.remove(item)
        item.start = record
        self.put(target, item)

    def trim(self, item: Item, head: int = 0, tail: int = 0) -> None:
        """Trim record frames off an item's ends, or extend it (below 0)."""
        item.warp = Warp(item.warp.at(head), item.warp.ratio, item.warp.pieces)
        item.start += head
        item.duration -= head + tail

    def remove(self, item: Item) -> None:
        """Delete an item."""
        assert item.track is not None
        item.track.remove(item)

    def select(self, *items: Item) -> None:
        """Select these and nothing else."""
        self.selection = list(items)

    def marks(self, first: int | None, last: int | None = None) -> None:
        """Set In and Out, relative to the timeline's start, both inclusive; None clears them."""
        self.marked = None if first is None or last is None else (first, last)

    def playhead(self, record: int | str) -> None:
        """Move the playhead to a record frame or a timecode."""
        self.under_playhead = labelled(record, self.rate).frames if isinstance(record, str) else record

    def as_timeline(self) -> Timeline:
        """Itself."""
        return self  # type: ignore[return-value]
