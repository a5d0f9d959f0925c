"""Markers, flags and colours: the same calls on timelines, items and clips."""

from __future__ import annotations

from typing import Any

from fakes.resolve.api_values import FLAG_COLOURS, ClipColour, FlagColour
from fakes.resolve.calls import Node, api
from fakes.resolve.world import World

__all__ = ["Coloured", "Marked"]


class Marked(Node):
    """Has markers by frame."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.markers: dict[float, dict[str, Any]] = {}

    @api()
    def AddMarker(
        self, frameId: float, color: FlagColour, name: str, note: str, duration: float, customData: str = ""
    ) -> bool:
        """One at most for a frame."""
        if frameId in self.markers or duration < 1:
            return False
        self.markers[frameId] = {
            "color": color, "name": name, "note": note, "duration": duration, "customData": customData,
        }  # fmt: skip
        return True

    @api()
    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {float(frame): dict(marker) for frame, marker in sorted(self.markers.items())}

    @api()
    def GetMarkerByCustomData(self, customData: str) -> dict[float, dict[str, Any]]:
        """The first one, by its frame."""
        return next(
            ({frame: each} for frame, each in self.GetMarkers().items() if each["customData"] == customData), {}
        )

    @api()
    def UpdateMarkerCustomData(self, frameId: float, customData: str) -> bool:
        if frameId not in self.markers:
            return False
        self.markers[frameId]["customData"] = customData
        return True

    @api()
    def GetMarkerCustomData(self, frameId: float) -> str:
        return str(self.markers.get(frameId, {}).get("customData", ""))

    @api()
    def DeleteMarkersByColor(self, color: str) -> bool:
        gone = [frame for frame, each in self.markers.items() if color in ("All", each["color"])]
        for frame in gone:
            del self.markers[frame]
        return bool(gone)

    @api()
    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return self.markers.pop(frameNum, None) is not None

    @api()
    def DeleteMarkerByCustomData(self, customData: str) -> bool:
        """The first one."""
        for frame in sorted(self.markers):
            if self.markers[frame]["customData"] == customData:
                del self.markers[frame]
                return True
        return False


class Coloured(Marked):
    """Has flags and a colour too."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.flags: list[str] = []
        self.colour = ""

    @api()
    def AddFlag(self, color: FlagColour) -> bool:
        if color not in self.flags:
            self.flags.append(color)
        return True

    @api()
    def GetFlagList(self) -> list[str]:
        return list(self.flags)

    @api()
    def ClearFlags(self, color: str) -> bool:
        if color != "All" and color not in FLAG_COLOURS:
            self.world.violated(f"ClearFlags: there is no {color}")
            return False
        self.flags = [] if color == "All" else [each for each in self.flags if each != color]
        return True

    @api()
    def GetClipColor(self) -> str:
        return self.colour

    @api()
    def SetClipColor(self, colorName: ClipColour) -> bool:
        self.colour = colorName
        return True

    @api()
    def ClearClipColor(self) -> bool:
        self.colour = ""
        return True
