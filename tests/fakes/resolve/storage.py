"""Files that Resolve sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fakes.resolve.calls import Node, api
from fakes.resolve.clip import Clip
from fakes.resolve.importing import import_files

__all__ = ["MediaStorage"]


class MediaStorage(Node):
    """All of the machine's."""

    kind = "MediaStorage"

    @api()
    def GetMountedVolumeList(self) -> list[str]:
        return ["/"]

    @api()
    def GetSubFolderList(self, folderPath: str) -> list[str]:
        folder = Path(folderPath)
        return sorted(str(each) for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []

    @api()
    def GetFileList(self, folderPath: str) -> list[str]:
        folder = Path(folderPath)
        return sorted(str(each) for each in folder.iterdir() if each.is_file()) if folder.is_dir() else []

    @api()
    def AddItemListToMediaPool(self, *items: object) -> list[Clip]:
        """Paths, or one list of them, into the bin that is open."""
        given: list[Any] = list(items[0]) if len(items) == 1 and isinstance(items[0], list) else list(items)
        if self.world.project is None or not all(isinstance(each, str) for each in given):
            self.world.violated(f"MediaStorage.AddItemListToMediaPool: {items!r} are not paths")
            return []
        return import_files(self.world.project.pool, given)
