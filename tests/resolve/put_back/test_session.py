"""Many clips in one session: the same result as one by one, for a few calls each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from answerprint.resolve.api import Resolve
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back import Outcome, put_back_session
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.put_back.placement import Placement
from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.put_back_case import JOB, PutBackCase, make_case
from resolve.put_back.test_once import STRIDES, Killed, When, dying

CALLS_OF_A_CLIP: dict[str, int] = {"pool": 16, "track": 40}


@dataclass(slots=True)
class Batch:
    """Clips of one timeline, each with a restored file of its own."""

    case: PutBackCase
    places: list[Placement]
    paths: list[str]

    @property
    def jobs(self) -> list[str]:
        """Of each clip."""
        return [f"{JOB}-{number}" for number in range(len(self.places))]

    def put(self, resolve: Resolve, ledger: Ledger | None = None, save: bool = True) -> list[Outcome]:
        """Put all of them back in one session."""
        with put_back_session(resolve, ledger or self.case.ledger, save=save) as session:
            outcomes = [session.put(*each) for each in zip(self.places, self.jobs, self.paths, strict=True)]
        return [session.final(outcome) for outcome in outcomes]

    def assert_once(self) -> None:
        """Each clip once, each item once and where it belongs, in one bin and on one track."""
        case = self.case
        assert sorted(clip.path for clip in case.restored_clips()) == sorted(self.paths)
        names = [folder.name for folder in case.fake.project.pool.root.walk()]
        assert names == ["Master", "Restored", "Reel 1"]
        laid = sorted(item.start for item in case.restored_items())
        if case.place.mode == "pool":
            assert laid == []
        else:
            assert laid == [place.record for place in self.places]
            assert len(case.timeline.tracks["video"]) == 2
            for place in self.places:
                assert tuple(case.sees_restored(range(place.record, place.record + 20))) == case.before


def set_batch(fake: FakeResolve, folder: Path, clips: int = 3, mode: str = "track") -> Batch:
    case = make_case(fake, folder, mode=mode)
    places, paths = [case.place], [case.path]
    for number in range(1, clips):
        item: Item = case.timeline.place(case.clip, record=case.item.start + 30 * number, source=(20, 40))
        places.append(replace(case.place, item=item.id, record=item.start))
        path = Path(case.path).with_name(f"restored{number}.mov")
        path.hardlink_to(case.path)
        paths.append(str(path))
    return Batch(case, places, paths)


@pytest.fixture(params=["pool", "track"])
def batch(request: pytest.FixtureRequest, make_fake: MakeFake, tmp_path: Path) -> Batch:
    made = set_batch(make_fake(quirks=Quirks()), tmp_path, mode=request.param)
    made.case.fake.save()
    return made


def from_the_start(batch: Batch, folder: Path, stride: int) -> Iterator[tuple[int, Ledger]]:
    """The project as it was at first with an empty ledger, again and again."""
    first = batch.case.fake._saved
    for calls in range(1, 5000, stride):
        batch.case.fake._saved = first
        batch.case.fake.restart()
        yield calls, Ledger(folder / f"ledger-{calls}", 0.0)
    pytest.fail("it never got through")


def assert_all_back(batch: Batch, ledger: Ledger, calls: int) -> None:
    """Check that all are put back, saved, and still there after a restart of Resolve."""
    outcomes = batch.put(batch.case.resolve, ledger)
    assert [(each.did, each.saved) for each in outcomes] == [(batch.case.place.mode, True)] * 3, calls
    batch.assert_once()
    batch.case.fake.restart()
    batch.assert_once()


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_call_leaves_each_clip_once(when: When, stride: int, batch: Batch, tmp_path: Path) -> None:
    for calls, ledger in from_the_start(batch, tmp_path, stride):
        try:
            outcomes = batch.put(dying(batch.case, calls, when), ledger)
        except Killed:
            assert_all_back(batch, ledger, calls)
        else:
            assert all(each.saved for each in outcomes)
            batch.assert_once()
            return


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_of_resolve_at_any_call_leaves_each_clip_once(
    when: When, stride: int, batch: Batch, tmp_path: Path
) -> None:
    fake = batch.case.fake
    for calls, ledger in from_the_start(batch, tmp_path, stride):
        resolve = batch.case.resolve
        fake.quit_at(calls, when)
        try:
            batch.put(resolve, ledger)
        except ResolveError as error:
            assert error.remedy
        if fake.world.running:
            batch.assert_once()
            return
        fake.restart()
        # Nothing is known as saved that the project does not have.
        known = [record.path for record in ledger.records() if record.saved]
        assert set(known) <= {clip.path for clip in batch.case.restored_clips()}, calls
        assert_all_back(batch, ledger, calls)


@pytest.mark.parametrize("mode", ["pool", "track"])
def test_calls_do_not_grow_with_the_clips_that_are_there(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path, 12, mode)
    counts = []
    with put_back_session(batch.case.resolve, batch.case.ledger) as session:
        for each in zip(batch.places, batch.jobs, batch.paths, strict=True):
            before = len(fake.calls)
            assert session.put(*each).did == mode
            counts.append(len(fake.calls) - before)
        before = len(fake.calls)
    at_the_end = len(fake.calls) - before
    assert max(counts[1:]) - min(counts[1:]) <= 1
    assert counts[-1] + at_the_end / 12 <= CALLS_OF_A_CLIP[mode]
    assert fake.calls.count("ProjectManager.SaveProject") == 1
    batch.assert_once()


def test_clips_that_are_there_already_cost_few_calls(fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path, 12)
    batch.put(batch.case.resolve)
    before = len(fake.calls)
    assert {each.state for each in batch.put(batch.case.resolve)} == {"already"}
    assert len(fake.calls) - before <= 12 * 8
    batch.assert_once()


def test_a_job_that_is_named_twice_is_put_back_once(fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path)
    with put_back_session(batch.case.resolve, batch.case.ledger) as session:
        first, again = (session.put(batch.places[0], JOB, batch.paths[0]) for _ in range(2))
    assert (first.state, again.state) == ("put", "already")
    assert len(batch.case.restored_items()) == 1


def test_a_clip_that_cannot_be_put_back_does_not_stop_the_others(fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path)
    gone = Path(batch.paths[1])
    kept = gone.rename(tmp_path / "kept.mov")
    outcomes = []
    with put_back_session(batch.case.resolve, batch.case.ledger) as session:
        for each in zip(batch.places, batch.jobs, batch.paths, strict=True):
            try:
                outcomes.append(session.put(*each))
            except ResolveError as error:
                assert "could not import" in error.message
    assert [session.final(each).saved for each in outcomes] == [True, True]
    kept.rename(gone)
    assert [each.state for each in batch.put(batch.case.resolve)] == ["already", "put", "already"]
    batch.assert_once()


def test_what_was_lost_before_the_end_does_not_count_as_saved(fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path)
    case = batch.case
    with put_back_session(case.resolve, case.ledger) as session:
        outcomes = [session.put(*each) for each in zip(batch.places, batch.jobs, batch.paths, strict=True)]
        case.timeline.remove(case.restored_items()[0])
        fake.project.pool.DeleteClips([case.restored_clips()[1]])
    assert [session.final(each).saved for each in outcomes] == [False, False, True]
    batch.put(case.resolve)
    batch.assert_once()


def test_a_project_that_is_changed_in_between_is_not_written_to_the_ledger(fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path)
    case, mine = batch.case, fake.project.id
    with (
        pytest.raises(ResolveError, match="Another project"),
        put_back_session(case.resolve, case.ledger) as session,
    ):
        session.put(batch.places[0], batch.jobs[0], batch.paths[0])
        fake.project.id = "another"
    assert {record.progress for record in case.ledger.records()} == {"begun"}
    fake.project.id = mine
    batch.put(case.resolve)
    batch.assert_once()


Meddling = Literal["item in the way", "track locked", "another bin", "another timeline", "track below", "bin removed"]


@pytest.mark.parametrize("meddling", Meddling.__args__)  # type: ignore[attr-defined]
def test_what_a_person_changes_in_between_is_noticed(meddling: Meddling, fake: FakeResolve, tmp_path: Path) -> None:
    batch = set_batch(fake, tmp_path)
    case = batch.case
    with put_back_session(case.resolve, case.ledger) as session:
        first, second = (
            session.put(*each) for each in list(zip(batch.places, batch.jobs, batch.paths, strict=True))[:2]
        )
        track = case.timeline.tracks["video"][1]
        if meddling == "item in the way":
            mine = case.timeline.place(case.clip, track=2, record=batch.places[2].record + 3, source=(0, 4))
            mine.enabled = False
        elif meddling == "track locked":
            track.locked = True
        elif meddling == "another bin":
            fake.project.pool.current = fake.add_folder("Mine")
        elif meddling == "another timeline":
            fake.add_timeline("Another")
        elif meddling == "track below":
            case.timeline.AddTrack("video", {"index": 1})
        else:
            fake.project.pool.MoveClips(case.restored_clips(), fake.project.pool.root)
            fake.project.pool.DeleteFolders([fake.project.pool.root.folders[-1]])
        third = session.put(batch.places[2], batch.jobs[2], batch.paths[2])
    assert [session.final(each).saved for each in (first, second, third)] == [True, True, True]
    assert len(case.restored_clips()) == len(case.restored_items()) == 3
    place = batch.places[2]
    assert tuple(case.sees_restored(range(place.record, place.record + 20))) == case.before
