"""As a take of the original item, or in place of the source's file."""

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
from resolve.put_back.stage import set_stage


@pytest.mark.parametrize("one_more", [True, False])
def test_the_take_is_seen_and_has_no_frame_more(one_more: bool, make_fake: MakeFake, tmp_path: Path) -> None:
    stage = set_stage(make_fake(quirks=Quirks(take_keeps_one_more=one_more)), tmp_path, mode="take")
    where = (stage.item.start, stage.item.duration)
    assert stage.put().did == "take"
    assert tuple(stage.sees_restored()) == stage.before
    assert (stage.item.start, stage.item.duration) == where
    assert [(take.start, take.end) for take in stage.item.takes] == [(20, 39), (5, 24)]
    assert "TimelineItem.FinalizeTake" not in stage.fake.calls


def test_takes_of_the_users_stay(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="take")
    mine = fake.add_clip(stage.clip.path, name="mine")
    stage.item.AddTake(mine, 0, 19)
    assert stage.put().did == "take"
    assert [take.clip for take in stage.item.takes[:2]] == [stage.clip, mine]
    assert tuple(stage.sees_restored()) == stage.before
    stage.undo()
    assert [take.clip for take in stage.item.takes] == [stage.clip, mine]
    assert stage.item.take == 1
    assert tuple(stage.sees_source()) == stage.before


def test_an_item_on_a_locked_track_gets_no_take(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="take")
    stage.timeline.tracks["video"][0].locked = True
    outcome = stage.put()
    assert outcome.did == "pool"
    assert "locked" in outcome.warnings[0]
    assert stage.item.takes == []
    stage.timeline.tracks["video"][0].locked = False
    assert stage.put(again=True, mode="take").did == "take"


REPLACED: dict[str, dict[str, Any]] = {"file": {}, "pictures": {"sequence": True, "restored_sequence": True}}


@pytest.mark.parametrize("kind", REPLACED)
def test_a_clip_gets_the_restored_file_wherever_it_is_used(kind: str, fake: FakeResolve, tmp_path: Path) -> None:
    attributes = {"Clip Name": "Plate 1", "Data Level": "Full"}
    stage = set_stage(fake, tmp_path, mode="replace", whole=True, attributes=attributes, **REPLACED[kind])
    source, stage.clip.attributes = stage.clip.path, {}
    outcome = stage.put()
    assert (outcome.did, outcome.warnings) == ("replace", ())
    assert tuple(stage.sees_restored()) == stage.before
    assert [clip for clip in fake.clips() if same_media(clip.path, stage.path)] == [stage.clip]
    assert (stage.clip.name, stage.clip.attributes["Data Level"]) == ("Plate 1", "Full")
    stage.undo()
    assert (stage.clip.path, stage.clip.name) == (source, Path(source).name)
    assert tuple(stage.sees_source()) == stage.before


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
    stage = set_stage(fake, tmp_path, mode="replace", **options)
    source = stage.clip.path
    outcome = stage.put()
    assert outcome.did == "pool"
    assert why in outcome.warnings[0]
    assert stage.clip.path == source
    assert tuple(stage.sees_source()) == stage.before
    assert len(stage.restored_clips()) == 1


def test_a_clip_that_turns_out_to_be_numbered_otherwise_gets_its_file_back(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="replace", whole=True)
    source, stage.clip.attributes = stage.clip.path, {"Data Level": "Full"}
    stage.path = str(make_movie(tmp_path / "out" / "longer.mov", 61))
    stage.place = replace(stage.place, restored_stop=61)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert "numbers the frames" in outcome.warnings[0]
    assert (stage.clip.path, stage.clip.attributes["Data Level"]) == (source, "Full")
    assert stage.clip.third_party.get("Answerprint.Job", "") == ""
    assert tuple(stage.sees_source()) == stage.before


def test_a_resolve_that_replaces_nothing_is_said(
    fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_stage(fake, tmp_path, mode="replace", whole=True)
    kind = type(stage.clip)
    nothing = lambda self, path: True  # noqa: E731
    nothing.__api__ = kind.ReplaceClip.__api__  # type: ignore[attr-defined]
    with monkeypatch.context() as context:
        context.setattr(kind, "ReplaceClip", nothing)
        assert stage.put().did == "pool"
    assert tuple(stage.sees_source()) == stage.before
    assert stage.put(again=True, mode="replace").did == "replace"
    assert tuple(stage.sees_restored()) == stage.before
