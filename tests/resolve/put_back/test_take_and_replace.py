"""The modes take and replace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from answerprint.frames.sequence import same_media
from fakes.resolve import FakeResolve
from fakes.resolve.quirks import Quirks
from media.makers import make_movie
from resolve.conftest import MakeFake
from resolve.put_back.put_back_case import make_case


@pytest.mark.parametrize("one_more", [True, False])
def test_the_take_is_shown_and_has_no_extra_frame(one_more: bool, make_fake: MakeFake, tmp_path: Path) -> None:
    case = make_case(make_fake(quirks=Quirks(take_keeps_one_more=one_more)), tmp_path, mode="take")
    where = (case.item.start, case.item.duration)
    assert case.put().did == "take"
    assert tuple(case.sees_restored()) == case.before
    assert (case.item.start, case.item.duration) == where
    assert [(take.start, take.end) for take in case.item.takes] == [(20, 39), (5, 24)]
    assert "TimelineItem.FinalizeTake" not in case.fake.calls


def test_the_users_takes_stay(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="take")
    mine = fake.add_clip(case.clip.path, name="mine")
    case.item.AddTake(mine, 0, 19)
    assert case.put().did == "take"
    assert [take.clip for take in case.item.takes[:2]] == [case.clip, mine]
    assert tuple(case.sees_restored()) == case.before
    case.undo()
    assert [take.clip for take in case.item.takes] == [case.clip, mine]
    assert case.item.take == 1
    assert tuple(case.sees_source()) == case.before


def test_an_item_on_a_locked_track_gets_no_take(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="take")
    case.timeline.tracks["video"][0].locked = True
    outcome = case.put()
    assert outcome.did == "pool"
    assert "locked" in outcome.warnings[0]
    assert case.item.takes == []
    case.timeline.tracks["video"][0].locked = False
    assert case.put(again=True, mode="take").did == "take"


REPLACED: dict[str, dict[str, Any]] = {"file": {}, "pictures": {"sequence": True, "restored_sequence": True}}


@pytest.mark.parametrize("kind", REPLACED)
def test_a_clip_gets_the_restored_file_wherever_it_is_used(kind: str, fake: FakeResolve, tmp_path: Path) -> None:
    attributes = {"Clip Name": "Plate 1", "Data Level": "Full"}
    case = make_case(fake, tmp_path, mode="replace", whole=True, attributes=attributes, **REPLACED[kind])
    source, case.clip.attributes = case.clip.path, {}
    outcome = case.put()
    assert (outcome.did, outcome.warnings) == ("replace", ())
    assert tuple(case.sees_restored()) == case.before
    assert [clip for clip in fake.clips() if same_media(clip.path, case.path)] == [case.clip]
    assert (case.clip.name, case.clip.attributes["Data Level"]) == ("Plate 1", "Full")
    case.undo()
    assert (case.clip.path, case.clip.name) == (source, Path(source).name)
    assert tuple(case.sees_source()) == case.before


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"whole": False}, "Only frames 15 to 44 of 60 were restored"),
        ({"whole": True, "restored_sequence": True}, "numbered differently"),
        ({"whole": True, "sequence": True}, "numbered differently"),
        ({"whole": True, "subclip": (10, 50)}, "numbered differently"),
    ],
)
def test_a_clip_that_would_show_other_frames_is_not_replaced(
    options: dict[str, Any], why: str, fake: FakeResolve, tmp_path: Path
) -> None:
    case = make_case(fake, tmp_path, mode="replace", **options)
    source = case.clip.path
    outcome = case.put()
    assert outcome.did == "pool"
    assert why in outcome.warnings[0]
    assert case.clip.path == source
    assert tuple(case.sees_source()) == case.before
    assert len(case.restored_clips()) == 1


def test_a_clip_that_turns_out_to_be_numbered_differently_gets_its_file_back(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="replace", whole=True)
    source, case.clip.attributes = case.clip.path, {"Data Level": "Full"}
    case.path = str(make_movie(tmp_path / "out" / "longer.mov", 61))
    case.place = replace(case.place, restored_stop=61)
    outcome = case.put()
    assert outcome.did == "pool"
    assert "numbers the frames" in outcome.warnings[0]
    assert (case.clip.path, case.clip.attributes["Data Level"]) == (source, "Full")
    assert case.clip.third_party.get("Answerprint.Job", "") == ""
    assert tuple(case.sees_source()) == case.before


def test_a_resolve_that_replaces_nothing_is_reported(
    fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(fake, tmp_path, mode="replace", whole=True)
    kind = type(case.clip)
    nothing = lambda self, path: True  # noqa: E731
    nothing.__api__ = kind.ReplaceClip.__api__  # type: ignore[attr-defined]
    with monkeypatch.context() as context:
        context.setattr(kind, "ReplaceClip", nothing)
        assert case.put().did == "pool"
    assert tuple(case.sees_source()) == case.before
    assert case.put(again=True, mode="replace").did == "replace"
    assert tuple(case.sees_restored()) == case.before
