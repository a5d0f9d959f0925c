"""The clips of the media pool, read once for all jobs of a session: by the job that they say, by their file, by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..api import Clip, Folder, MediaPool
from .looking import plain_path, same_media
from .names import BIN, note

__all__ = ["Clips"]


@dataclass(eq=False, slots=True)
class _Entry:
    """ours: it lies in a bin of ours. job, id: None where not asked yet."""

    clip: Clip
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

    def of_job(self, job: str, path: str) -> Clip | None:
        """The clip of a job: that has the restored file, or that says so itself in one of our bins."""

        def find() -> _Entry | None:
            return self._with_file(path) or next((each for each in self._ours() if each.job == job), None)

        return self._sure(find, lambda clip: same_media(clip.property("File Path"), path) or note(clip) == job)

    def with_id(self, id_: str) -> Clip | None:
        """The clip with that id, in whatever bin."""

        def find() -> _Entry | None:
            return next((each for each in self._all() if _id(each) == id_), None)

        return self._sure(find, lambda clip: clip.id() == id_) if id_ else None

    def added(self, id_: str) -> bool:
        """Whether it is one of those that `add` was told."""
        return id_ in self._added

    def add(self, clip: Clip, id_: str, path: str, job: str) -> None:
        """One that was brought in by us, or got the restored file."""
        self._added.add(id_)
        self._keep(_Entry(clip, True, path, job, id_))

    def forget(self) -> None:
        """Read all again when one is needed."""
        self._entries = None

    def _sure(self, find: Callable[[], _Entry | None], holds: Callable[[Clip], bool]) -> Clip | None:
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
