"""A timeline, and its builder for tests."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from fakes.resolve import export
from fakes.resolve.calls import api, known_keys
from fakes.resolve.item import Item
from fakes.resolve.marks import Marked
from fakes.resolve.timeline_edits import TimelineEdits
from fakes.resolve.times import fps_number, label, labelled
from fakes.resolve.track_calls import TrackCalls
from fakes.resolve.tracks import Track
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.clip import Clip

__all__ = ["Timeline"]

_PAGES_WITH_TIMECODE = ("cut", "edit", "color", "fairlight", "deliver")


class Timeline(TimelineEdits, TrackCalls, Marked):
    """start: its first record frame, counted from midnight."""

    kind = "Timeline"

    def __init__(self, world: World, name: str, rate: Fraction, drop: bool, start: str, size: tuple[int, int]) -> None:
        super().__init__(world)
        self.name, self.rate, self.drop, self.size = name, rate, drop, size
        self.start = labelled(start, rate).frames
        self.tracks: dict[str, list[Track]] = {
            "video": [Track("video", "Video 1")], "audio": [Track("audio", "Audio 1")], "subtitle": [],
        }  # fmt: skip
        self.pool_item: Clip | None = None
        self.selection: list[Item] = []
        self.marked: tuple[int, int] | None = None
        self.under_playhead = self.start
        self.settings: dict[str, str] = {
            "timelinePixelAspectRatio": "square", "timelineInterlaceProcessing": "0", "useCustomSettings": "1",
            "colorScienceMode": "davinciYRGB", "videoDataLevels": "Video", "imageEnableFieldProcessing": "0",
        }  # fmt: skip

    @property
    def end(self) -> int:
        """The record frame after the last one."""
        return max((each.stop for each in self.all_items()), default=self.start)

    def all_items(self) -> list[Item]:
        """On all tracks."""
        return [item for tracks in self.tracks.values() for track in tracks for item in track.items]

    def top(self, frame: int) -> Item | None:
        """The topmost video item that is seen at a record frame."""
        for track in reversed(self.tracks["video"]):
            found = track.at(frame)
            if track.enabled and found is not None and found.enabled:
                return found
        return None

    def setting(self, name: str) -> Any:  # noqa: ANN401 - a number or text, as in Resolve
        """A setting as it is read."""
        fixed = {
            "timelineFrameRate": fps_number(self.rate),
            "timelinePlaybackFrameRate": str(fps_number(self.rate)),
            "timelineDropFrameTimecode": "1" if self.drop else "0",
            "timelineResolutionWidth": str(self.size[0]),
            "timelineResolutionHeight": str(self.size[1]),
        }
        return fixed.get(name, self.settings.get(name, ""))

    # Resolve's own

    @api()
    def GetName(self) -> str:
        return self.name

    @api()
    def SetName(self, timelineName: str) -> bool:
        if self.world.project is None or any(each.name == timelineName for each in self.world.project.timelines):
            return False
        self.name = timelineName
        return True

    @api()
    def GetUniqueId(self) -> str:
        return self.id

    @api()
    def GetStartFrame(self) -> int:
        return self.start

    @api()
    def GetEndFrame(self) -> int:
        return self.end

    @api()
    def GetStartTimecode(self) -> str:
        return label(self.start, self.rate, self.drop)

    @api(since=(18,))
    def SetStartTimecode(self, timecode: str) -> bool:
        moved = labelled(timecode, self.rate).frames - self.start
        self.start += moved
        self.under_playhead += moved
        for each in self.all_items():
            each.start += moved
        return True

    @api(until=(21, 1))
    def GetSetting(self, settingName: str) -> Any:  # noqa: ANN401
        return self.setting(settingName)

    @api(until=(21, 1))
    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        return self.SetSettings({settingName: settingValue})

    @api(since=(21, 1))
    def GetSettings(self) -> dict[str, Any]:
        names = (
            "timelineFrameRate",
            "timelineResolutionWidth",
            "timelineResolutionHeight",
            "timelineDropFrameTimecode",
        )
        return {name: self.setting(name) for name in (*names, *self.settings)}

    @api(since=(21, 1))
    def SetSettings(self, settings: dict[str, str]) -> bool:
        if not settings or "timelineFrameRate" in settings:  # fixed once there is a timeline
            return False
        width, height = (settings.get(f"timelineResolution{each}", "") for each in ("Width", "Height"))
        self.size = (int(width or self.size[0]), int(height or self.size[1]))
        self.settings |= {name: value for name, value in settings.items() if not name.startswith("timelineResolution")}
        return True

    @api(since=(20,))
    def GetMediaPoolItem(self) -> Clip | None:
        return self.pool_item

    @api(since=(21, 0, 4))
    def GetSelectedClips(self) -> list[Item]:
        return [each for each in self.selection if not each.hollow]

    @api()
    def GetCurrentVideoItem(self) -> Item | None:
        return self.top(self.under_playhead) if self.world.page in _PAGES_WITH_TIMECODE else None

    @api()
    def GetCurrentTimecode(self) -> str | None:
        return label(self.under_playhead, self.rate, self.drop) if self.world.page in _PAGES_WITH_TIMECODE else None

    @api()
    def SetCurrentTimecode(self, timecode: str) -> bool:
        if self.world.page not in _PAGES_WITH_TIMECODE:
            return False
        self.under_playhead = labelled(timecode, self.rate).frames
        return True

    @api(since=(20,))
    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        if self.marked is None:
            return {}
        both = {"in": self.marked[0], "out": self.marked[1]}
        return {"video": dict(both), "audio": dict(both)}

    @api(since=(20,))
    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        self.marked = (mark_in, mark_out)
        return True

    @api(since=(20,))
    def ClearMarkInOut(self, type: str = "all") -> bool:
        self.marked = None
        return True

    @api(since=(18, 5))
    def DeleteClips(self, timelineItems: list[Item], Bool: bool = False) -> bool:
        """Bool: ripple, which is not modelled: what lies later would move."""
        quirks = self.world.quirks
        if quirks.delete_only_on_edit_page and self.world.page != "edit":
            return False
        key = ("DeleteClips", frozenset(each.id for each in timelineItems))
        if quirks.delete_fails_first and key not in self.world.attempts:
            self.world.attempts.add(key)
            return False
        if Bool:
            self.world.violated("Timeline.DeleteClips: ripple moves the user's other clips")
        if not timelineItems or any(not each.changeable() or each.timeline is not self for each in timelineItems):
            return False
        for each in timelineItems:
            assert each.track is not None
            each.track.remove(each)
        return True

    @api(since=(18, 5))
    def SetClipsLinked(self, timelineItems: list[Item], Bool: bool) -> bool:
        if not timelineItems or any(each.hollow for each in timelineItems):
            return False
        for each in timelineItems:
            others = [other for other in timelineItems if other is not each]
            kept = [other for other in each.linked if other not in timelineItems]
            for other in each.linked:
                if not Bool:
                    other.linked = [one for one in other.linked if one is not each]
            each.linked = kept + others if Bool else []
        return True

    @api()
    def DuplicateTimeline(self, timelineName: str = "") -> Timeline | None:
        project = self.world.project
        return None if project is None else project.duplicate(self, timelineName or f"{self.name} copy")

    @api()
    def Export(self, fileName: str, exportType: float, exportSubtype: float) -> bool:
        return export.write(self, fileName, int(exportType), int(exportSubtype))

    @api(since=(18, 5))
    def CreateCompoundClip(self, timelineItems: list[Item], clipInfo: dict[str, str] | None = None) -> Item | None:
        """Of items on one track; they are in a timeline of its own then."""
        info = clipInfo or {}
        if not known_keys(self.world, "Timeline.CreateCompoundClip", info, ("startTimecode", "name")):
            return None
        lanes = {id(each.track) for each in timelineItems}
        if self.world.project is None or len(lanes) != 1 or any(not each.changeable() for each in timelineItems):
            return None
        return self.world.project.compound(self, timelineItems, info.get("name", "Compound Clip 1"))
