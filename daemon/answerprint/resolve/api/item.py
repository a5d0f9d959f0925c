"""An item on a timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from answerprint.resolve.api.clip import MediaPoolItem
from answerprint.resolve.api.values import Handle, objects, texts
from answerprint.resolve.bridge.bridge import BridgeValue, Remote

__all__ = ["Take", "TimelineItem"]


@dataclass(frozen=True, slots=True)
class Take:
    """A take of an item. start, end: source frames, None if Resolve does not return them."""

    start: float | None
    end: float | None
    clip: MediaPoolItem | None


class TimelineItem(Handle):
    """Record frames are absolute. A number is None if Resolve does not return it: the item may be hollow."""

    def name(self) -> str:
        """Its name as shown on the timeline."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id; "" for a hollow item, which is on no track."""
        return self.text("GetUniqueId")

    def type(self) -> str:
        """video, audio, generator, transition; "" before 21.1."""
        return self.text("GetType") if self.offers("GetType") else ""

    def clip(self) -> MediaPoolItem | None:
        """Its clip in the media pool; None for generators, titles, transitions, adjustment clips."""
        found = self.found("GetMediaPoolItem")
        return None if found is None else MediaPoolItem(found)

    def track(self) -> tuple[str, int] | None:
        """Kind and number of its track, None if this version does not tell."""
        if not self.offers("GetTrackTypeAndIndex"):
            return None
        answer = self.ask("GetTrackTypeAndIndex")
        if isinstance(answer, Sequence) and len(answer) == 2 and isinstance(answer[1], (int, float)):
            return str(answer[0]), round(answer[1])
        return None

    def start(self) -> float | None:
        """First record frame."""
        return self.number("GetStart")

    def end(self) -> float | None:
        """Record frame after the last one."""
        return self.number("GetEnd")

    def duration(self) -> float | None:
        """Length in record frames."""
        return self.number("GetDuration")

    def left_offset(self, precise: bool = False) -> float | None:
        """How far it could be extended to the left; in timeline frames if the rates differ. precise: with subframes."""
        return self.number("GetLeftOffset", True) if precise else self.number("GetLeftOffset")

    def source_start(self) -> float | None:
        """First source frame; some versions return one less."""
        return self.number("GetSourceStartFrame")

    def source_end(self) -> float | None:
        """Last source frame, or the one after it, depending on the version."""
        return self.number("GetSourceEndFrame")

    def source_times(self) -> tuple[float | None, float | None]:
        """Start and end in seconds of source time, counted from timecode zero."""
        return self.number("GetSourceStartTime"), self.number("GetSourceEndTime")

    def speed(self) -> float | None:
        """Speed in per cent: 0 for a freeze frame, below 0 for reverse; None before 21.1."""
        if not self.offers("GetSpeed"):
            return None
        percentage = self.table("GetSpeed").get("Percentage")
        return float(percentage) if isinstance(percentage, (int, float)) else None

    def set_speed(self, percentage: float) -> bool:
        """Retime it without moving other items; 21.1 and later. percentage: as `speed`."""
        return self.done("SetSpeed", {"Percentage": percentage, "RippleTimeline": False})

    def properties(self) -> dict[str, str]:
        """Its values in the Inspector, as text."""
        return texts(self.table(self.properties_call))

    @property
    def properties_call(self) -> str:
        """The name of that call in this version."""
        return "GetProperties" if self.offers("GetProperties") else "GetProperty"

    def set_property(self, name: str, value: BridgeValue) -> bool:
        """Change a value in the Inspector."""
        if self.offers("SetProperties"):
            return self.done("SetProperties", {name: value})
        return self.done("SetProperty", name, value)

    def enabled(self) -> bool:
        """Whether it is enabled."""
        return self.done("GetClipEnabled")

    def enable(self, on: bool) -> bool:
        """Enable or disable it."""
        return self.done("SetClipEnabled", on)

    def colour(self) -> str:
        """Clip colour, "" for none."""
        return self.text("GetClipColor")

    def flags(self) -> list[str]:
        """The colours of its flags and of its clip's flags: Resolve's own menu flags the clip in the media pool."""
        clip = self.clip()
        return [*self.listed("GetFlagList"), *(() if clip is None else clip.listed("GetFlagList"))]

    def markers(self) -> dict[float, dict[str, BridgeValue]]:
        """Its markers by source frame."""
        answer = self.ask("GetMarkers")
        if not isinstance(answer, Mapping):
            return {}
        return {
            float(frame): {str(k): v for k, v in marker.items()}
            for frame, marker in answer.items()
            if isinstance(frame, (int, float)) and isinstance(marker, Mapping)
        }

    def add_marker(self, frame: int, colour: str, name: str, note: str, duration: int, data: str) -> bool:
        """Add a marker with custom data at a source frame."""
        return self.done("AddMarker", frame, colour, name, note, duration, data)

    def marker_with(self, data: str) -> dict[str, BridgeValue]:
        """The first marker with these custom data, {} if there is none."""
        return self.table("GetMarkerByCustomData", data)

    def linked(self) -> list[TimelineItem]:
        """The items linked with it."""
        return [TimelineItem(each) for each in objects(self.ask("GetLinkedItems"))]

    def fusion_comps(self) -> int:
        """The number of its Fusion compositions."""
        return round(self.number("GetFusionCompCount") or 0)

    def copy_grades(self, targets: Sequence[TimelineItem]) -> bool:
        """Copy its grade to other items."""
        return self.done("CopyGrades", [each.remote for each in targets])

    # Takes

    def takes(self) -> list[Take]:
        """All takes, the first one being the original clip; [] without a take selector."""
        found = []
        for index in range(1, round(self.number("GetTakesCount") or 0) + 1):
            table = self.table("GetTakeByIndex", index)
            start, end, clip = (table.get(name) for name in ("startFrame", "endFrame", "mediaPoolItem"))
            found.append(
                Take(
                    start if isinstance(start, (int, float)) else None,
                    end if isinstance(end, (int, float)) else None,
                    MediaPoolItem(clip) if isinstance(clip, Remote) else None,
                )
            )
        return found

    def take(self) -> int:
        """The number of the selected take, from 1; 0 without a take selector."""
        return round(self.number("GetSelectedTakeIndex") or 0)

    def add_take(self, clip: MediaPoolItem, first: int, last: int) -> bool:
        """Add a take with source frames `first` to `last`, both inclusive."""
        return self.done("AddTake", clip.remote, first, last)

    def select_take(self, index: int) -> bool:
        """Select a take, numbered from 1."""
        return self.done("SelectTakeByIndex", index)

    def delete_take(self, index: int) -> bool:
        """Delete a take, numbered from 1."""
        return self.done("DeleteTakeByIndex", index)
