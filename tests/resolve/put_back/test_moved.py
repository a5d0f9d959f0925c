"""The timeline was changed while frames were being restored."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from fakes.resolve import FakeResolve
from resolve.conftest import MakeFake
from resolve.put_back.put_back_case import PutBackCase, make_case

MODES: list[str] = ["track", "take"]


def shows_what_it_showed(case: PutBackCase) -> None:
    """Check that the restored frames are those that the source itself would show now."""
    assert case.sees_restored() == [case.item.warp.shown(k) for k in range(case.item.duration)]


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("head", "tail"), [(0, 0), (3, 0), (0, 4), (3, 4), (-5, 0), (0, -5), (-5, -5)], ids=lambda cut: str(cut)
)
def test_the_clip_follows_the_moved_item(
    head: int, tail: int, mode: str, kept: bool, fake: FakeResolve, tmp_path: Path
) -> None:
    case = make_case(fake, tmp_path, mode=mode, handles=5)
    if not kept:
        case.place = replace(case.place, left=None)
    case.timeline.trim(case.item, head, tail)
    case.timeline.move(case.item, case.item.start + 100)
    outcome = case.put()
    assert (outcome.did, outcome.warnings) == (mode, ())
    shows_what_it_showed(case)


@pytest.mark.parametrize("mode", MODES)
def test_a_slipped_item_shows_its_new_frames(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, handles=5)
    case.item.warp = replace(case.item.warp, entry=case.item.warp.entry + 4)
    assert case.put().did == mode
    shows_what_it_showed(case)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("subclip", [None, (5, 55)])
def test_frames_that_were_not_restored_are_named(
    subclip: tuple[int, int] | None, mode: str, fake: FakeResolve, tmp_path: Path
) -> None:
    case = make_case(fake, tmp_path, mode=mode, handles=2, subclip=subclip)
    case.timeline.trim(case.item, -5, -3)
    outcome = case.put()
    assert outcome.did == "pool"
    assert "not restored: 15 to 17, 42" in outcome.warnings[0]
    assert len(case.restored_clips()) == 1
    assert case.sees_source() == [case.item.warp.shown(k) for k in range(case.item.duration)]
    case.timeline.trim(case.item, 5, 3)
    outcome = case.put(again=True, mode=mode)
    assert outcome.did == mode
    shows_what_it_showed(case)


@pytest.mark.parametrize("mode", MODES)
def test_a_mixed_rate_item_that_was_trimmed_shows_the_same_frames(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, rate=50, source=(20, 40))
    case.timeline.trim(case.item, 2, 1)
    assert case.put().did == mode
    shows_what_it_showed(case)


@pytest.mark.parametrize("speed", [2, Fraction(1, 2), -1])
def test_a_retimed_item_that_was_trimmed_shows_the_same_frames(
    speed: int | Fraction, make_fake: MakeFake, tmp_path: Path
) -> None:
    case = make_case(make_fake(version=(21, 1, 0)), tmp_path, mode="take", speed=speed, source=(20, 40))
    case.timeline.trim(case.item, 2, 2)
    assert case.put().did == "take"
    shows_what_it_showed(case)


@pytest.mark.parametrize("mode", MODES)
def test_an_item_that_was_retimed_since_keeps_its_picture(mode: str, make_fake: MakeFake, tmp_path: Path) -> None:
    case = make_case(make_fake(version=(21, 1, 0)), tmp_path, mode=mode)
    case.item.SetSpeed({"Percentage": 200.0})
    outcome = case.put()
    assert outcome.did == "pool"
    assert "runs at 200 % now, not at 100 %" in outcome.warnings[0]


@pytest.mark.parametrize("mode", ["track", "take", "replace"])
def test_a_deleted_item_leaves_the_clip_in_the_pool(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    case.timeline.remove(case.item)
    outcome = case.put()
    assert outcome.did == "pool"
    assert "no longer on the timeline Reel 1" in outcome.warnings[0]
    assert case.timeline.all_items() == []


@pytest.mark.parametrize("mode", MODES)
def test_a_deleted_timeline_leaves_the_clip_in_the_pool(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode)
    fake.add_timeline("Another")
    fake.project.remove_timeline(case.timeline)
    outcome = case.put()
    assert outcome.did == "pool"
    assert "Reel 1 is no longer in the project" in outcome.warnings[0]


@pytest.mark.parametrize("mode", ["track", "take", "replace"])
def test_an_item_of_another_clip_keeps_it(mode: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode=mode, whole=True)
    case.item.original = fake.add_clip(case.clip.path, name="another")
    outcome = case.put()
    assert outcome.did == "pool"
    assert tuple(case.sees_source()) == case.before
