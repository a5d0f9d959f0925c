"""What a session reads of a project, once for all clips: the media pool's clips, bins, timelines and sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from answerprint.frames.sequence import plain_path, same_media
from answerprint.resolve.api import Folder, MediaPool, MediaPoolItem, Project, Resolve
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.import_clip import find_bin, make_bin
from answerprint.resolve.put_back.placement import BIN_NAME, restoring_job
from answerprint.resolve.put_back.track_cache import TrackCache

__all__ = ["Clips", "ProjectCache", "Source"]


@dataclass(eq=False, slots=True)
class _Entry:
    """ours: it is in a bin of ours. job, id: None if not read yet."""

    clip: MediaPoolItem
    ours: bool
    file: str
    job: str | None = None
    id: str | None = None


class Clips:
    """The clips of the media pool, by job, file and id.

    Checks a clip before it returns it, and reads all again if that clip changed. A clip that it does not find was not
    there when they were read, and we have not added it since.
    """

    def __init__(self, pool: MediaPool) -> None:
        self._pool = pool
        self._entries: list[_Entry] | None = None
        self._by_file: dict[str, _Entry] = {}
        self._added: set[str] = set()

    def of_job(self, job: str, path: str) -> MediaPoolItem | None:
        """The clip of a job: the one with the restored file, or one in our bins that names the job."""

        def find() -> _Entry | None:
            return self._with_file(path) or next((each for each in self._ours() if each.job == job), None)

        return self._checked(
            find, lambda clip: same_media(clip.property("File Path"), path) or restoring_job(clip) == job
        )

    def with_id(self, id_: str) -> MediaPoolItem | None:
        """The clip with that id, in any bin."""

        def find() -> _Entry | None:
            return next((each for each in self._all() if _id(each) == id_), None)

        return self._checked(find, lambda clip: clip.id() == id_) if id_ else None

    def added(self, id_: str) -> bool:
        """Whether `add` was called for that id."""
        return id_ in self._added

    def add(self, clip: MediaPoolItem, id_: str, path: str, job: str) -> None:
        """Add a clip that we imported, or that got the restored file."""
        self._added.add(id_)
        self._keep(_Entry(clip, True, path, job, id_))

    def forget(self) -> None:
        """Read all again when needed."""
        self._entries = None

    def _checked(
        self, find: Callable[[], _Entry | None], holds: Callable[[MediaPoolItem], bool]
    ) -> MediaPoolItem | None:
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
        # Only the names of sequences differ from those of their files.
        return next((each for each in entries if "[" in each.file and same_media(each.file, path)), None)

    def _ours(self) -> Iterator[_Entry]:
        for each in self._all():
            if each.ours:
                if each.job is None:
                    each.job = restoring_job(each.clip)
                yield each

    def _all(self) -> list[_Entry]:
        if self._entries is None:
            self._by_file, self._entries = {}, []
            try:
                for folder, ours in _walk(self._pool.root(), False):
                    for clip in folder.clips():
                        self._keep(_Entry(clip, ours, clip.property("File Path")))
            except BaseException:
                self.forget()  # an incomplete list would be wrong
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
        yield from _walk(each, ours or each.name() == BIN_NAME)


@dataclass(frozen=True, slots=True)
class Source:
    """The clip of an original item, and its attributes."""

    id: str
    properties: Mapping[str, str]


@dataclass(slots=True)
class _Bin:
    """clips: how many it had when we counted last; -1 if unknown."""

    folder: Folder
    clips: int = -1


class ProjectCache:
    """Belongs to the project that is open when it is created."""

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
        """Raise ResolveError if Resolve has quit or another project is open.

        Call this before concluding that something is gone: a Resolve that has quit answers that nothing is there.
        """
        now = self.resolve.project()
        if now.id() != self.id:
            raise ResolveError(
                f"Another project, {now.name()}, was opened in Resolve meanwhile.",
                "Open the project of the clip, then use Bring Back Finished.",
            )

    def begin(self) -> None:
        """Go on to another clip."""
        for each in self._timelines.values():
            each.begin()

    # Bins

    def missing_bins(self, names: Sequence[str]) -> list[str]:
        """Names of the nested bins that do not exist yet."""
        return [] if tuple(names) in self._bins else find_bin(self.pool, list(names))[1]

    def open_bin(self, names: Sequence[str]) -> Folder:
        """Open the innermost of nested bins, to import into it; create those that are missing. Raises ResolveError."""
        key = tuple(names)
        for _ in range(2):
            if key not in self._bins:
                self._bins[key] = _Bin(make_bin(self.pool, list(names)))
            folder = self._bins[key].folder
            if self.pool.open_folder(folder):
                return folder
            del self._bins[key]  # it was deleted since
        raise ResolveError(
            f"Resolve could not open the bin {folder.name()}.", "Close any open dialogs, then try again."
        )

    def counted(self, names: Sequence[str], clips: int) -> None:
        """Note how many clips a bin has now."""
        self._bins[tuple(names)].clips = clips

    def recount(self) -> None:
        """Count the clips in our bins, and read all again if someone added or removed any."""
        if any(len(each.folder.clips()) != each.clips for each in self._bins.values()):
            self.clips.forget()

    # Timelines

    def timeline(self, id_: str) -> TrackCache | None:
        """The tracks of the timeline with that id; None if it is gone."""
        if id_ and id_ not in self._timelines:
            for each in self.project.timelines():
                self._timelines.setdefault(each.id(), TrackCache(each))
        return self._timelines.get(id_)

    def open(self, tracks: TrackCache) -> bool:
        """Open a timeline; whether that worked. If not, timelines are looked up again."""
        if self.project.open_timeline(tracks.timeline):
            return True
        self._timelines.clear()
        return False

    def to_edit_page(self) -> None:
        """Open the edit page, where items can be appended and deleted. Raises ResolveError."""
        if not self._on_edit_page and self.resolve.page() != "edit" and not self.resolve.open_page("edit"):
            raise ResolveError(
                "Resolve could not open its edit page.", "Close any open dialogs in Resolve, then try again."
            )
        self._on_edit_page = True

    # Clips of the originals

    def source(self, clip: MediaPoolItem) -> Source:
        """A clip of the media pool, and its attributes."""
        id_ = clip.id()
        if id_ not in self._sources:
            self._sources[id_] = Source(id_, clip.properties())
        return self._sources[id_]

    def changed(self, id_: str) -> None:
        """Read the attributes of a clip again when needed."""
        self._sources.pop(id_, None)
