"""On a track of ours: above the original, below what lies over it, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import fakes.resolve.pool as pool
from answerprint.errors import AnswerprintError, StorageError
from answerprint.resolve.put_back.ledger import Ledger
from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from fakes.resolve.quirks import Quirks
from fakes.resolve.timeline import Timeline
from media.makers import make_movie, numbered_frame
from resolve.conftest import MakeFake
from resolve.put_back.stage import JOB, make_picture, set_stage


def names(timeline: Timeline) -> list[str]:
    return [track.name for track in timeline.tracks["video"]]


def test_what_lies_above_the_original_stays_above(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    title = stage.timeline.place_generator("Title", track=2, record=stage.item.start + 5, duration=4)
    outcome = stage.put()
    assert outcome.did == "track"
    assert names(stage.timeline) == ["Video 1", "Restored", "Video 2"]
    assert stage.timeline.top(stage.item.start + 6) is title
    assert stage.sees_restored(range(stage.item.start, stage.item.start + 5)) == list(stage.before[:5])


def test_what_is_above_but_elsewhere_does_not_matter(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.timeline.place_generator("Title", track=2, record=stage.item.stop, duration=4)
    stage.put()
    assert names(stage.timeline) == ["Video 1", "Video 2", "Restored"]


def test_a_resolve_that_adds_tracks_only_on_top_covers_no_title(
    fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_stage(fake, tmp_path)
    title = stage.timeline.place_generator("Title", track=2, record=stage.item.start, duration=40)
    add = type(stage.timeline).AddTrack
    ignoring = lambda self, kind, options=None: add(self, kind)  # noqa: E731
    ignoring.__api__ = add.__api__  # type: ignore[attr-defined]
    monkeypatch.setattr(type(stage.timeline), "AddTrack", ignoring)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert any("lies above the original" in each for each in outcome.warnings)
    assert names(stage.timeline) == ["Video 1", "Video 2"]
    assert stage.timeline.top(stage.item.start) is title


def test_our_track_is_used_again_where_it_is_free(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put()
    other = stage.timeline.place(stage.clip, record=stage.item.stop + 10, source=(20, 40))
    stage.place = replace(stage.place, item=other.id, record=other.start)
    renamed = Path(stage.path).with_name("second.mov")
    renamed.write_bytes(Path(stage.path).read_bytes())
    stage.path = str(renamed)
    stage.put("another")
    assert names(stage.timeline) == ["Video 1", "Restored"]
    assert [item.start for item in stage.timeline.tracks["video"][1].items] == [stage.item.start, other.start]


@pytest.mark.parametrize("why", ["locked", "occupied", "not ours", "below"])
def test_a_track_that_cannot_be_used_is_left_alone(why: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, track=2 if why == "below" else 1)
    track = stage.timeline.lane("video", 1 if why == "below" else 2)
    track.name = "Restored"
    if why == "locked":
        track.locked = True
    elif why == "occupied":
        mine = fake.add_clip(stage.clip.path, name="older version")
        mine.third_party["Answerprint.Job"] = "older"
        stage.timeline.place(mine, track=2, record=stage.item.start + 3, source=(0, 5))
    elif why == "not ours":
        stage.timeline.place(stage.clip, track=2, record=stage.item.stop, source=(0, 5))
    kept = list(track.items)
    outcome = stage.put()
    assert outcome.did == "track"
    assert track.items == kept
    assert tuple(stage.sees_restored()) == stage.before


def test_sound_stays_where_it_is(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, sound="pcm_s16le")
    sound = list(stage.timeline.tracks["audio"][0].items)
    stage.put()
    assert [list(track.items) for track in stage.timeline.tracks["audio"]] == [sound]
    assert stage.item.linked == sound
    assert stage.restored_items()[0].linked == []


def test_grade_and_inspector_are_those_of_the_original(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.item.grade = "warm"
    stage.item.properties |= {"ZoomX": 1.5, "ZoomY": 1.5, "Pan": 12.0, "FlipX": True, "Opacity": 80.0, "CropLeft": 4.0}
    assert stage.put().warnings == ()
    (new,) = stage.restored_items()
    assert (new.grade, new.properties) == ("warm", stage.item.properties)


def test_a_fusion_composition_is_said_to_be_missing(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.item.fusion_comps = 1
    assert "Fusion composition" in stage.put().warnings[0]


def test_a_larger_picture_keeps_the_framing_of_one_that_was_not_scaled(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    _enlarge(stage.path)
    stage.item.properties |= {"Scaling": 1, "ZoomX": 2.0, "ZoomY": 2.0, "CropTop": 3.0}
    warnings = stage.put().warnings
    (new,) = stage.restored_items()
    # 64x48 px unscaled in 1920x1080 is 48/1080 of the frame's height, and 4:3 is fitted by its height.
    assert new.properties["Scaling"] == 2
    assert new.properties["ZoomX"] == pytest.approx(2 * 48 / 1080)
    assert new.properties["CropTop"] == 0.0
    assert any("CropTop" in each for each in warnings)


def _enlarge(path: str) -> None:
    make_movie(Path(path), [numbered_frame(n, 128, 96) for n in range(30)], rate=Fraction(25))


def test_the_original_is_switched_off_when_asked(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put(hide_original=True)
    assert not stage.item.enabled
    stage.undo()
    assert stage.item.enabled


def test_the_new_item_is_marked_with_its_job(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    stage.put()
    (new,) = stage.restored_items()
    assert [each["customData"] for each in new.markers.values()] == [f"answerprint:{JOB}"]


@pytest.mark.parametrize("page", ["media", "color", "deliver", "edit"])
def test_page_timeline_and_bin_are_as_they_were(page: str, fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path)
    mine = fake.add_timeline("Mine", rate=25)
    fake.world.page = page
    outcome = stage.put()
    assert outcome.did == "track"
    assert (fake.project.current, fake.world.page) == (mine, page)
    assert fake.project.pool.current is fake.project.pool.root
    assert mine.all_items() == []
    assert tuple(stage.sees_restored()) == stage.before


@pytest.mark.parametrize("call", ["MediaPool.AppendToTimeline", "MediaPool.ImportMedia", "TimelineItem.AddMarker"])
def test_page_and_bin_are_as_they_were_after_an_error_too(
    call: str, fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_stage(fake, tmp_path)
    mine = fake.add_timeline("Mine", rate=25)
    fake.world.page = "color"
    kept, number = Ledger.write, iter(range(100))

    def failing(self: Ledger, record: object) -> None:
        kept(self, record)  # type: ignore[arg-type]
        if call in fake.calls or next(number) > 50:
            raise StorageError("The disk is broken.")

    with monkeypatch.context() as context:
        context.setattr(Ledger, "write", failing)
        with pytest.raises(AnswerprintError, match="broken"):
            stage.put()
    assert (fake.project.current, fake.world.page) == (mine, "color")
    assert fake.project.pool.current is fake.project.pool.root
    assert stage.put().did == "track"
    assert tuple(stage.sees_restored()) == stage.before
    assert len(stage.restored_items()) == 1


def test_an_append_that_was_dropped_is_no_success(
    make_fake: MakeFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_stage(make_fake(), tmp_path)
    hollow = lambda world, timeline, entries: [Item(world, "hollow", 0, 0) for _ in entries]  # noqa: E731
    with monkeypatch.context() as context:
        context.setattr(pool, "append", hollow)
        outcome = stage.put()
    assert outcome.did == "pool"
    assert any("the track stayed as it was" in each for each in outcome.warnings)
    assert names(stage.timeline) == ["Video 1"]
    assert tuple(stage.sees_source()) == stage.before


def test_an_append_that_goes_elsewhere_is_taken_off(make_fake: MakeFake, tmp_path: Path) -> None:
    stage = set_stage(make_fake(quirks=Quirks(append_ignores_record=True)), tmp_path)
    outcome = stage.put()
    assert outcome.did == "pool"
    assert any("over the record frames of the original" in each for each in outcome.warnings)
    assert names(stage.timeline) == ["Video 1"]
    assert stage.timeline.all_items() == [stage.item]
    assert tuple(stage.sees_source()) == stage.before


def test_a_retimed_item_stays_in_the_pool_where_scripts_cannot_retime(fake: FakeResolve, tmp_path: Path) -> None:
    stage = set_stage(fake, tmp_path, speed=2, source=(10, 50))
    outcome = stage.put()
    assert outcome.did == "pool"
    assert any("200 %" in each and "21.1" in each for each in outcome.warnings)
    assert names(stage.timeline) == ["Video 1"]


def test_deletions_are_tried_again_on_the_edit_page(make_fake: MakeFake, tmp_path: Path) -> None:
    """The first append is one frame too short here: it has to be taken off before the next."""
    stage = set_stage(make_fake(quirks=Quirks(append_end="exclusive")), tmp_path)
    stage.fake.world.page = "deliver"
    assert stage.put().did == "track"
    assert stage.fake.calls.count("Timeline.DeleteClips") == 2
    assert len(stage.restored_items()) == 1
    assert stage.fake.world.page == "deliver"


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("name", ["still.png", "still0001.png", "still.mov"])
def test_a_still_is_as_long_as_the_original(name: str, runs: bool, make_fake: MakeFake, tmp_path: Path) -> None:
    stage = set_stage(make_fake(version=(21, 1, 0), quirks=Quirks(stills_run=runs)), tmp_path)
    clip = stage.fake.add_clip(make_picture(tmp_path / "in" / "still.png"))
    item = stage.timeline.place(clip, record=stage.item.stop, source=(0, 1), duration=30)
    path = tmp_path / "out" / name
    stage.path = str(make_picture(path) if path.suffix == ".png" else make_movie(path, 1))
    stage.clip, stage.item = clip, item
    stage.place = replace(
        stage.place, item=item.id, clip=clip.id, first=0, stop=1, restored_first=0, restored_stop=1, record=item.start,
        duration=30, offset=Fraction(0), speed=Fraction(0), left=Fraction(0), name="still",
    )  # fmt: skip
    assert stage.put().warnings == ()
    assert stage.sees_restored() == [0] * 30
