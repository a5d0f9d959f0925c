"""A timeline: its tracks, items and markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answerprint.resolve.api.item import TimelineItem
from answerprint.resolve.api.values import Handle, objects
from answerprint.resolve.bridge.bridge import BridgeValue

__all__ = ["Timeline"]


class Timeline(Handle):
    """Frames are absolute record frames: the first one is `start`."""

    def name(self) -> str:
        """Its name as shown in the media pool."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id."""
        return self.text("GetUniqueId")

    def start(self) -> int:
        """First record frame."""
        return self.whole("GetStartFrame")

    def end(self) -> int:
        """Record frame after the last one."""
        return self.whole("GetEndFrame")

    def start_timecode(self) -> str:
        """Timecode of the first record frame."""
        return self.text("GetStartTimecode")

    def timecode(self) -> str:
        """Timecode of the playhead, "" on pages that have none."""
        return self.text("GetCurrentTimecode")

    def setting(self, name: str) -> str:
        """A setting as text, "" for none; without a setting of its own, a timeline returns the project's."""
        answer = self.ask("GetSetting", name) if self.offers("GetSetting") else self.table("GetSettings").get(name)
        return "" if answer is None else str(answer)

    def tracks(self) -> int:
        """The number of video tracks; they count from 1."""
        return self.whole("GetTrackCount", "video")

    def items(self, track: int) -> list[TimelineItem]:
        """The items of a video track, in order of time."""
        return [TimelineItem(each) for each in objects(self.ask("GetItemListInTrack", "video", track))]

    def item_at_playhead(self) -> TimelineItem | None:
        """The video item under the playhead."""
        found = self.found("GetCurrentVideoItem")
        return None if found is None else TimelineItem(found)

    def selected(self) -> list[TimelineItem] | None:
        """The selected items; None before 21.0.4, which cannot tell."""
        if not self.offers("GetSelectedClips"):
            return None
        return [TimelineItem(each) for each in objects(self.ask("GetSelectedClips"))]

    def marks(self) -> tuple[int, int] | None:
        """In and Out of the video, both inclusive, relative to `start`; None if not set, and before version 20."""
        if not self.offers("GetMarkInOut"):
            return None
        video = self.table("GetMarkInOut").get("video")
        if not isinstance(video, Mapping):
            return None
        first, last = video.get("in"), video.get("out")
        if not (isinstance(first, (int, float)) and isinstance(last, (int, float))):
            return None
        return round(first), round(last)

    def add_track(self, index: int | None = None) -> bool:
        """Add a video track: on top, or as number `index`, which moves that track and those above it up."""
        return self.done("AddTrack", "video", *(() if index is None else ({"index": index},)))

    def delete_track(self, index: int) -> bool:
        """Delete a video track and everything on it."""
        return self.done("DeleteTrack", "video", index)

    def track_name(self, index: int) -> str:
        """The name of a video track."""
        return self.text("GetTrackName", "video", index)

    def name_track(self, index: int, name: str) -> bool:
        """Rename a video track."""
        return self.done("SetTrackName", "video", index, name)

    def track_enabled(self, index: int) -> bool:
        """Whether a video track is enabled."""
        return self.done("GetIsTrackEnabled", "video", index)

    def track_locked(self, index: int) -> bool:
        """Whether a video track is locked."""
        return self.done("GetIsTrackLocked", "video", index)

    def delete_items(self, items: Sequence[TimelineItem]) -> bool:
        """Delete items and leave gaps; works on the Edit page only."""
        return self.done("DeleteClips", [each.remote for each in items], False)

    def link(self, items: Sequence[TimelineItem], linked: bool) -> bool:
        """Link items with each other, or unlink them."""
        return self.done("SetClipsLinked", [each.remote for each in items], linked)

    def export(self, path: str, kind: BridgeValue, subtype: BridgeValue) -> bool:
        """Export an edit list; kind and subtype are constants of Resolve's API."""
        return self.done("Export", path, kind, subtype, seconds=120.0)
