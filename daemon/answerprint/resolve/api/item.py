"""An item on a timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from answerprint.resolve.api.clip import MediaPoolItem
from answerprint.resolve.api.values import Handle, objects, texts
from answerprint.resolve.bridge.bridge import Remote, Value

__all__ = ["Take", "TimelineItem"]


@dataclass(frozen=True, slots=True)
class Take:
    """A take of an item, as Resolve describes it."""

    start: float | None
    end: float | None
    clip: MediaPoolItem | None


class TimelineItem(Handle):
    """Record frames are absolute. A number that Resolve does not say is None: an item may be hollow."""

    def name(self) -> str:
        """As shown."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id; "" for an item that is on no track."""
        return self.text("GetUniqueId")

    def type(self) -> str:
        """video, audio, generator, transition; "" before 21.1."""
        return self.text("GetType") if self.offers("GetType") else ""

    def clip(self) -> MediaPoolItem | None:
        """Its clip in the media pool; None for generators, titles, transitions, adjustment clips."""
        found = self.found("GetMediaPoolItem")
        return None if found is None else MediaPoolItem(found)

    def track(self) -> tuple[str, int] | None:
        """Kind and number of its track."""
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
        """Record frames."""
        return self.number("GetDuration")

    def left_offset(self, precise: bool = False) -> float | None:
        """How far it could be extended to the left; in frames of the timeline where rates differ."""
        return self.number("GetLeftOffset", True) if precise else self.number("GetLeftOffset")

    def source_start(self) -> float | None:
        """First source frame; may be one too low."""
        return self.number("GetSourceStartFrame")

    def source_end(self) -> float | None:
        """Last source frame, or the one after it."""
        return self.number("GetSourceEndFrame")

    def source_times(self) -> tuple[float | None, float | None]:
        """Seconds of start and end, from midnight of the timecode."""
        return self.number("GetSourceStartTime"), self.number("GetSourceEndTime")

    def speed(self) -> float | None:
        """Per cent, 0 for a freeze, below 0 for reverse; None before 21.1."""
        if not self.offers("GetSpeed"):
            return None
        percentage = self.table("GetSpeed").get("Percentage")
        return float(percentage) if isinstance(percentage, (int, float)) else None

    def set_speed(self, percentage: float) -> bool:
        """Retime it, other items stay where they are; 21.1 and later."""
        return self.done("SetSpeed", {"Percentage": percentage, "RippleTimeline": False})

    def properties(self) -> dict[str, str]:
        """Its inspector's values as text."""
        return texts(self.table(self.properties_call))

    @property
    def properties_call(self) -> str:
        """How this version names the call for them."""
        return "GetProperties" if self.offers("GetProperties") else "GetProperty"

    def set_property(self, name: str, value: Value) -> bool:
        """Change a value of the inspector."""
        if self.offers("SetProperties"):
            return self.done("SetProperties", {name: value})
        return self.done("SetProperty", name, value)

    def enabled(self) -> bool:
        """Whether it is seen."""
        return self.done("GetClipEnabled")

    def enable(self, on: bool) -> bool:
        """Show it, or hide it."""
        return self.done("SetClipEnabled", on)

    def colour(self) -> str:
        """Clip colour, "" for none."""
        return self.text("GetClipColor")

    def flags(self) -> list[str]:
        """Colours of its flags, and of those of its clip: Resolve's own menu flags a clip wherever it is used."""
        clip = self.clip()
        return [*self.listed("GetFlagList"), *(() if clip is None else clip.listed("GetFlagList"))]

    def markers(self) -> dict[float, dict[str, Value]]:
        """Markers by frame of the source."""
        answer = self.ask("GetMarkers")
        if not isinstance(answer, Mapping):
            return {}
        return {
            float(frame): {str(k): v for k, v in marker.items()}
            for frame, marker in answer.items()
            if isinstance(frame, (int, float)) and isinstance(marker, Mapping)
        }

    def add_marker(self, frame: int, colour: str, name: str, note: str, duration: int, data: str) -> bool:
        """A marker with data for programs; frame is one of the source."""
        return self.done("AddMarker", frame, colour, name, note, duration, data)

    def marker_with(self, data: str) -> dict[str, Value]:
        """The first marker with that data, {} for none."""
        return self.table("GetMarkerByCustomData", data)

    def linked(self) -> list[TimelineItem]:
        """Items that move with it."""
        return [TimelineItem(each) for each in objects(self.ask("GetLinkedItems"))]

    def fusion_comps(self) -> int:
        """How many Fusion compositions it has."""
        return round(self.number("GetFusionCompCount") or 0)

    def copy_grades(self, targets: Sequence[TimelineItem]) -> bool:
        """Give others the grade of this one."""
        return self.done("CopyGrades", [each.remote for each in targets])

    # Takes

    def takes(self) -> list[Take]:
        """All takes, the first one being what the item was made of; [] where it has no take selector."""
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
        """Number of the take that is seen; 0 where it has no take selector."""
        return round(self.number("GetSelectedTakeIndex") or 0)

    def add_take(self, clip: MediaPoolItem, first: int, last: int) -> bool:
        """Another take, of source frames."""
        return self.done("AddTake", clip.remote, first, last)

    def select_take(self, index: int) -> bool:
        """Show a take."""
        return self.done("SelectTakeByIndex", index)

    def delete_take(self, index: int) -> bool:
        """Remove a take."""
        return self.done("DeleteTakeByIndex", index)
