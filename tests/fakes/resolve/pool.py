"""The media pool and its bins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.resolve.append import append, clips_for
from fakes.resolve.calls import Node, api, known_keys
from fakes.resolve.clip import Clip
from fakes.resolve.importing import import_files
from fakes.resolve.incoming import read_otio
from fakes.resolve.item import Item
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.project import Project
    from fakes.resolve.timeline import Timeline

__all__ = ["Folder", "MediaPool"]

_IMPORT_OPTIONS = ("timelineName", "importSourceClips", "sourceClipsPath", "sourceClipsFolders", "interlaceProcessing")


class Folder(Node):
    """A bin."""

    kind = "Folder"

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self.name = name
        self.clips: list[Clip] = []
        self.folders: list[Folder] = []

    def walk(self) -> Iterator[Folder]:
        """It, and all bins below."""
        yield self
        for each in self.folders:
            yield from each.walk()

    @api()
    def GetName(self) -> str:
        return self.name

    @api(since=(18,))
    def GetUniqueId(self) -> str:
        return self.id

    @api()
    def GetClipList(self) -> list[Clip]:
        return list(self.clips)

    @api()
    def GetSubFolderList(self) -> list[Folder]:
        return list(self.folders)


class MediaPool(Node):
    """All media of a project. current: the bin that is open."""

    kind = "MediaPool"

    def __init__(self, world: World, project: Project) -> None:
        super().__init__(world)
        self.project = project
        self.root = Folder(world, "Master")
        self.current = self.root
        self.selection: list[Clip] = []

    def clips(self) -> list[Clip]:
        """In all bins."""
        return [clip for folder in self.root.walk() for clip in folder.clips]

    def holder(self, clip: Clip) -> Folder | None:
        """The bin that a clip lies in."""
        return next((each for each in self.root.walk() if clip in each.clips), None)

    # Bins

    @api()
    def GetRootFolder(self) -> Folder:
        return self.root

    @api()
    def GetCurrentFolder(self) -> Folder:
        return self.current

    @api()
    def SetCurrentFolder(self, folder: Folder) -> bool:
        if folder not in self.root.walk():
            return False
        self.current = folder
        return True

    @api()
    def AddSubFolder(self, folder: Folder, name: str) -> Folder | None:
        """The new bin is open from then on. A name that is taken gives nothing."""
        if folder not in self.root.walk() or any(each.name == name for each in folder.folders):
            return None
        made = Folder(self.world, name)
        folder.folders.append(made)
        self.current = made
        return made

    @api()
    def DeleteFolders(self, subfolders: list[Folder]) -> bool:
        parents = {id(each): parent for parent in self.root.walk() for each in parent.folders}
        if any(id(each) not in parents for each in subfolders):
            return False
        for each in subfolders:
            for clip in [clip for folder in each.walk() for clip in folder.clips]:
                self._forget(clip)
            if self.current in each.walk():
                self.current = self.root
            parents[id(each)].folders.remove(each)
        return True

    @api()
    def MoveClips(self, clips: list[Clip], targetFolder: Folder) -> bool:
        holders = [self.holder(each) for each in clips]
        if targetFolder not in self.root.walk() or not all(holders):
            return False
        for clip, holder in zip(clips, holders, strict=True):
            assert holder is not None
            holder.clips.remove(clip)
            targetFolder.clips.append(clip)
        return True

    @api()
    def MoveFolders(self, folders: list[Folder], targetFolder: Folder) -> bool:
        parents = {id(each): parent for parent in self.root.walk() for each in parent.folders}
        for each in folders:
            parents[id(each)].folders.remove(each)
            targetFolder.folders.append(each)
        return True

    # Clips

    @api()
    def ImportMedia(self, items: list[str] | list[dict[str, Any]]) -> list[Clip]:
        """Into the bin that is open."""
        return import_files(self, items)

    @api()
    def DeleteClips(self, clips: list[Clip]) -> bool:
        """With them go their items on all timelines."""
        if not clips or not all(self.holder(each) for each in clips):
            return False
        for each in clips:
            self._forget(each)
        return True

    @api()
    def RelinkClips(self, mediaPoolItem: list[Clip], folderPath: str) -> bool:
        for each in mediaPoolItem:
            moved = Path(folderPath) / Path(each.path).name
            if not moved.is_file():
                return False
            each.relink(str(moved))
        return True

    @api(since=(20, 1))
    def GetSelectedClips(self) -> list[Clip]:
        return list(self.selection)

    @api(since=(20, 1))
    def SetSelectedClip(self, mediaPoolItem: Clip) -> bool:
        self.selection = [mediaPoolItem]
        return True

    @api()
    def GetUniqueId(self) -> str:
        return self.id

    # Timelines

    @api()
    def CreateEmptyTimeline(self, name: str) -> Timeline | None:
        return self.project.new_timeline(name)

    @api()
    def CreateTimelineFromClips(self, name: str, *clips: object) -> Timeline | None:
        """The bin that holds the clips has to be open."""
        entries = clips_for(self.world, "CreateTimelineFromClips", clips, tracks=False)
        if not entries or any(each["mediaPoolItem"] not in self.current.clips for each in entries):
            return None
        made = self.project.new_timeline(name)
        if made is not None:
            append(self.world, made, entries)
        return made

    @api()
    def AppendToTimeline(self, *clips: object) -> list[Item] | None:
        """Onto the open timeline."""
        entries = clips_for(self.world, "AppendToTimeline", clips, tracks=True)
        if entries is None or self.project.current is None:
            return None
        return append(self.world, self.project.current, entries)

    @api()
    def ImportTimelineFromFile(self, filePath: str, importOptions: dict[str, Any] | None = None) -> Timeline | None:
        """OTIO only."""
        options = importOptions or {}
        if not known_keys(self.world, "MediaPool.ImportTimelineFromFile", options, _IMPORT_OPTIONS):
            return None
        return read_otio(self, Path(filePath), str(options.get("timelineName", "")))

    @api()
    def ExportMetadata(self, fileName: str, clips: list[Clip] | None = None) -> bool:
        """As CSV."""
        if not Path(fileName).parent.is_dir():
            return False
        chosen = self.clips() if clips is None else clips
        lines = ["File Name,Clip Directory", *(f"{each.name},{Path(each.path).parent}" for each in chosen)]
        Path(fileName).write_text("\n".join(lines) + "\n", "utf-16")
        return True

    @api()
    def DeleteTimelines(self, timeline: list[Timeline]) -> bool:
        if not timeline or any(each not in self.project.timelines for each in timeline):
            return False
        for each in timeline:
            if each.pool_item is not None:
                self._forget(each.pool_item)
            self.project.remove_timeline(each)
        return True

    def _forget(self, clip: Clip) -> None:
        holder = self.holder(clip)
        if holder is not None:
            holder.clips.remove(clip)
        self.selection = [each for each in self.selection if each is not clip]
        if clip.type == "Timeline" and clip.timeline in self.project.timelines:
            self.project.remove_timeline(clip.timeline)
        for timeline in self.project.timelines:
            for item in timeline.all_items():
                if item.clip is clip and item.track is not None:
                    item.track.remove(item)
