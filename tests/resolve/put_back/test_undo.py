"""Undo removes what was put back, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back import undo
from answerprint.resolve.put_back.modes import MODES
from fakes.resolve import FakeResolve
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.put_back_case import JOB, PutBackCase, make_case, put_back


def looks(case: PutBackCase) -> object:
    """Everything a user sees of the project."""
    project = case.fake.project
    return (
        [folder.name for folder in project.pool.root.walk()],
        sorted((clip.path, clip.name, tuple(sorted(clip.attributes.items()))) for clip in case.fake.clips()),
        [
            (track.name, [(item.id, item.start, item.enabled) for item in track.items])
            for track in case.timeline.tracks["video"]
        ],
        [(take.clip, take.start) for take in case.item.takes],
        case.sees_source(),
    )


@pytest.mark.parametrize("page", ["edit", "color"])
@pytest.mark.parametrize("mode", MODES)
def test_the_project_is_as_it_was(mode: str, page: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    case.clip.attributes = {"Data Level": "Full"}
    before = looks(case)
    case.put(hide_original=True)
    mine = fake.add_timeline("Mine")
    fake.project.remove_timeline(mine)
    fake.world.page = page
    outcome = case.undo()
    assert outcome.state == "undone"
    assert outcome.warnings == ()
    assert looks(case) == before
    assert fake.world.page == page
    assert Path(case.path).exists()
    assert any(case.path in step.text for step in outcome.steps)


def test_an_attribute_that_is_lost_with_a_replaced_file_is_reported(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="replace", whole=True)
    assert case.clip.attributes == {"Reel Name": "A001"}  # which scripts cannot always write
    assert "Reel Name stays empty instead of A001" in case.put().warnings[0]
    assert "Reel Name of plate.mov was A001 and is lost" in case.undo().warnings[0]


@pytest.mark.parametrize("mode", MODES)
def test_undo_is_idempotent(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    assert case.undo().state == "nothing"
    case.put()
    assert [case.undo().state, case.undo().state] == ["undone", "nothing"]


@pytest.mark.parametrize("mode", MODES)
def test_what_was_undone_comes_back_only_on_request(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    case.put()
    case.undo()
    assert case.put().state == "undone"
    assert case.restored_clips() == []
    outcome = case.put(again=True)
    assert (outcome.state, outcome.did) == ("put", mode)
    assert len(case.restored_clips()) == 1


def test_a_track_with_something_of_the_users_stays(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    mine = case.timeline.place(case.clip, track=2, record=case.item.stop, source=(0, 5))
    case.undo()
    assert [track.items for track in case.timeline.tracks["video"]] == [[case.item], [mine]]


def test_a_copy_that_the_user_made_stays_with_its_clip(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    (clip,) = case.restored_clips()
    copy = case.timeline.place(clip, track=2, record=case.item.stop + 5, source=(0, 5))
    outcome = case.undo()
    assert case.restored_items() == [copy]
    assert "used 1 times elsewhere" in outcome.warnings[0]
    assert tuple(case.sees_source()) == case.before


def test_bins_and_tracks_go_with_the_last_clip_in_them(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    other = case.timeline.place(case.clip, record=case.item.stop + 10, source=(20, 40))
    second = Path(case.path).with_name("second.mov")
    second.write_bytes(Path(case.path).read_bytes())
    place = replace(case.place, item=other.id, record=other.start)
    put_back(case.resolve, place, "another", str(second), case.ledger)
    case.undo()
    assert [folder.name for folder in fake.project.pool.root.walk()] == ["Master", "Restored", "Reel 1"]
    assert len(case.timeline.tracks["video"]) == 2
    case.undo("another")
    assert [folder.name for folder in fake.project.pool.root.walk()] == ["Master"]
    assert len(case.timeline.tracks["video"]) == 1


def _lock(case: PutBackCase, locked: bool) -> None:
    case.timeline.tracks["video"][-1].locked = locked


def _elsewhere(case: PutBackCase, away: bool) -> None:
    case.fake.project.id = "another" if away else case.place.project


@pytest.mark.parametrize("obstacle", [_lock, _elsewhere])
def test_what_cannot_be_removed_is_reported_and_can_be_tried_again(
    obstacle: Callable[[PutBackCase, bool], None], fake: FakeResolve, tmp_path: Path
) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    obstacle(case, True)
    with pytest.raises(ResolveError) as raised:
        case.undo()
    assert raised.value.remedy
    assert len(case.restored_items()) == 1
    obstacle(case, False)
    assert case.undo().state == "undone"
    assert case.restored_clips() == []


def test_a_file_that_the_user_gave_the_clip_since_stays(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="replace", whole=True)
    case.put()
    other = tmp_path / "other.mov"
    other.write_bytes(Path(case.path).read_bytes())
    case.clip.ReplaceClip(str(other))
    outcome = case.undo()
    assert case.clip.path == str(other)
    assert "another file" in outcome.warnings[0]


@pytest.mark.parametrize("stride", [pytest.param(11, id="some"), pytest.param(1, id="every", marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", MODES)
def test_an_undo_interrupted_by_a_crash_of_resolve_can_be_finished(
    mode: str, stride: int, make_fake: MakeFake, tmp_path: Path
) -> None:
    case = make_case(make_fake(quirks=Quirks(restart_loses_unsaved=False)), tmp_path, mode=mode, whole=True)
    case.clip.attributes = {"Data Level": "Full"}
    before = looks(case)
    for calls in range(1, 3000, stride):
        assert case.put(again=True).did == mode
        resolve = case.resolve
        case.fake.quit_at(calls, "after")
        try:
            undo(resolve, JOB, case.ledger)
        except ResolveError as error:
            assert error.remedy
        if case.fake.world.running:
            assert looks(case) == before
            return
        case.fake.restart()
        assert case.put().state in ("undone", "removed", "already"), calls
        case.undo()
        assert looks(case) == before, calls
    pytest.fail("it never got through")
