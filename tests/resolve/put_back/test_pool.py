"""In the media pool: one clip, in its bin, with the source's attributes, and the user's bin open again."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.frames.sequence import same_media
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.placement import Placement
from fakes.resolve import FakeResolve
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.stage import JOB, put_back, set_stage

ATTRIBUTES = {
    "PAR": "1.0667",
    "Data Level": "Full",
    "Input Color Space": "Rec.709",
    "Input Gamma": "Gamma 2.4",
    "Alpha mode": "Straight",
    "Clip Name": "Plate 1",
}


def test_the_clip_lies_in_the_bin_of_its_timeline_and_the_users_bin_is_open(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    mine = fake.add_folder("Dailies")
    fake.project.pool.current = mine
    fake.world.page = "color"
    outcome = stage.put()
    assert (outcome.state, outcome.did, outcome.warnings) == ("put", "pool", ())
    restored = next(each for each in fake.project.pool.root.folders if each.name == "Restored")
    assert [[clip.path for clip in bin.clips] for bin in restored.folders] == [[stage.path]]
    assert [bin.name for bin in restored.folders] == ["Reel 1"]
    assert fake.project.pool.current is mine
    assert fake.world.page == "color"


def test_bins_that_are_there_are_used(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    inner = fake.add_folder("Reel 1", fake.add_folder("Restored"))
    stage.put()
    assert [clip.path for clip in inner.clips] == [stage.path]
    assert sum(1 for _ in fake.project.pool.root.walk()) == 3


@pytest.mark.parametrize("dictionaries_fail", [False, True])
def test_pictures_come_in_as_one_clip(dictionaries_fail: bool, make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(import_dict_fails=dictionaries_fail))
    stage = set_stage(fake, tmp_path, mode="pool", restored_sequence=True)
    stage.put()
    (clip,) = stage.restored_clips()
    assert clip.frames == stage.place.restored_stop - stage.place.restored_first
    assert same_media(clip.path, stage.path)


def test_pictures_that_come_in_one_by_one_are_taken_out_and_said(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(individual_frames=True))
    stage = set_stage(fake, tmp_path, mode="pool", restored_sequence=True)
    with pytest.raises(ResolveError, match="Individual Frames") as raised:
        stage.put()
    assert "30 clips" in raised.value.message or "instead of 30" in raised.value.message
    assert stage.restored_clips() == []
    fake.world.quirks = Quirks()
    assert stage.put().did == "pool"
    assert len(stage.restored_clips()) == 1


def test_a_file_of_another_length_is_taken_out_and_said(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    right = stage.place
    stage.place = replace(right, restored_stop=right.restored_stop + 1)
    with pytest.raises(ResolveError, match=r"30 frames .* instead of 31"):
        stage.put()
    assert stage.restored_clips() == []
    stage.place = right
    assert stage.put().did == "pool"


def test_a_file_that_is_not_there_is_said(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    kept = Path(stage.path).rename(tmp_path / "elsewhere.mov")
    with pytest.raises(ResolveError, match="could not import"):
        stage.put()
    kept.rename(stage.path)
    assert stage.put().did == "pool"


@pytest.mark.parametrize("again", ["copy", "same", "nothing"])
def test_a_clip_that_the_user_imported_already_is_used(again: str, make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(import_again=again))  # type: ignore[arg-type]
    stage = set_stage(fake, tmp_path)
    mine = fake.add_clip(stage.path, folder=fake.add_folder("Mine"))
    outcome = stage.put()
    assert (stage.restored_clips(), outcome.clip) == ([mine], mine.id)
    assert tuple(stage.sees_restored()) == stage.before
    stage.undo()
    assert stage.restored_clips() == [mine]  # it was the user's


def test_the_clip_is_found_again_wherever_it_was_moved(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    stage.put()
    (clip,) = stage.restored_clips()
    fake.project.pool.MoveClips([clip], fake.add_folder("Mine"))
    assert stage.put().state == "already"
    assert stage.restored_clips() == [clip]


def test_attributes_are_those_of_the_source(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool", attributes=ATTRIBUTES)
    assert stage.put().warnings == ()
    properties = stage.restored_clips()[0].GetClipProperty()
    assert {name: properties[name] for name in ATTRIBUTES} == ATTRIBUTES
    assert properties["Field Dominance"] == "Progressive"


def test_an_attribute_that_resolve_drops_is_said(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool", attributes={"Reel Name": "A001", "Data Level": "Nonsense"})
    reel, level = sorted(stage.put().warnings, reverse=True)
    assert reel.startswith("Reel Name stays empty instead of A001")
    assert level.startswith("Data Level stays Auto instead of Nonsense")


def test_what_is_right_already_is_not_set(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool", attributes={"PAR": "Square", "Data Level": "Auto"})
    stage.put()
    assert fake.calls.count("MediaPoolItem.SetClipProperty") == 1  # Field Dominance


def test_pictures_run_at_the_rate_of_the_source(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(rate=24)  # at which Resolve imports pictures, that have no rate of their own
    stage = set_stage(fake, tmp_path, rate=Fraction(30000, 1001), timeline_rate="29.97", restored_sequence=True)
    outcome = stage.put()
    assert outcome.did == "track"
    assert stage.restored_clips()[0].fps == Fraction(30000, 1001)
    assert tuple(stage.sees_restored()) == stage.before


def test_a_clip_at_another_rate_stays_in_the_pool(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(rate=24, quirks=Quirks(dropped_properties=frozenset({"FPS"})))
    stage = set_stage(fake, tmp_path, rate=25, restored_sequence=True)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert any("24.0 frames per second instead of 25" in each for each in outcome.warnings)
    assert tuple(stage.sees_source()) == stage.before


def test_the_clip_says_what_it_was_made_from(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    stage.put(origin={"source": "/media/plate.mov", "model": "tiny-x4", "version": "0.1.0"})
    notes = stage.restored_clips()[0].third_party
    assert notes["Answerprint.Job"] == JOB
    assert notes["Answerprint.Source"] == "/media/plate.mov [15:45]"
    assert (notes["Answerprint.Model"], notes["Answerprint.Version"]) == ("tiny-x4", "0.1.0")
    assert (notes["Answerprint.Item"], notes["Answerprint.Timeline"]) == (stage.item.id, "Reel 1")
    assert Placement.from_editor(json.loads(notes["Answerprint.Place"])) == stage.place


def test_another_project_is_left_alone(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    mine, fake.project.id = fake.project.id, "another"
    with pytest.raises(ResolveError, match="belongs to the project Film") as raised:
        stage.put()
    assert "Bring Back Finished" in raised.value.remedy
    assert stage.restored_clips() == []
    fake.project.id = mine
    assert stage.put().did == "track"


def test_a_project_without_a_name_is_not_saved(make_fake: MakeFake, tmp_path: Path) -> None:
    stage = set_stage(make_fake(project="Untitled Project"), tmp_path)
    outcome = stage.put()
    assert (outcome.state, outcome.saved) == ("put", False)
    assert "no name yet" in outcome.warnings[0]
    assert "ProjectManager.SaveProject" not in stage.fake.calls


def test_a_clip_of_ours_is_known_by_its_job_after_its_file_was_moved(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, mode="pool")
    stage.put()
    (clip,) = stage.restored_clips()
    clip.relink(str(Path(stage.path).rename(tmp_path / "archive.mov")))
    assert stage.put().state == "already"
    assert len(fake.clips()) == 2


def test_single_pictures_of_an_import_that_was_cut_off_are_taken_out(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(individual_frames=True, restart_loses_unsaved=False))
    stage = set_stage(fake, tmp_path, mode="pool", restored_sequence=True)
    resolve = stage.resolve
    fake.quit_on("MediaPool.ImportMedia", "after")
    with pytest.raises(ResolveError):
        put_back(resolve, stage.place, JOB, stage.path, stage.ledger)
    assert len(stage.restored_clips()) == 30
    fake.world.quirks = Quirks(restart_loses_unsaved=False)
    fake.restart()
    assert stage.put().did == "pool"
    assert len(stage.restored_clips()) == 1
