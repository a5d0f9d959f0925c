"""Resolve itself, and Fusion in it."""

from __future__ import annotations

from pathlib import Path

from fakes.resolve.api_values import PAGES
from fakes.resolve.calls import Node, api
from fakes.resolve.pool import MediaPool
from fakes.resolve.project import Project, ProjectManager
from fakes.resolve.storage import MediaStorage
from fakes.resolve.timeline import Timeline
from fakes.resolve.world import World

__all__ = ["Fusion", "Resolve"]


class Resolve(Node):
    """The running program."""

    kind = "Resolve"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.manager = ProjectManager(world)
        self.fusion = Fusion(world)
        self.storage = MediaStorage(world)

    @api()
    def Fusion(self) -> Node:
        return self.fusion

    @api()
    def GetProjectManager(self) -> ProjectManager:
        return self.manager

    @api()
    def GetMediaStorage(self) -> MediaStorage:
        return self.storage

    @api()
    def GetProductName(self) -> str:
        return "DaVinci Resolve" if self.world.free else "DaVinci Resolve Studio"

    @api()
    def GetVersion(self) -> list[object]:
        return [*(*self.world.version, 0, 0)[:3], 5, ""]

    @api()
    def GetVersionString(self) -> str:
        major, minor, patch = (*self.world.version, 0, 0)[:3]
        return f"{major}.{minor}.{patch}.0005"

    @api()
    def GetCurrentPage(self) -> str | None:
        return self.world.page

    @api()
    def OpenPage(self, pageName: str) -> bool:
        if pageName not in PAGES and not (pageName == "photo" and self.world.version >= (21,)):
            self.world.violated(f"Resolve.OpenPage: there is no page {pageName}")
            return False
        self.world.page = pageName
        return True

    @api()
    def Quit(self) -> None:
        self.world.quit()

    @api(since=(19, 1))
    def ImportRenderPreset(self, presetPath: str) -> bool:
        """The preset's name is that of the file."""
        path = Path(presetPath)
        if not path.is_file() or path.suffix != ".xml":
            return False
        self.world.presets[path.stem] = {}
        return True

    @api(since=(21, 1))
    def GetCurrentProject(self) -> Project | None:
        return self.world.project

    @api(since=(21, 1))
    def GetCurrentTimeline(self) -> Timeline | None:
        return self.world.project.current if self.world.project else None

    @api(since=(21, 1))
    def GetMediaPool(self) -> MediaPool | None:
        return self.world.project.pool if self.world.project else None


class Fusion(Node):
    """Only what a script without a composition uses."""

    kind = "Fusion"

    @api()
    def GetData(self, name: str) -> object:
        return self.world.prefs.get(name)

    @api()
    def SetData(self, name: str, value: object) -> None:
        self.world.prefs[name] = value

    @api()
    def GetPrefs(self, name: str) -> object:
        return self.world.prefs.get(name)

    @api()
    def SetPrefs(self, name: str, value: object) -> bool:
        self.world.prefs[name] = value
        return True

    @api()
    def SavePrefs(self) -> bool:
        return True
