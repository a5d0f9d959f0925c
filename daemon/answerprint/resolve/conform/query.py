"""Ask Resolve for facts, each once: 18 calls for an item (16 before 21.1), 4 more for each new clip.

Calls on many items are pipelined, so that no call waits for the answer to the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.resolve.api import MediaPoolItem, Project, Timeline, TimelineItem, pipelined
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, TimelineFacts
from answerprint.resolve.conform.rates import is_drop, pixel_aspect, rate
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.placement import marked_jobs, own_metadata

__all__ = ["FactsQuery"]

_ITEM_CALLS = (
    ("GetMediaPoolItem",),
    ("GetLeftOffset", True),
    ("GetSourceStartTime",),
    ("GetSourceEndTime",),
    ("GetUniqueId",),
    ("GetName",),
    ("GetStart",),
    ("GetEnd",),
    ("GetDuration",),
    ("GetSourceStartFrame",),
    ("GetSourceEndFrame",),
    ("GetSpeed",),
    ("GetType",),
    ("GetClipEnabled",),
    ("GetFusionCompCount",),
    ("GetMarkers",),
)


class FactsQuery:
    """Reads the facts of one project. It reads each clip once, however many items use it."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._clips: dict[str, ClipFacts] = {}

    def timeline(self, timeline: Timeline) -> TimelineFacts:
        """Read a timeline. Raises ResolveError if Resolve does not return its rate, or a value that is not valid."""
        start_timecode, written = timeline.start_timecode(), self._setting(timeline, "timelineFrameRate")
        size = (self._side(timeline, "timelineResolutionWidth"), self._side(timeline, "timelineResolutionHeight"))
        try:
            exact = rate(written)
            aspect_text = self._setting(timeline, "timelinePixelAspectRatio")
            aspect = pixel_aspect(aspect_text, size) if aspect_text else Fraction(1)
        except InputError as error:
            raise ResolveError(f"The timeline's settings are not valid: {error.message}", error.remedy) from error
        drop = is_drop(start_timecode, written) or timeline.setting("timelineDropFrameTimecode") in ("1", "True")
        return TimelineFacts(
            id=timeline.id(),
            name=timeline.name(),
            project=self._project.id(),
            project_name=self._project.name(),
            rate=exact,
            drop=drop and exact.denominator == 1001,
            start=timeline.start(),
            start_timecode=start_timecode,
            size=size,
            pixel_aspect=aspect,
        )

    def _setting(self, timeline: Timeline, name: str) -> str:
        """The setting of the timeline, or of the project if the timeline has none."""
        return timeline.setting(name) or self._project.setting(name)

    def _side(self, timeline: Timeline, name: str) -> int:
        """A side of the picture in px, 0 if unknown."""
        text = self._setting(timeline, name)
        try:
            return int(Fraction(text)) if text else 0
        except (ValueError, ZeroDivisionError):
            raise ResolveError(
                f"The timeline's {name} is {text!r}, not a number.", "Set the resolution in the timeline's settings."
            ) from None

    def item(self, item: TimelineItem, track: int = 0) -> ItemFacts:
        """Read an item. track: its video track, 0 to ask Resolve for it. Raises ResolveError."""
        return self.items([(track, item)])[0]

    def items(self, found: Sequence[tuple[int, TimelineItem]]) -> list[ItemFacts]:
        """Read several items, each with its track as in `item`."""
        with pipelined([item for _, item in found], *_ITEM_CALLS):
            clips = [item.clip() for _, item in found]
            facts = iter(self.clips([clip for clip in clips if clip is not None]))
            return [
                self._item(item, track, None if clip is None else next(facts))
                for (track, item), clip in zip(found, clips, strict=True)
            ]

    def _item(self, item: TimelineItem, track: int, clip: ClipFacts | None) -> ItemFacts:
        if not track:
            kind, index = item.track() or ("", 0)
            track = index if kind == "video" else 0
        left = item.left_offset(precise=True)
        source_start_seconds, source_end_seconds = item.source_times()
        return ItemFacts(
            id=item.id(),
            name=item.name(),
            track=track,
            start=item.start(),
            end=item.end(),
            duration=item.duration(),
            left_offset=item.left_offset() if left is None else left,
            source_start=item.source_start(),
            source_end=item.source_end(),
            source_start_seconds=source_start_seconds,
            source_end_seconds=source_end_seconds,
            speed=item.speed(),
            type=item.type(),
            enabled=item.enabled(),
            fusion_comps=item.fusion_comps(),
            clip=clip,
            job=next(iter(marked_jobs(item)), ""),
        )

    def clip(self, clip: MediaPoolItem) -> ClipFacts:
        """Read a clip of the media pool. Raises ResolveError."""
        return self.clips([clip])[0]

    def clips(self, clips: Sequence[MediaPoolItem]) -> list[ClipFacts]:
        """Read several clips of the media pool. Raises ResolveError."""
        with pipelined(clips, ("GetUniqueId",)):
            ids = [clip.id() for clip in clips]
        first: dict[str, MediaPoolItem] = {}
        for number, (id, clip) in enumerate(zip(ids, clips, strict=True)):
            first.setdefault(id or str(number), clip)  # clips without an id count as different ones
        new = [clip for id, clip in first.items() if id not in self._clips]
        with pipelined(new, ("GetClipProperty",), ("GetName",), ("GetThirdPartyMetadata",)):
            return [self._clip(id, clip) for id, clip in zip(ids, clips, strict=True)]

    def _clip(self, id: str, clip: MediaPoolItem) -> ClipFacts:
        if not id or id not in self._clips:
            properties = clip.properties()
            # Only a clip without a file can be a timeline.
            is_timeline = not properties.get("File Path") and clip.timeline()
            self._clips[id] = ClipFacts(id, clip.name(), properties, is_timeline, own_metadata(clip.notes()))
        return self._clips[id]
