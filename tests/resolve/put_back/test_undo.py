"""What was put back goes out again, and nothing else does."""

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
from resolve.put_back.stage import JOB, Stage, put_back, set_stage


def looks(stage: Stage) -> object:
    """All of the project that can be seen."""
    project = stage.fake.project
    return (
        [folder.name for folder in project.pool.root.walk()],
        sorted((clip.path, clip.name, tuple(sorted(clip.attributes.items()))) for clip in stage.fake.clips()),
        [
            (track.name, [(item.id, item.start, item.enabled) for item in track.items])
            for track in stage.timeline.tracks["video"]
        ],
        [(take.clip, take.start) for take in stage.item.takes],
        stage.sees_source(),
    )


@pytest.mark.parametrize("page", ["edit", "color"])
@pytest.mark.parametrize("mode", MODES)
def test_the_project_is_as_it_was(mode: str, page: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    stage.clip.attributes = {"Data Level": "Full"}
    before = looks(stage)
    stage.put(hide_original=True)
    mine = fake.add_timeline("Mine")
    fake.project.remove_timeline(mine)
    fake.world.page = page
    outcome = stage.undo()
    assert outcome.state == "undone"
    assert outcome.warnings == ()
    assert looks(stage) == before
    assert fake.world.page == page
    assert Path(stage.path).exists()
    assert any(stage.path in step.text for step in outcome.steps)


def test_an_attribute_that_is_lost_with_a_replaced_file_is_said(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="replace", whole=True)
    assert stage.clip.attributes == {"Reel Name": "A001"}  # which scripts cannot always write
    assert "Reel Name stays empty instead of A001" in stage.put().warnings[0]
    assert "Reel Name of plate.mov was A001 and is lost" in stage.undo().warnings[0]


@pytest.mark.parametrize("mode", MODES)
def test_twice_is_no_error(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    assert stage.undo().state == "nothing"
    stage.put()
    assert [stage.undo().state, stage.undo().state] == ["undone", "nothing"]


@pytest.mark.parametrize("mode", MODES)
def test_what_was_taken_out_comes_back_only_when_asked(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    stage.put()
    stage.undo()
    assert stage.put().state == "undone"
    assert stage.restored_clips() == []
    outcome = stage.put(again=True)
    assert (outcome.state, outcome.did) == ("put", mode)
    assert len(stage.restored_clips()) == 1


def test_a_track_with_something_of_the_users_stays(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put()
    mine = stage.timeline.place(stage.clip, track=2, record=stage.item.stop, source=(0, 5))
    stage.undo()
    assert [track.items for track in stage.timeline.tracks["video"]] == [[stage.item], [mine]]


def test_a_copy_that_the_user_made_stays_with_its_clip(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put()
    (clip,) = stage.restored_clips()
    copy = stage.timeline.place(clip, track=2, record=stage.item.stop + 5, source=(0, 5))
    outcome = stage.undo()
    assert stage.restored_items() == [copy]
    assert "used 1 times elsewhere" in outcome.warnings[0]
    assert tuple(stage.sees_source()) == stage.before


def test_bins_and_tracks_go_with_the_last_clip_in_them(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put()
    other = stage.timeline.place(stage.clip, record=stage.item.stop + 10, source=(20, 40))
    second = Path(stage.path).with_name("second.mov")
    second.write_bytes(Path(stage.path).read_bytes())
    place = replace(stage.place, item=other.id, record=other.start)
    put_back(stage.resolve, place, "another", str(second), stage.ledger)
    stage.undo()
    assert [folder.name for folder in fake.project.pool.root.walk()] == ["Master", "Restored", "Reel 1"]
    assert len(stage.timeline.tracks["video"]) == 2
    stage.undo("another")
    assert [folder.name for folder in fake.project.pool.root.walk()] == ["Master"]
    assert len(stage.timeline.tracks["video"]) == 1


def _lock(stage: Stage, locked: bool) -> None:
    stage.timeline.tracks["video"][-1].locked = locked


def _elsewhere(stage: Stage, away: bool) -> None:
    stage.fake.project.id = "another" if away else stage.place.project


@pytest.mark.parametrize("obstacle", [_lock, _elsewhere])
def test_what_cannot_be_removed_is_said_and_can_be_tried_again(
    obstacle: Callable[[Stage, bool], None], fake: FakeResolve, tmp_path: Path
) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put()
    obstacle(stage, True)
    with pytest.raises(ResolveError) as raised:
        stage.undo()
    assert raised.value.remedy
    assert len(stage.restored_items()) == 1
    obstacle(stage, False)
    assert stage.undo().state == "undone"
    assert stage.restored_clips() == []


def test_a_file_that_the_user_gave_the_clip_since_stays(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="replace", whole=True)
    stage.put()
    other = tmp_path / "other.mov"
    other.write_bytes(Path(stage.path).read_bytes())
    stage.clip.ReplaceClip(str(other))
    outcome = stage.undo()
    assert stage.clip.path == str(other)
    assert "another file" in outcome.warnings[0]


@pytest.mark.parametrize("stride", [pytest.param(11, id="some"), pytest.param(1, id="every", marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", MODES)
def test_a_resolve_that_ends_at_any_call_of_an_undo_lets_it_be_finished(
    mode: str, stride: int, make_fake: MakeFake, tmp_path: Path
) -> None:
    stage = set_stage(make_fake(quirks=Quirks(restart_loses_unsaved=False)), tmp_path, mode=mode, whole=True)
    stage.clip.attributes = {"Data Level": "Full"}
    before = looks(stage)
    for calls in range(1, 3000, stride):
        assert stage.put(again=True).did == mode
        resolve = stage.resolve
        stage.fake.quit_at(calls, "after")
        try:
            undo(resolve, JOB, stage.ledger)
        except ResolveError as error:
            assert error.remedy
        if stage.fake.world.running:
            assert looks(stage) == before
            return
        stage.fake.restart()
        assert stage.put().state in ("undone", "removed", "already"), calls
        stage.undo()
        assert looks(stage) == before, calls
    pytest.fail("it never got through")
