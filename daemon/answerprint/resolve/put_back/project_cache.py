"""What is known of a project while clips are put back into it: each thing is asked once, for all of them.

The clips of the media pool, read once for all jobs of a session: by the job that they say, by their file, by id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from answerprint.resolve.api import Folder, MediaPool, MediaPoolItem, Project, Resolve
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.import_clip import find_bin, make_bin
from answerprint.resolve.put_back.placement import BIN, note
from answerprint.resolve.put_back.track_cache import TrackCache, plain_path, same_media

__all__ = ["Clips", "ProjectCache", "Source"]


@dataclass(eq=False, slots=True)
class _Entry:
    """ours: it lies in a bin of ours. job, id: None where not asked yet."""

    clip: MediaPoolItem
    ours: bool
    file: str
    job: str | None = None
    id: str | None = None


class Clips:
    """What was found is asked again before it is given out; where it is another by now, all are read again.

    What is not among them was not there when they were read, and was not added by us since.
    """

    def __init__(self, pool: MediaPool) -> None:
        self._pool = pool
        self._entries: list[_Entry] | None = None
        self._by_file: dict[str, _Entry] = {}
        self._added: set[str] = set()

    def of_job(self, job: str, path: str) -> MediaPoolItem | None:
        """The clip of a job: that has the restored file, or that says so itself in one of our bins."""

        def find() -> _Entry | None:
            return self._with_file(path) or next((each for each in self._ours() if each.job == job), None)

        return self._sure(find, lambda clip: same_media(clip.property("File Path"), path) or note(clip) == job)

    def with_id(self, id_: str) -> MediaPoolItem | None:
        """The clip with that id, in whatever bin."""

        def find() -> _Entry | None:
            return next((each for each in self._all() if _id(each) == id_), None)

        return self._sure(find, lambda clip: clip.id() == id_) if id_ else None

    def added(self, id_: str) -> bool:
        """Whether it is one of those that `add` was told."""
        return id_ in self._added

    def add(self, clip: MediaPoolItem, id_: str, path: str, job: str) -> None:
        """One that was brought in by us, or got the restored file."""
        self._added.add(id_)
        self._keep(_Entry(clip, True, path, job, id_))

    def forget(self) -> None:
        """Read all again when one is needed."""
        self._entries = None

    def _sure(self, find: Callable[[], _Entry | None], holds: Callable[[MediaPoolItem], bool]) -> MediaPoolItem | None:
        fresh = self._entries is None
        found = find()
        if found is not None and not fresh and not holds(found.clip):
            self.forget()
            found = find()
        return None if found is None else found.clip

    def _with_file(self, path: str) -> _Entry | None:
        entries = self._all()
        if (found := self._by_file.get(plain_path(path))) is not None:
            return found
        # Only of pictures is the name in the pool another than the file's.
        return next((each for each in entries if "[" in each.file and same_media(each.file, path)), None)

    def _ours(self) -> Iterator[_Entry]:
        for each in self._all():
            if each.ours:
                if each.job is None:
                    each.job = note(each.clip)
                yield each

    def _all(self) -> list[_Entry]:
        if self._entries is None:
            self._by_file, self._entries = {}, []
            try:
                for folder, ours in _walk(self._pool.root(), False):
                    for clip in folder.clips():
                        self._keep(_Entry(clip, ours, clip.property("File Path")))
            except BaseException:
                self.forget()  # half of them is worse than none
                raise
        return self._entries

    def _keep(self, entry: _Entry) -> None:
        if self._entries is not None:
            self._entries.append(entry)
            if entry.file:
                self._by_file.setdefault(plain_path(entry.file), entry)


def _id(entry: _Entry) -> str:
    if entry.id is None:
        entry.id = entry.clip.id()
    return entry.id


def _walk(folder: Folder, ours: bool) -> Iterator[tuple[Folder, bool]]:
    yield folder, ours
    for each in folder.folders():
        yield from _walk(each, ours or each.name() == BIN)


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


class ProjectCache:
    """Of the project that was open when it was made."""

    def __init__(self, resolve: Resolve, project: Project) -> None:
        self.resolve, self.project = resolve, project
        self.id = project.id()
        self.pool = project.pool()
        self.clips = Clips(self.pool)
        self._bins: dict[tuple[str, ...], _Bin] = {}
        self._timelines: dict[str, TrackCache] = {}
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

    def timeline(self, id_: str) -> TrackCache | None:
        """The timeline with that id; None where it is gone."""
        if id_ and id_ not in self._timelines:
            for each in self.project.timelines():
                self._timelines.setdefault(each.id(), TrackCache(each))
        return self._timelines.get(id_)

    def open(self, lanes: TrackCache) -> bool:
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

    def source(self, clip: MediaPoolItem) -> Source:
        """What a clip says of itself."""
        id_ = clip.id()
        if id_ not in self._sources:
            self._sources[id_] = Source(id_, clip.properties())
        return self._sources[id_]

    def changed(self, id_: str) -> None:
        """A clip says something else of itself now."""
        self._sources.pop(id_, None)
