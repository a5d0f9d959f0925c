"""An editor at a timeline: chooses, restores and takes out, with a daemon that has each frame restored at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import MediaInfo, NewJob
from answerprint.client.client import Client
from answerprint.errors import AnswerprintError
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.put_back import Outcome, undo
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore import finish
from answerprint.resolve.restore.finish import put_finished
from answerprint.resolve.restore.join import JoinPlan, join_plan_of
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.restore.submit import Queued, queue_selection
from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from fakes.resolve.snapshot import Snapshot
from fakes.resolve.timeline import Timeline
from media.makers import make_movie
from resolve.restore.test_plan import describe

__all__ = ["FRAMES", "Editor", "Seen"]

FRAMES = 60
"""Of the film."""
_LATER = 4_000_000_000.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The picture at a record frame: which frame of the film, and whether it is restored, by which file."""

    frame: int
    file: str = ""


class Editor:
    """Everything but the pictures is real: reading, planning, reuse, putting back, the ledger and undo."""

    def __init__(self, fake: FakeResolve, folder: Path, patch: pytest.MonkeyPatch, film: Path | None = None) -> None:
        """folder: for all files. patch: for the home, and for joining, of which nothing but the file is wanted."""
        patch.setenv("ANSWERPRINT_HOME", str(folder / "h"))
        patch.setattr(finish, "join_whole", self._join)
        self.fake, self.folder = fake, folder
        self.film = folder / "film.mov"
        if film is None:
            make_movie(self.film, FRAMES, rate=Fraction(25), timecode="10:00:00:00", options={"preset": "ultrafast"})
        else:
            shutil.copyfile(film, self.film)
        self.timeline: Timeline = fake.add_timeline("Reel 1", 25)
        self.clip = fake.add_clip(self.film)
        self.jobs: dict[str, JobRecord] = {}
        self.files: dict[str, int] = {}
        """The film's frame that each restored file begins with."""
        self.owners: dict[str, frozenset[str]] = {}
        """The jobs (or the wholes that they are parts of) that restored each file."""
        self.outcomes: list[Outcome] = []
        self.resolve = Resolve(fake.bridge().root)

    # The daemon's side

    def all_jobs(self, states: Sequence[JobState] = ()) -> Iterator[JobRecord]:
        """As a client's."""
        return iter([job for job in self.jobs.values() if not states or job.state in states])

    def submit_all(self, jobs: Iterable[NewJob]) -> Iterator[tuple[JobRecord, bool] | AnswerprintError]:
        """As a client's: each is done at once."""
        for new in jobs:
            place, whole = Placement.from_editor(new.clip.editor), join_plan_of(_record(new, 0))
            assert place is not None
            first, stop = (int(each) for each in str(new.request["range"]).split(":"))
            assert whole is not None or (first, stop) == (place.restored_first, place.restored_stop)
            job = _record(new, len(self.jobs) + 1)
            unit, path = (job.id, job.output) if whole is None else (whole.id, whole.output)
            self.owners[path] = frozenset([unit])
            self._write(job.output, first, stop)
            self.jobs[job.id] = job
            yield job, True

    def describe_all(self, media: Iterable[str]) -> list[MediaInfo]:
        """As a client's."""
        return describe(media)

    def _join(self, client: Client, whole: JoinPlan) -> None:
        if Path(whole.output).exists():
            return
        for each in whole.parts:
            assert self.files[each.path] == each.frames.start
        if whole.output not in self.owners:
            self.owners[whole.output] = frozenset().union(*(self.owners[each.path] for each in whole.parts))
        first, stop = (int(each) for each in str(whole.request["range"]).split(":"))
        held = {frame for each in whole.parts for frame in range(each.frames.start, each.frames.stop)}
        assert held >= set(range(first, stop)), "a part is missing"
        self._write(whole.output, first, stop)

    def _write(self, path: str, first: int, stop: int) -> None:
        kept = self.folder / "made" / f"{stop - first}.mov"
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            make_movie(kept, stop - first, rate=Fraction(25), options={"preset": "ultrafast"})
        assert not Path(path).exists(), "a file is written over"
        shutil.copyfile(kept, path)
        self.files[path] = first

    # The editor's side

    def place(self, source: tuple[int, int], record: int | None = None, track: int = 1) -> Item:
        """The film onto the timeline. record: from the timeline's start."""
        return self.timeline.place(
            self.clip, track=track, source=source, record=None if record is None else self.timeline.start + record
        )

    def restore(
        self,
        choice: SelectionRule,
        put: str = "track",
        *,
        again: bool = False,
        handles: int = 2,
        **wished: Any,  # noqa: ANN401 - of any setting
    ) -> Queued:
        """Restore what is chosen, and bring back what is done. wished: of the settings."""
        wishes = replace(RestoreSettings(put=put, handles=handles), **wished)
        queued = queue_selection(self.resolve, cast(Client, self), choice, wishes, again=again)
        finished = put_finished(self.resolve, cast(Client, self), Ledger(), [job.id for _, job in queued.jobs] or [""])
        self.outcomes = [*queued.reused, *finished.outcomes]
        assert [each for each in self.outcomes if each.state == "failed"] == []
        return queued

    def bring_back(self, *, again: bool = False) -> None:
        """Bring back what is done. again: also what was taken out."""
        self.outcomes = put_finished(self.resolve, cast(Client, self), Ledger(), again=again).outcomes

    def restore_under(self, record: int, put: str = "track", **options: bool) -> Queued:
        """Restore what lies under the playhead. record: from the timeline's start."""
        self.timeline.playhead(self.timeline.start + record)
        return self.restore(SelectionRule("playhead"), put, **options)

    def restore_between(self, first: int, last: int, put: str = "track") -> Queued:
        """Restore what lies between In and Out, both inclusive, from the timeline's start."""
        self.timeline.marks(first, last)
        return self.restore(SelectionRule("inout"), put)

    def undo(self, job: str) -> Outcome:
        """Take it out."""
        return undo(self.resolve, job, Ledger())

    def units(self) -> list[str]:
        """What a person can name for `undo`: jobs, in their order."""
        found = []
        for job in self.jobs.values():
            whole = join_plan_of(job)
            found.append(job.id if whole is None else whole.id)
        return list(dict.fromkeys(found))

    # What is seen

    def seen(self, record: int) -> Seen | None:
        """At a record frame from the timeline's start."""
        shown = self.fake.shown(self.timeline, self.timeline.start + record)
        if shown is None:
            return None
        if shown.path == str(self.film):
            return Seen(shown.frame)
        return Seen(shown.frame + self.files[shown.path], shown.path)

    def restored(self, records: Iterable[int]) -> list[int]:
        """The frames of the film whose restored ones are seen; fails where anything else is."""
        seen = [self.seen(record) for record in records]
        assert all(each is not None and each.file for each in seen), seen
        return [each.frame for each in seen if each is not None]

    def source(self, records: Iterable[int]) -> list[int]:
        """The frames of the film itself that are seen; fails where anything else is."""
        seen = [self.seen(record) for record in records]
        assert all(each is not None and not each.file for each in seen), seen
        return [each.frame for each in seen if each is not None]

    def state(self) -> Snapshot:
        """All of the project, with In, Out and the playhead where nothing was chosen by them."""
        self.timeline.marks(None)
        self.timeline.playhead(self.timeline.start)
        return self.fake.state()

    def tracks(self) -> list[int]:
        """How many items lie on each video track."""
        return [len(track.items) for track in self.timeline.tracks["video"]]

    def pool(self) -> list[str]:
        """The restored files in the media pool, each as often as it is there."""
        return sorted(clip.path for clip in self.fake.clips() if clip.path in self.files)


def _record(new: NewJob, number: int) -> JobRecord:
    return JobRecord(
        new.id, number, new.kind, new.label, JobState.DONE, new.request, clip=new.clip, created=_LATER + number
    )
