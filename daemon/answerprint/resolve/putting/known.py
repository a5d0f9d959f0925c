"""What is known of a project while clips are put back into it: each thing is asked once, for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..api import Clip, Folder, Project, Resolve
from ..errors import ResolveError
from .clips import Clips
from .importing import find_bin, make_bin
from .lanes import Lanes

__all__ = ["Known", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """The clip that an original item is made of."""

    id: str
    properties: Mapping[str, str]


@dataclass(slots=True)
class _Bin:
    """clips: how many there were when we last counted; -1 for unknown."""

    folder: Folder
    clips: int = -1


class Known:
    """Of the project that was open when it was made."""

    def __init__(self, resolve: Resolve, project: Project) -> None:
        self.resolve, self.project = resolve, project
        self.id = project.id()
        self.pool = project.pool()
        self.clips = Clips(self.pool)
        self._bins: dict[tuple[str, ...], _Bin] = {}
        self._timelines: dict[str, Lanes] = {}
        self._sources: dict[str, Source] = {}
        self._on_edit_page = False

    def check(self) -> None:
        """Raises ResolveError where Resolve ended, which then says of everything that it is not there, or where
        another project is open."""
        now = self.resolve.project()
        if now.id() != self.id:
            raise ResolveError(
                f"Another project, {now.name()}, was opened in Resolve meanwhile.",
                "Open the one that the clip belongs to, then use Bring Back Finished.",
            )

    def begin(self) -> None:
        """Another clip's turn."""
        for each in self._timelines.values():
            each.begin()

    # Bins

    def missing_bins(self, names: Sequence[str]) -> list[str]:
        """Those of nested bins that are not there yet."""
        return [] if tuple(names) in self._bins else find_bin(self.pool, list(names))[1]

    def open_bin(self, names: Sequence[str]) -> Folder:
        """The innermost of nested bins, opened: imports go there. Missing ones are made. Raises ResolveError."""
        key = tuple(names)
        for _ in range(2):
            if key not in self._bins:
                self._bins[key] = _Bin(make_bin(self.pool, list(names)))
            folder = self._bins[key].folder
            if self.pool.open_folder(folder):
                return folder
            del self._bins[key]  # it was removed, and what was known of it is worth nothing
        raise ResolveError(f"Resolve does not open the bin {folder.name()}.", "Close open dialogs, and try again.")

    def counted(self, names: Sequence[str], clips: int) -> None:
        """How many clips lie in a bin now, ours among them."""
        self._bins[tuple(names)].clips = clips

    def recount(self) -> None:
        """Whatever became of clips in our bins since is seen from here on."""
        if any(len(each.folder.clips()) != each.clips for each in self._bins.values()):
            self.clips.forget()

    # Timelines

    def timeline(self, id_: str) -> Lanes | None:
        """The timeline with that id; None where it is gone."""
        if id_ and id_ not in self._timelines:
            for each in self.project.timelines():
                self._timelines.setdefault(each.id(), Lanes(each))
        return self._timelines.get(id_)

    def open(self, lanes: Lanes) -> bool:
        """Make a timeline the one that is open; one that cannot be is looked for again."""
        if self.project.open_timeline(lanes.timeline):
            return True
        self._timelines.clear()
        return False

    def to_edit_page(self) -> None:
        """Clips are laid there, and only there can they be taken off. Raises ResolveError."""
        if not self._on_edit_page and self.resolve.page() != "edit" and not self.resolve.open_page("edit"):
            raise ResolveError("Resolve does not open its edit page.", "Close what is open in Resolve, and try again.")
        self._on_edit_page = True

    # Clips of originals

    def source(self, clip: Clip) -> Source:
        """What a clip says of itself."""
        id_ = clip.id()
        if id_ not in self._sources:
            self._sources[id_] = Source(id_, clip.properties())
        return self._sources[id_]

    def changed(self, id_: str) -> None:
        """A clip says something else of itself now."""
        self._sources.pop(id_, None)
