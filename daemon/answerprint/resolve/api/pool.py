"""The media pool and its bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from answerprint.resolve.api.clip import MediaPoolItem
from answerprint.resolve.api.item import TimelineItem
from answerprint.resolve.api.values import Handle, objects
from answerprint.resolve.bridge.bridge import BridgeValue

__all__ = ["Folder", "MediaPool"]

_IMPORT_SECONDS = 120.0  # a sequence on a slow server


class Folder(Handle):
    """A bin."""

    def name(self) -> str:
        """Its name as shown in the media pool."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id."""
        return self.text("GetUniqueId")

    def clips(self) -> list[MediaPoolItem]:
        """The clips directly in it."""
        return [MediaPoolItem(each) for each in objects(self.ask("GetClipList"))]

    def folders(self) -> list[Folder]:
        """The bins directly in it."""
        return [Folder(each) for each in objects(self.ask("GetSubFolderList"))]

    def walk(self) -> Iterator[Folder]:
        """This bin and all bins below it."""
        yield self
        for each in self.folders():
            yield from each.walk()


class MediaPool(Handle):
    """All media of a project."""

    def root(self) -> Folder:
        """The master bin."""
        return Folder(self.needed("GetRootFolder"))

    def folder(self) -> Folder | None:
        """The open bin."""
        found = self.found("GetCurrentFolder")
        return None if found is None else Folder(found)

    def open_folder(self, folder: Folder) -> bool:
        """Open a bin: imports go into it."""
        return self.done("SetCurrentFolder", folder.remote)

    def add_folder(self, parent: Folder, name: str) -> Folder | None:
        """Create a bin; None if Resolve does not."""
        found = self.found("AddSubFolder", parent.remote, name)
        return None if found is None else Folder(found)

    def delete_folders(self, folders: Sequence[Folder]) -> bool:
        """Delete bins and everything in them."""
        return self.done("DeleteFolders", [each.remote for each in folders])

    def import_media(self, what: Sequence[str] | Sequence[Mapping[str, BridgeValue]]) -> list[MediaPoolItem]:
        """Import files into the open bin."""
        return [MediaPoolItem(each) for each in objects(self.ask("ImportMedia", list(what), seconds=_IMPORT_SECONDS))]

    def append(self, entries: Sequence[Mapping[str, BridgeValue]]) -> list[TimelineItem]:
        """Append clips to the open timeline. A returned item may be hollow: on no track, without an id."""
        return [TimelineItem(each) for each in objects(self.ask("AppendToTimeline", [dict(each) for each in entries]))]

    def delete_timelines(self, timelines: Sequence[Handle]) -> bool:
        """Delete timelines."""
        return self.done("DeleteTimelines", [each.remote for each in timelines])

    def delete_clips(self, clips: Sequence[MediaPoolItem]) -> bool:
        """Delete clips from the project; their files stay."""
        return self.done("DeleteClips", [each.remote for each in clips])

    def move_clips(self, clips: Sequence[MediaPoolItem], folder: Folder) -> bool:
        """Move clips to another bin."""
        return self.done("MoveClips", [each.remote for each in clips], folder.remote)
