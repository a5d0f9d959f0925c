"""The mode pool: one clip, in its bin, with the source's attributes, and the user's bin open again."""

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
from resolve.put_back.put_back_case import JOB, make_case, put_back

ATTRIBUTES = {
    "PAR": "1.0667",
    "Data Level": "Full",
    "Input Color Space": "Rec.709",
    "Input Gamma": "Gamma 2.4",
    "Alpha mode": "Straight",
    "Clip Name": "Plate 1",
}


def test_the_clip_is_in_the_bin_of_its_timeline_and_the_users_bin_is_open(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    mine = fake.add_folder("Dailies")
    fake.project.pool.current = mine
    fake.world.page = "color"
    outcome = case.put()
    assert (outcome.state, outcome.did, outcome.warnings) == ("put", "pool", ())
    restored = next(each for each in fake.project.pool.root.folders if each.name == "Restored")
    assert [[clip.path for clip in bin.clips] for bin in restored.folders] == [[case.path]]
    assert [bin.name for bin in restored.folders] == ["Reel 1"]
    assert fake.project.pool.current is mine
    assert fake.world.page == "color"


def test_existing_bins_are_used(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    inner = fake.add_folder("Reel 1", fake.add_folder("Restored"))
    case.put()
    assert [clip.path for clip in inner.clips] == [case.path]
    assert sum(1 for _ in fake.project.pool.root.walk()) == 3


@pytest.mark.parametrize("dictionaries_fail", [False, True])
def test_a_sequence_is_imported_as_one_clip(dictionaries_fail: bool, make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(import_dict_fails=dictionaries_fail))
    case = make_case(fake, tmp_path, mode="pool", restored_sequence=True)
    case.put()
    (clip,) = case.restored_clips()
    assert clip.frames == case.place.restored_stop - case.place.restored_first
    assert same_media(clip.path, case.path)


def test_pictures_imported_one_by_one_are_deleted_and_reported(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(individual_frames=True))
    case = make_case(fake, tmp_path, mode="pool", restored_sequence=True)
    with pytest.raises(ResolveError, match="Individual Frames") as raised:
        case.put()
    assert "30 clips" in raised.value.message or "instead of 30" in raised.value.message
    assert case.restored_clips() == []
    fake.world.quirks = Quirks()
    assert case.put().did == "pool"
    assert len(case.restored_clips()) == 1


def test_a_file_of_another_length_is_deleted_and_reported(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    right = case.place
    case.place = replace(right, restored_stop=right.restored_stop + 1)
    with pytest.raises(ResolveError, match=r"30 frames .* instead of 31"):
        case.put()
    assert case.restored_clips() == []
    case.place = right
    assert case.put().did == "pool"


def test_a_missing_file_is_reported(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    kept = Path(case.path).rename(tmp_path / "elsewhere.mov")
    with pytest.raises(ResolveError, match="could not import"):
        case.put()
    kept.rename(case.path)
    assert case.put().did == "pool"


@pytest.mark.parametrize("again", ["copy", "same", "nothing"])
def test_a_clip_that_the_user_imported_already_is_used(again: str, make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(import_again=again))  # type: ignore[arg-type]
    case = make_case(fake, tmp_path)
    mine = fake.add_clip(case.path, folder=fake.add_folder("Mine"))
    outcome = case.put()
    assert (case.restored_clips(), outcome.clip) == ([mine], mine.id)
    assert tuple(case.sees_restored()) == case.before
    case.undo()
    assert case.restored_clips() == [mine]  # it was the user's


def test_the_clip_is_found_again_wherever_it_was_moved(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    case.put()
    (clip,) = case.restored_clips()
    fake.project.pool.MoveClips([clip], fake.add_folder("Mine"))
    assert case.put().state == "already"
    assert case.restored_clips() == [clip]


def test_attributes_are_those_of_the_source(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool", attributes=ATTRIBUTES)
    assert case.put().warnings == ()
    properties = case.restored_clips()[0].GetClipProperty()
    assert {name: properties[name] for name in ATTRIBUTES} == ATTRIBUTES
    assert properties["Field Dominance"] == "Progressive"


def test_an_attribute_that_resolve_drops_is_reported(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool", attributes={"Reel Name": "A001", "Data Level": "Nonsense"})
    reel, level = sorted(case.put().warnings, reverse=True)
    assert reel.startswith("Reel Name stays empty instead of A001")
    assert level.startswith("Data Level stays Auto instead of Nonsense")


def test_attributes_that_are_right_are_not_set(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool", attributes={"PAR": "Square", "Data Level": "Auto"})
    case.put()
    assert fake.calls.count("MediaPoolItem.SetClipProperty") == 1  # Field Dominance


def test_a_sequence_runs_at_the_rate_of_the_source(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(rate=24)  # at which Resolve imports pictures, that have no rate of their own
    case = make_case(fake, tmp_path, rate=Fraction(30000, 1001), timeline_rate="29.97", restored_sequence=True)
    outcome = case.put()
    assert outcome.did == "track"
    assert case.restored_clips()[0].fps == Fraction(30000, 1001)
    assert tuple(case.sees_restored()) == case.before


def test_a_clip_at_another_rate_stays_in_the_pool(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(rate=24, quirks=Quirks(dropped_properties=frozenset({"FPS"})))
    case = make_case(fake, tmp_path, rate=25, restored_sequence=True)
    outcome = case.put()
    assert outcome.did == "pool"
    assert any("24.0 frames per second instead of 25" in each for each in outcome.warnings)
    assert tuple(case.sees_source()) == case.before


def test_the_clip_says_what_it_was_made_from(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    case.put(origin={"source": "/media/plate.mov", "model": "tiny-x4", "version": "0.1.0"})
    notes = case.restored_clips()[0].third_party
    assert notes["Answerprint.Job"] == JOB
    assert notes["Answerprint.Source"] == "/media/plate.mov [15:45]"
    assert (notes["Answerprint.Model"], notes["Answerprint.Version"]) == ("tiny-x4", "0.1.0")
    assert (notes["Answerprint.Item"], notes["Answerprint.Timeline"]) == (case.item.id, "Reel 1")
    assert Placement.from_editor(json.loads(notes["Answerprint.Place"])) == case.place


def test_another_project_is_left_alone(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    mine, fake.project.id = fake.project.id, "another"
    with pytest.raises(ResolveError, match="belongs to the project Film") as raised:
        case.put()
    assert "Bring Back Finished" in raised.value.remedy
    assert case.restored_clips() == []
    fake.project.id = mine
    assert case.put().did == "track"


def test_a_project_without_a_name_is_not_saved(make_fake: MakeFake, tmp_path: Path) -> None:
    case = make_case(make_fake(project="Untitled Project"), tmp_path)
    outcome = case.put()
    assert (outcome.state, outcome.saved) == ("put", False)
    assert "no name yet" in outcome.warnings[0]
    assert "ProjectManager.SaveProject" not in case.fake.calls


def test_a_clip_of_ours_is_known_by_its_job_after_its_file_was_moved(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    case.put()
    (clip,) = case.restored_clips()
    clip.relink(str(Path(case.path).rename(tmp_path / "archive.mov")))
    assert case.put().state == "already"
    assert len(fake.clips()) == 2


def test_single_pictures_of_an_interrupted_import_are_deleted(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(quirks=Quirks(individual_frames=True, restart_loses_unsaved=False))
    case = make_case(fake, tmp_path, mode="pool", restored_sequence=True)
    resolve = case.resolve
    fake.quit_on("MediaPool.ImportMedia", "after")
    with pytest.raises(ResolveError):
        put_back(resolve, case.place, JOB, case.path, case.ledger)
    assert len(case.restored_clips()) == 30
    fake.world.quirks = Quirks(restart_loses_unsaved=False)
    fake.restart()
    assert case.put().did == "pool"
    assert len(case.restored_clips()) == 1
