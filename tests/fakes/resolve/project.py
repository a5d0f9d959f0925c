"""A project and the project manager."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from fakes.resolve.calls import Node, api
from fakes.resolve.clip import Clip
from fakes.resolve.item import Item
from fakes.resolve.pool import MediaPool
from fakes.resolve.queue import RenderCalls
from fakes.resolve.timeline import Timeline
from fakes.resolve.times import fps_number, rate_of
from fakes.resolve.tracks import Track
from fakes.resolve.world import World

__all__ = ["Project", "ProjectManager"]


class Project(RenderCalls):
    """current: the timeline that is open. rate: of new timelines."""

    kind = "Project"

    def __init__(self, world: World, name: str, rate: Fraction = Fraction(24), drop: bool = False) -> None:
        super().__init__(world)
        self.name, self.rate, self.drop = name, rate, drop
        self.size = (1920, 1080)
        self.pool = MediaPool(world, self)
        self.timelines: list[Timeline] = []
        self.current: Timeline | None = None
        self.settings: dict[str, str] = {
            "colorScienceMode": "davinciYRGB", "videoDataLevels": "Video", "timelinePixelAspectRatio": "square",
            "timelineInterlaceProcessing": "0", "imageEnableFieldProcessing": "0", "superScale": "0",
            "colorSpaceInput": "Rec.709 Gamma 2.4", "colorSpaceTimeline": "Rec.709 Gamma 2.4",
            "colorSpaceOutput": "Rec.709 Gamma 2.4",
        }  # fmt: skip

    def new_timeline(
        self, name: str, rate: Fraction | None = None, drop: bool | None = None, start: str = ""
    ) -> Timeline | None:
        """Empty, open, and with an item in the open bin; None where the name is taken."""
        if not name or any(each.name == name for each in self.timelines):
            return None
        rate = self.rate if rate is None else rate
        drop = self.drop if drop is None else drop
        made = Timeline(self.world, name, rate, drop, start or ("01:00:00;00" if drop else "01:00:00:00"), self.size)
        self._enter(made)
        return made

    def duplicate(self, original: Timeline, name: str) -> Timeline | None:
        """A copy with items of its own."""
        if any(each.name == name for each in self.timelines):
            return None
        made = Timeline(self.world, name, original.rate, original.drop, original.GetStartTimecode(), original.size)
        made.settings = dict(original.settings)
        made.markers = {frame: dict(each) for frame, each in original.markers.items()}
        made.marked = original.marked
        copies: dict[int, Item] = {}
        for kind, tracks in original.tracks.items():
            made.tracks[kind] = []
            for track in tracks:
                target = Track(kind, track.name)
                target.enabled, target.locked = track.enabled, track.locked
                made.tracks[kind].append(target)
                for item in track.items:
                    copies[id(item)] = made.put(target, _copied(item))
        for tracks in original.tracks.values():
            for item in [item for track in tracks for item in track.items]:
                copies[id(item)].linked = [copies[id(each)] for each in item.linked if id(each) in copies]
        was = self.current
        self._enter(made)
        if not self.world.quirks.duplicate_moves_current:
            self.current = was
        return made

    def compound(self, timeline: Timeline, items: list[Item], name: str) -> Item:
        """Items of one track into a clip of their own, in their place."""
        inner = Timeline(self.world, name, timeline.rate, timeline.drop, "01:00:00:00", timeline.size)
        first, stop = min(each.start for each in items), max(each.stop for each in items)
        target = items[0].track
        assert target is not None
        for each in items:
            target.remove(each)
            each.start += inner.start - first
            inner.put(inner.tracks["video"][0], each)
        clip = Clip(self.world, None, timeline.rate, name=name, type="Compound", timeline=inner)
        self.pool.current.clips.append(clip)
        return timeline.put(target, Item(self.world, name, first, stop - first, clip))

    def remove_timeline(self, timeline: Timeline) -> None:
        """Another one is open then."""
        self.timelines = [each for each in self.timelines if each is not timeline]
        if self.current is timeline:
            self.current = self.timelines[0] if self.timelines else None

    def _enter(self, timeline: Timeline) -> None:
        timeline.pool_item = Clip(
            self.world, None, timeline.rate, name=timeline.name, type="Timeline", timeline=timeline
        )
        self.pool.current.clips.append(timeline.pool_item)
        self.timelines.append(timeline)
        self.current = timeline

    # Resolve's own

    @api()
    def GetName(self) -> str:
        return self.name

    @api()
    def GetUniqueId(self) -> str:
        return self.id

    @api()
    def GetMediaPool(self) -> MediaPool:
        return self.pool

    @api()
    def GetTimelineCount(self) -> int:
        return len(self.timelines)

    @api()
    def GetTimelineByIndex(self, idx: int) -> Timeline | None:
        return self.timelines[idx - 1] if 1 <= idx <= len(self.timelines) else None

    @api()
    def GetCurrentTimeline(self) -> Timeline | None:
        return self.current

    @api()
    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        if timeline not in self.timelines:
            return False
        self.current = timeline
        return True

    @api(until=(21, 1))
    def GetSetting(self, settingName: str) -> Any:  # noqa: ANN401 - a number or text, as in Resolve
        return self.GetSettings().get(settingName, "")

    @api(until=(21, 1))
    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        return self.SetSettings({settingName: settingValue})

    @api(since=(21, 1))
    def GetSettings(self) -> dict[str, Any]:
        return self.settings | {
            "timelineFrameRate": fps_number(self.rate),
            "timelineDropFrameTimecode": "1" if self.drop else "0",
            "timelineResolutionWidth": str(self.size[0]),
            "timelineResolutionHeight": str(self.size[1]),
        }

    @api(since=(21, 1))
    def SetSettings(self, settings: dict[str, str]) -> bool:
        """The rate is fixed once there is media or a timeline."""
        if "timelineFrameRate" in settings:
            if self.timelines or self.pool.clips():
                return False
            self.rate = rate_of(settings["timelineFrameRate"])
            self.drop = "DF" in settings["timelineFrameRate"]
        width, height = (settings.get(f"timelineResolution{each}", "") for each in ("Width", "Height"))
        self.size = (int(width or self.size[0]), int(height or self.size[1]))
        self.settings |= {name: value for name, value in settings.items() if not name.startswith("timeline")}
        return True


class ProjectManager(Node):
    """Of one project, which is all that is open."""

    kind = "ProjectManager"

    @api()
    def GetCurrentProject(self) -> Project | None:
        return self.world.project

    @api()
    def SaveProject(self) -> bool:
        project = self.world.project
        if project is None:
            return False
        if project.name == "Untitled Project":
            if self.world.quirks.untitled_save == "hang":
                self.world.block()
            return False
        if self.world.quirks.save_fails:
            return False
        self.world.save()
        return True

    @api()
    def GetCurrentDatabase(self) -> dict[str, str]:
        return {"DbType": "Disk", "DbName": "Local Database"}

    @api()
    def GetProjectListInCurrentFolder(self) -> list[str]:
        return [] if self.world.project is None else [self.world.project.name]


def _copied(item: Item) -> Item:
    made = Item(item.world, item.name, item.start, item.duration, item.original, item.warp, item.type)
    made.enabled, made.grade, made.colour = item.enabled, item.grade, item.colour
    made.properties, made.flags = dict(item.properties), list(item.flags)
    made.markers = {frame: dict(each) for frame, each in item.markers.items()}
    made.takes, made.take, made.fusion_comps = list(item.takes), item.take, item.fusion_comps
    return made
