"""The timeline was changed while the frames were being restored."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from fakes.resolve import FakeResolve
from resolve.conftest import MakeFake
from resolve.put_back.stage import Stage, set_stage

MODES: list[str] = ["track", "take"]


def shows_what_it_showed(stage: Stage) -> None:
    """The restored frames are those that the source itself would show now."""
    assert stage.sees_restored() == [stage.item.warp.shown(k) for k in range(stage.item.duration)]


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("head", "tail"), [(0, 0), (3, 0), (0, 4), (3, 4), (-5, 0), (0, -5), (-5, -5)], ids=lambda cut: str(cut)
)
def test_it_goes_where_the_item_is_now(
    head: int, tail: int, mode: str, kept: bool, fake: FakeResolve, tmp_path: Path
) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, handles=5)
    if not kept:
        stage.place = replace(stage.place, left=None)
    stage.timeline.trim(stage.item, head, tail)
    stage.timeline.move(stage.item, stage.item.start + 100)
    outcome = stage.put()
    assert (outcome.did, outcome.warnings) == (mode, ())
    shows_what_it_showed(stage)


@pytest.mark.parametrize("mode", MODES)
def test_a_slipped_item_shows_its_new_frames(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, handles=5)
    stage.item.warp = replace(stage.item.warp, entry=stage.item.warp.entry + 4)
    assert stage.put().did == mode
    shows_what_it_showed(stage)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("subclip", [None, (5, 55)])
def test_frames_that_were_not_restored_are_named(
    subclip: tuple[int, int] | None, mode: str, fake: FakeResolve, tmp_path: Path
) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, handles=2, subclip=subclip)
    stage.timeline.trim(stage.item, -5, -3)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert "not restored: 15 to 17, 42" in outcome.warnings[0]
    assert len(stage.restored_clips()) == 1
    assert stage.sees_source() == [stage.item.warp.shown(k) for k in range(stage.item.duration)]
    stage.timeline.trim(stage.item, 5, 3)
    outcome = stage.put(again=True, mode=mode)
    assert outcome.did == mode
    shows_what_it_showed(stage)


@pytest.mark.parametrize("mode", MODES)
def test_a_mixed_rate_item_that_was_trimmed_shows_the_same_frames(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, rate=50, source=(20, 40))
    stage.timeline.trim(stage.item, 2, 1)
    assert stage.put().did == mode
    shows_what_it_showed(stage)


@pytest.mark.parametrize("speed", [2, Fraction(1, 2), -1])
def test_a_retimed_item_that_was_trimmed_shows_the_same_frames(
    speed: int | Fraction, make_fake: MakeFake, tmp_path: Path
) -> None:
    stage = set_stage(make_fake(version=(21, 1, 0)), tmp_path, mode="take", speed=speed, source=(20, 40))
    stage.timeline.trim(stage.item, 2, 2)
    assert stage.put().did == "take"
    shows_what_it_showed(stage)


@pytest.mark.parametrize("mode", MODES)
def test_an_item_that_was_retimed_since_keeps_its_picture(mode: str, make_fake: MakeFake, tmp_path: Path) -> None:
    stage = set_stage(make_fake(version=(21, 1, 0)), tmp_path, mode=mode)
    stage.item.SetSpeed({"Percentage": 200.0})
    outcome = stage.put()
    assert outcome.did == "pool"
    assert "runs at 200 % now, not at 100 %" in outcome.warnings[0]


@pytest.mark.parametrize("mode", ["track", "take", "replace"])
def test_a_deleted_item_leaves_the_clip_in_the_pool(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    stage.timeline.remove(stage.item)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert "no longer on the timeline Reel 1" in outcome.warnings[0]
    assert stage.timeline.all_items() == []


@pytest.mark.parametrize("mode", MODES)
def test_a_deleted_timeline_leaves_the_clip_in_the_pool(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode)
    fake.add_timeline("Another")
    fake.project.remove_timeline(stage.timeline)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert "Reel 1 is no longer in the project" in outcome.warnings[0]


@pytest.mark.parametrize("mode", ["track", "take", "replace"])
def test_an_item_of_another_clip_keeps_it(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode=mode, whole=True)
    stage.item.original = fake.add_clip(stage.clip.path, name="another")
    outcome = stage.put()
    assert outcome.did == "pool"
    assert tuple(stage.sees_source()) == stage.before
