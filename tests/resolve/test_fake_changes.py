"""The fake refuses, drops and half does what Resolve was seen to refuse, drop and half do."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.resolve.api import MediaPoolItem, Project, Resolve
from answerprint.resolve.bridge.bridge import BridgeValue
from fakes.resolve import FakeResolve, Quirks, Shown
from fakes.resolve.timeline import Timeline as Model
from media.makers import make_movie
from resolve.conftest import MakeFake
from resolve.test_fake_items import sequence


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_movie(tmp_path_factory.mktemp("media") / "plate.mov", 60, rate=Fraction(25), codec="mpeg4")


class Scene:
    """A timeline of 25 with an item of frames 10 to 40 at its start, the project that holds it, and its clip."""

    def __init__(self, fake: FakeResolve, movie: Path) -> None:
        self.fake, self.movie = fake, movie
        self.model: Model = fake.add_timeline("Reel 1", rate=25)
        self.start = self.model.start
        self.placed = self.model.place(fake.add_clip(movie), record=self.start, source=(10, 40))
        self.resolve = Resolve(fake.bridge().root)
        self.project: Project = self.resolve.project()
        self.clip: MediaPoolItem = self.project.pool().root().clips()[-1]

    def entry(self, **values: int) -> Mapping[str, BridgeValue]:
        return {"mediaPoolItem": self.clip.remote, "mediaType": 1, **values}


class TestAppending:
    def test_frames_land_where_they_were_asked_for(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        assert scene.project.timeline().add_track()
        entry = scene.entry(startFrame=10, endFrame=39, trackIndex=2, recordFrame=scene.start)
        (item,) = scene.project.pool().append([entry])
        assert (item.start(), item.duration(), item.track()) == (scene.start, 30, ("video", 2))
        assert fake.shown(scene.model, scene.start + 3) == Shown(str(movie), 13)

    def test_the_end_is_inclusive_or_exclusive_by_version(self, make_fake: MakeFake, movie: Path) -> None:
        for end, length in (("inclusive", 11), ("exclusive", 10)):
            scene = Scene(make_fake(quirks=Quirks(append_end=end)), movie)  # type: ignore[arg-type]
            (item,) = scene.project.pool().append(
                [scene.entry(startFrame=0, endFrame=10, recordFrame=scene.start + 50)]
            )
            assert item.duration() == length

    def test_an_item_that_is_in_the_way_wins_and_a_hollow_one_comes_back(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        (item,) = scene.project.pool().append([scene.entry(startFrame=0, endFrame=5, recordFrame=scene.start + 29)])
        assert (item.duration(), item.id(), item.name(), item.start()) == (None, "", "", None)
        assert fake.items(scene.model) == [scene.placed]

    def test_a_locked_track_takes_nothing(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        scene.model.lane("video", 2).locked = True
        entry = scene.entry(startFrame=0, endFrame=5, trackIndex=2, recordFrame=scene.start)
        (item,) = scene.project.pool().append([entry])
        assert item.id() == ""

    def test_a_track_that_is_not_there_takes_nothing(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        (item,) = scene.project.pool().append([scene.entry(trackIndex=5, recordFrame=scene.start)])
        assert item.id() == ""

    def test_lengths_are_rounded_down_when_rates_differ(self, fake: FakeResolve, tmp_path: Path) -> None:
        fast = make_movie(tmp_path / "fast.mov", 60, rate=Fraction(50), codec="mpeg4")
        scene = Scene(fake, fast)
        entry = scene.entry(startFrame=1, endFrame=9, recordFrame=scene.start + 50)
        (item,) = scene.project.pool().append([entry])
        assert item.duration() == 4, "nine frames of 50 are four and a half of 25"

    def test_without_a_track_of_sound_the_sound_comes_along_linked(self, fake: FakeResolve, tmp_path: Path) -> None:
        talking = make_movie(tmp_path / "talk.mov", 20, codec="mpeg4", sound="pcm_s16le")
        scene = Scene(fake, talking)
        (item,) = scene.project.timeline().items(1)
        assert [each.track() for each in item.linked()] == [("audio", 1)]

    @pytest.mark.parametrize(
        "entry",
        [{"start": 3}, {"startFrame": "3"}, {"trackIndex": 1.5}, {"mediaType": 3}, {"mediaPoolItem": "plate.mov"}],
    )
    def test_what_is_not_documented_is_a_violation(self, movie: Path, entry: Mapping[BridgeValue, BridgeValue]) -> None:
        with FakeResolve() as fake:
            scene = Scene(fake, movie)
            assert scene.project.pool().append([{**scene.entry(), **entry}]) == []  # type: ignore[dict-item]
            assert len(fake.violations) == 1


class TestDeleting:
    def test_items_go_only_on_the_edit_page_and_at_the_second_try(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        timeline = scene.project.timeline()
        items = timeline.items(1)
        assert scene.resolve.open_page("color")
        assert [timeline.delete_items(items) for _ in range(2)] == [False, False]
        assert scene.resolve.open_page("edit")
        assert [timeline.delete_items(items) for _ in range(2)] == [False, True]
        assert fake.items(scene.model) == []

    def test_an_item_on_a_locked_track_stays(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        scene.model.lane("video", 1).locked = True
        timeline = scene.project.timeline()
        assert [timeline.delete_items(timeline.items(1)) for _ in range(2)] == [False, False]

    def test_an_item_that_was_deleted_is_hollow(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        (item,) = scene.project.timeline().items(1)
        scene.model.remove(scene.placed)
        assert (item.id(), item.duration(), item.enable(False)) == ("", None, False)

    def test_with_a_clip_go_its_items(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        assert scene.project.pool().delete_clips([scene.clip])
        assert fake.items(scene.model) == []


class TestTakes:
    def test_a_take_keeps_one_frame_more_and_is_not_selected(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        (item,) = scene.project.timeline().items(1)
        assert item.add_take(scene.clip, 20, 49)
        assert [(each.start, each.end) for each in item.takes()] == [(10, 39), (20, 50)]
        assert (item.take(), fake.shown(scene.model, scene.start)) == (1, Shown(str(movie), 10))
        assert item.select_take(2)
        assert fake.shown(scene.model, scene.start) == Shown(str(movie), 20)
        assert item.select_take(1)
        assert item.delete_take(2)
        assert (item.take(), item.takes()) == (0, [])

    def test_a_clip_that_is_replaced_is_so_everywhere(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        scene = Scene(fake, movie)
        other = make_movie(tmp_path / "other.mov", 60, codec="mpeg4")
        assert not scene.clip.replace("other.mov")
        assert scene.clip.replace(str(other))
        assert fake.shown(scene.model, scene.start) == Shown(str(other), 10)


class TestPool:
    def test_imports_go_into_the_open_bin(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        pool = scene.project.pool()
        made = pool.add_folder(pool.root(), "Restored")
        assert made is not None
        assert len(pool.import_media([str(movie)])) == 1
        assert [each.name() for each in made.clips()] == ["plate.mov"]
        assert pool.add_folder(pool.root(), "Restored") is None, "the name is taken"

    def test_what_cannot_be_read_is_left_out(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        (tmp_path / "rubbish.mov").write_bytes(b"rubbish")
        assert Scene(fake, movie).project.pool().import_media([str(tmp_path / "rubbish.mov")]) == []

    def test_a_sequence_comes_in_by_its_pattern_or_by_its_first_picture(
        self, make_fake: MakeFake, movie: Path, tmp_path: Path
    ) -> None:
        path = sequence(tmp_path, 1001, 6)
        entry: Mapping[str, BridgeValue] = {
            "FilePath": str(tmp_path / "plate.%04d.png"),
            "StartIndex": 1001,
            "EndIndex": 1006,
        }
        first = str(tmp_path / "plate.1001.png")
        for quirks, by_pattern, by_picture in (
            (Quirks(), ["6"], ["6"]),
            (Quirks(import_dict_fails=True), [], ["6"]),
            (Quirks(individual_frames=True), ["1"] * 6, ["1"]),
        ):
            pool = Scene(make_fake(quirks=quirks), movie).project.pool()
            assert [each.property("Frames") for each in pool.import_media([entry])] == by_pattern
            assert [each.property("Frames") for each in pool.import_media([first])] == by_picture
        assert path.name == "plate.[1001-1006].png"

    def test_one_numbered_picture_is_a_still(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        sequence(tmp_path, 7, 1)
        (clip,) = Scene(fake, movie).project.pool().import_media([str(tmp_path / "plate.0007.png")])
        assert clip.property("Type") == "Still"
        assert clip.property("File Path") == str(tmp_path / "plate.0007.png")

    def test_part_of_a_sequence_is_that_part(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        sequence(tmp_path, 1, 6)
        entry: Mapping[str, BridgeValue] = {
            "FilePath": str(tmp_path / "plate.%04d.png"),
            "StartIndex": 2,
            "EndIndex": 4,
        }
        (clip,) = Scene(fake, movie).project.pool().import_media([entry])
        assert clip.property("File Path") == str(tmp_path / "plate.[0002-0004].png")

    def test_the_storage_brings_in_files_too(self, fake: FakeResolve, movie: Path) -> None:
        storage = Scene(fake, movie).resolve.needed("GetMediaStorage")
        assert storage.ask("GetFileList", str(movie.parent)) == [str(movie)]
        assert isinstance(added := storage.ask("AddItemListToMediaPool", [str(movie)]), list)
        assert len(added) == 1

    def test_some_attributes_say_yes_and_stay(self, fake: FakeResolve, movie: Path) -> None:
        clip = Scene(fake, movie).clip
        assert clip.set_property("Reel Name", "A001")
        assert clip.property("Reel Name") == ""
        assert clip.set_property("Data Level", "Full")
        assert clip.property("Data Level") == "Full"
        assert not clip.set_property("Data Level", "Studio")
        assert not clip.set_property("Frames", "3")

    def test_an_attribute_that_does_not_exist_is_a_violation(self, movie: Path) -> None:
        with FakeResolve() as fake:
            assert not Scene(fake, movie).clip.set_property("DataLevel", "Full")
            assert fake.violations == ["MediaPoolItem.SetClipProperty: there is no DataLevel"]

    def test_notes_of_programs_are_kept(self, fake: FakeResolve, movie: Path) -> None:
        clip = Scene(fake, movie).clip
        assert clip.set_notes({"Answerprint.Job": "1"})
        assert clip.notes() == {"Answerprint.Job": "1"}


class TestMarks:
    def test_markers_carry_data(self, fake: FakeResolve, movie: Path) -> None:
        timeline = Scene(fake, movie).project.timeline()
        assert timeline.done("AddMarker", 3, "Blue", "restored", "", 1, "answerprint:1")
        assert not timeline.done("AddMarker", 3, "Blue", "again", "", 1, "")
        assert timeline.table("GetMarkerByCustomData", "answerprint:1")
        assert timeline.done("DeleteMarkerByCustomData", "answerprint:1")
        assert timeline.table("GetMarkerByCustomData", "answerprint:1") == {}

    def test_a_colour_that_does_not_exist_is_a_violation(self, movie: Path) -> None:
        with FakeResolve() as fake:
            assert not Scene(fake, movie).project.timeline().done("AddMarker", 3, "Orange", "", "", 1, "")
            assert len(fake.violations) == 1

    def test_in_and_out_count_from_the_start_of_the_timeline(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        scene.model.marks(10, 20)
        assert scene.project.timeline().marks() == (10, 20)

    def test_the_playhead_finds_the_topmost_item(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        above = scene.model.place_generator("Title", track=2, record=scene.start, duration=5)
        scene.model.playhead(scene.start)
        timeline = scene.project.timeline()
        assert [each.name() for each in [timeline.item_at_playhead()] if each] == ["Title"]
        above.enabled = False
        assert [each.name() for each in [timeline.item_at_playhead()] if each] == ["plate.mov"]
        scene.resolve.open_page("media")
        assert timeline.item_at_playhead() is None


class TestTimelines:
    def test_a_copy_is_open_and_has_items_of_its_own(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        assert scene.project.timeline().remote.ask("DuplicateTimeline", "Copy") is not None
        assert scene.project.timeline().name() == "Copy"
        (item,) = scene.project.timeline().items(1)
        assert item.enable(False)
        assert scene.placed.enabled

    def test_a_timeline_of_clips_needs_their_bin_open(self, fake: FakeResolve, movie: Path) -> None:
        scene = Scene(fake, movie)
        pool = scene.project.pool()
        entry: Mapping[str, BridgeValue] = {"mediaPoolItem": scene.clip.remote, "startFrame": 5, "endFrame": 9}
        other = pool.add_folder(pool.root(), "Elsewhere")
        assert other is not None
        assert not pool.found("CreateTimelineFromClips", "Scratch", [entry])
        assert pool.open_folder(pool.root())
        assert pool.found("CreateTimelineFromClips", "Scratch", [entry])
        scratch = fake.timeline("Scratch")
        assert fake.shown(scratch, scratch.start) == Shown(str(movie), 5)
        assert pool.delete_timelines([scene.project.timeline()])
        assert scene.project.timeline().name() == "Reel 1"
