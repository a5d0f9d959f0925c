"""What an item keeps on the Color page, as far as scripts move it around."""

from __future__ import annotations

from fakes.resolve.calls import Node, api
from fakes.resolve.world import World

__all__ = ["ColorGroup", "Graded", "Graph"]


class Graph(Node):
    """The nodes of a grade. name: tells grades apart in tests; "none" is the untouched one."""

    kind = "Graph"

    def __init__(self, world: World, name: str = "none") -> None:
        super().__init__(world)
        self.name = name

    @api()
    def GetNumNodes(self) -> int:
        return 1

    @api(since=(19,))
    def ResetAllGrades(self) -> bool:
        self.name = "none"
        return True


class ColorGroup(Node):
    """Clips that share a grade."""

    kind = "ColorGroup"

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self.name = name

    @api()
    def GetName(self) -> str:
        return self.name


class Graded(Node):
    """An item's part of it."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.graph = Graph(world)
        self.group: ColorGroup | None = None
        self.versions = ["Version 1"]

    @property
    def grade(self) -> str:
        """The name of the grade."""
        return self.graph.name

    @grade.setter
    def grade(self, name: str) -> None:
        self.graph.name = name

    @api(since=(18, 5))
    def GetNodeGraph(self, layerIdx: int | None = None) -> Graph:
        return self.graph

    @api(since=(18, 5))
    def GetColorGroup(self) -> ColorGroup | None:
        return self.group

    @api(since=(18, 5))
    def AssignToColorGroup(self, colorGroup: ColorGroup) -> bool:
        self.group = colorGroup
        return True

    @api(since=(18, 5))
    def RemoveFromColorGroup(self) -> bool:
        was, self.group = self.group, None
        return was is not None

    @api()
    def AddVersion(self, versionName: str, versionType: int) -> bool:
        if versionType != 0 or versionName in self.versions:
            return False
        self.versions.append(versionName)
        return True

    @api()
    def GetVersionNameList(self, versionType: int) -> list[str]:
        return list(self.versions) if versionType == 0 else []
