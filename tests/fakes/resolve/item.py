"""An item on a timeline: what it is, and what Resolve says of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

from fakes.resolve.calls import api, known_keys
from fakes.resolve.clip import Clip
from fakes.resolve.extents import ExtentCalls
from fakes.resolve.grades import Graded
from fakes.resolve.marks import Coloured
from fakes.resolve.shown_frames import Shown, Warp
from fakes.resolve.takes import Take, TakeCalls
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.timeline import Timeline
    from fakes.resolve.tracks import Track

__all__ = ["Item"]

_PROPERTIES: dict[str, object] = {
    "Pan": 0.0, "Tilt": 0.0, "ZoomX": 1.0, "ZoomY": 1.0, "ZoomGang": True, "RotationAngle": 0.0, "AnchorPointX": 0.0,
    "AnchorPointY": 0.0, "Pitch": 0.0, "Yaw": 0.0, "FlipX": False, "FlipY": False, "CropLeft": 0.0, "CropRight": 0.0,
    "CropTop": 0.0, "CropBottom": 0.0, "CropSoftness": 0.0, "CropRetain": False, "DynamicZoomEase": 0,
    "CompositeMode": 0, "Opacity": 100.0, "Distortion": 0.0, "RetimeProcess": 0, "MotionEstimation": 0, "Scaling": 0,
    "ResizeFilter": 0,
}  # fmt: skip
_SPEED_KEYS = ("Percentage", "PitchCorrection", "StretchKeyframesToFit", "RippleTimeline")


class Item(ExtentCalls, TakeCalls, Graded, Coloured):
    """start: absolute record frame; duration: record frames. track None: it is on no track (hollow, or deleted)."""

    kind = "TimelineItem"

    def __init__(
        self,
        world: World,
        name: str,
        start: int,
        duration: int,
        clip: Clip | None = None,
        warp: Warp | None = None,
        type: str = "video",
    ) -> None:
        super().__init__(world)
        self.name, self.type = name, type
        self.start, self.duration = start, duration
        self.original = clip
        self.warp = warp or Warp(Fraction(0))
        self.track: Track | None = None
        self.timeline: Timeline | None = None
        self.enabled = True
        self.properties = dict(_PROPERTIES)
        self.linked: list[Item] = []
        self.fusion_comps = 0
        self.takes: list[Take] = []
        self.take = 0
        low = world.quirks.source_start_low
        self.reads_low = low == "all" or (low == "some" and world.next_serial() % 2 == 0)

    @property
    def hollow(self) -> bool:
        """Whether it is on no track."""
        return self.track is None

    @property
    def clip(self) -> Clip | None:
        """What is seen: the selected take's, or what the item was made of."""
        return self.takes[self.take - 1].clip if self.take else self.original

    @property
    def shown_warp(self) -> Warp:
        """The map of what is seen."""
        if not self.take:
            return self.warp
        return replace(self.warp, entry=self.takes[self.take - 1].entry)

    def shown_at(self, record: int) -> Shown | None:
        """What it shows at a record frame; of a nested timeline, what that one shows."""
        clip, frame = self.clip, self.shown_warp.shown(record - self.start)
        if clip is None:
            return None
        if clip.timeline is not None:
            inner = clip.timeline.top(clip.timeline.start + frame)
            return None if inner is None else inner.shown_at(clip.timeline.start + frame)
        return Shown(clip.path, 0 if clip.media is not None and clip.media.kind == "still" else frame)

    # Resolve's own: what it is

    @api()
    def GetName(self) -> str | None:
        return None if self.hollow else self.name

    @api(since=(20,))
    def SetName(self, name: str) -> bool:
        if self.hollow:
            return False
        self.name = name
        return True

    @api()
    def GetUniqueId(self) -> str:
        return "" if self.hollow else self.id

    @api(since=(21, 1))
    def GetType(self) -> str | None:
        return None if self.hollow else self.type

    @api()
    def GetMediaPoolItem(self) -> Clip | None:
        return None if self.hollow else self.clip

    @api(since=(18, 5))
    def GetTrackTypeAndIndex(self) -> list[Any] | None:
        if self.track is None or self.timeline is None:
            return None
        return [self.track.kind, self.timeline.tracks[self.track.kind].index(self.track) + 1]

    # Resolve's own: its speed

    @api(since=(21, 1))
    def GetSpeed(self) -> dict[str, Any]:
        """A ramp has one percentage too: its mean."""
        still = self.clip is not None and self.clip.media is not None and self.clip.media.kind == "still"
        speed = Fraction(1) if still and self.world.quirks.stills_run else self.warp.speed
        mean = (self.warp.at(self.duration) - self.warp.entry) / self.warp.ratio / max(1, self.duration)
        percentage = float(100 * (mean if speed is None else speed))
        return {
            "Percentage": percentage, "PitchCorrection": True, "StretchKeyframesToFit": False, "RippleTimeline": False,
        }  # fmt: skip

    @api(since=(21, 1))
    def SetSpeed(self, speed: dict[str, Any]) -> bool:
        """The item keeps its first record frame; its length follows the speed unless the neighbours are in the way."""
        if not known_keys(self.world, "TimelineItem.SetSpeed", speed, _SPEED_KEYS) or not self.changeable():
            return False
        # Reversed, it begins with what it ended with.
        new, old = Fraction(str(speed.get("Percentage", 100))) / 100, self.warp.speed
        if old is None or self.take:
            return False
        old_duration = self.duration
        if new and old:
            longer = floor(self.duration * abs(old / new))
            assert self.track is not None
            self.duration = max(1, min(longer, self.track.room_after(self)))
        entry = self.warp.entry
        if new * old < 0:
            entry = self.warp.at(old_duration) - self.warp.ratio * (1 if old > 0 else -1)
        self.warp = Warp(entry, self.warp.ratio, ((0, new),))
        return True

    # Resolve's own: how it looks

    @api()
    def GetProperty(self, propertyKey: str | None = None) -> Any:  # noqa: ANN401
        if self.hollow:
            return None
        return dict(self.properties) if not propertyKey else self.properties.get(propertyKey)

    @api()
    def SetProperty(self, propertyKey: str, propertyValue: object) -> bool:
        return self.SetProperties({propertyKey: propertyValue})

    @api(since=(21, 1))
    def GetProperties(self) -> dict[str, Any] | None:
        return None if self.hollow else dict(self.properties)

    @api(since=(21, 1))
    def SetProperties(self, properties: dict[str, Any]) -> bool:
        known = known_keys(self.world, "TimelineItem.SetProperties", properties, _PROPERTIES)
        numbers = all(isinstance(each, (bool, int, float)) for each in properties.values())
        if not numbers:
            self.world.violated(f"TimelineItem.SetProperties: {properties} are not numbers")
        if not known or not numbers or not self.changeable():
            return False
        self.properties |= properties
        return True

    @api(since=(18, 5))
    def GetClipEnabled(self) -> bool:
        return self.enabled and not self.hollow

    @api(since=(18, 5))
    def SetClipEnabled(self, Bool: bool) -> bool:
        if not self.changeable():
            return False
        self.enabled = Bool
        return True

    @api(since=(18, 5))
    def GetLinkedItems(self) -> list[Item]:
        return [each for each in self.linked if not each.hollow]

    @api()
    def GetFusionCompCount(self) -> int:
        return self.fusion_comps

    @api()
    def CopyGrades(self, tgtTimelineItems: list[Item]) -> bool:
        if self.hollow or any(each.hollow or each.timeline is not self.timeline for each in tgtTimelineItems):
            return False
        for each in tgtTimelineItems:
            each.grade = self.grade
        return True

    def changeable(self) -> bool:
        """Whether it is on a track that is not locked."""
        return self.track is not None and not self.track.locked
