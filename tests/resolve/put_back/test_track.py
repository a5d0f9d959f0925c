"""The mode track: above the original, below titles, and nothing else is touched."""

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
from resolve.put_back.put_back_case import JOB, make_case, make_picture


def names(timeline: Timeline) -> list[str]:
    return [track.name for track in timeline.tracks["video"]]


def test_items_above_the_original_stay_above(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    title = case.timeline.place_generator("Title", track=2, record=case.item.start + 5, duration=4)
    outcome = case.put()
    assert outcome.did == "track"
    assert names(case.timeline) == ["Video 1", "Restored", "Video 2"]
    assert case.timeline.top(case.item.start + 6) is title
    assert case.sees_restored(range(case.item.start, case.item.start + 5)) == list(case.before[:5])


def test_items_above_at_other_times_do_not_matter(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.timeline.place_generator("Title", track=2, record=case.item.stop, duration=4)
    case.put()
    assert names(case.timeline) == ["Video 1", "Video 2", "Restored"]


def test_a_resolve_that_adds_tracks_only_on_top_covers_no_title(
    fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(fake, tmp_path)
    title = case.timeline.place_generator("Title", track=2, record=case.item.start, duration=40)
    add = type(case.timeline).AddTrack
    ignoring = lambda self, kind, options=None: add(self, kind)  # noqa: E731
    ignoring.__api__ = add.__api__  # type: ignore[attr-defined]
    monkeypatch.setattr(type(case.timeline), "AddTrack", ignoring)
    outcome = case.put()
    assert outcome.did == "pool"
    assert any("lies above the original" in each for each in outcome.warnings)
    assert names(case.timeline) == ["Video 1", "Video 2"]
    assert case.timeline.top(case.item.start) is title


def test_a_free_track_of_ours_is_reused(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    other = case.timeline.place(case.clip, record=case.item.stop + 10, source=(20, 40))
    case.place = replace(case.place, item=other.id, record=other.start)
    renamed = Path(case.path).with_name("second.mov")
    renamed.write_bytes(Path(case.path).read_bytes())
    case.path = str(renamed)
    case.put("another")
    assert names(case.timeline) == ["Video 1", "Restored"]
    assert [item.start for item in case.timeline.tracks["video"][1].items] == [case.item.start, other.start]


@pytest.mark.parametrize("why", ["locked", "occupied", "not ours", "below"])
def test_a_track_that_cannot_be_used_is_left_alone(why: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, track=2 if why == "below" else 1)
    track = case.timeline.lane("video", 1 if why == "below" else 2)
    track.name = "Restored"
    if why == "locked":
        track.locked = True
    elif why == "occupied":
        mine = fake.add_clip(case.clip.path, name="older version")
        mine.third_party["Answerprint.Job"] = "older"
        case.timeline.place(mine, track=2, record=case.item.start + 3, source=(0, 5))
    elif why == "not ours":
        case.timeline.place(case.clip, track=2, record=case.item.stop, source=(0, 5))
    kept = list(track.items)
    outcome = case.put()
    assert outcome.did == "track"
    assert track.items == kept
    assert tuple(case.sees_restored()) == case.before


def test_sound_stays_where_it_is(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, sound="pcm_s16le")
    sound = list(case.timeline.tracks["audio"][0].items)
    case.put()
    assert [list(track.items) for track in case.timeline.tracks["audio"]] == [sound]
    assert case.item.linked == sound
    assert case.restored_items()[0].linked == []


def test_grade_and_inspector_are_those_of_the_original(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.item.grade = "warm"
    case.item.properties |= {"ZoomX": 1.5, "ZoomY": 1.5, "Pan": 12.0, "FlipX": True, "Opacity": 80.0, "CropLeft": 4.0}
    assert case.put().warnings == ()
    (new,) = case.restored_items()
    assert (new.grade, new.properties) == ("warm", case.item.properties)


def test_a_missing_fusion_composition_is_reported(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.item.fusion_comps = 1
    assert "Fusion composition" in case.put().warnings[0]


def test_a_larger_picture_keeps_the_framing_of_one_that_was_not_scaled(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    _enlarge(case.path)
    case.item.properties |= {"Scaling": 1, "ZoomX": 2.0, "ZoomY": 2.0, "CropTop": 3.0}
    warnings = case.put().warnings
    (new,) = case.restored_items()
    # 64x48 px unscaled in 1920x1080 is 48/1080 of the frame's height, and 4:3 is fitted by its height.
    assert new.properties["Scaling"] == 2
    assert new.properties["ZoomX"] == pytest.approx(2 * 48 / 1080)
    assert new.properties["CropTop"] == 0.0
    assert any("CropTop" in each for each in warnings)


def _enlarge(path: str) -> None:
    make_movie(Path(path), [numbered_frame(n, 128, 96) for n in range(30)], rate=Fraction(25))


def test_the_original_is_disabled_on_request(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put(hide_original=True)
    assert not case.item.enabled
    case.undo()
    assert case.item.enabled


def test_the_new_item_is_marked_with_its_job(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    case.put()
    (new,) = case.restored_items()
    assert [each["customData"] for each in new.markers.values()] == [f"answerprint:{JOB}"]


@pytest.mark.parametrize("page", ["media", "color", "deliver", "edit"])
def test_page_timeline_and_bin_are_as_they_were(page: str, fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path)
    mine = fake.add_timeline("Mine", rate=25)
    fake.world.page = page
    outcome = case.put()
    assert outcome.did == "track"
    assert (fake.project.current, fake.world.page) == (mine, page)
    assert fake.project.pool.current is fake.project.pool.root
    assert mine.all_items() == []
    assert tuple(case.sees_restored()) == case.before


@pytest.mark.parametrize("call", ["MediaPool.AppendToTimeline", "MediaPool.ImportMedia", "TimelineItem.AddMarker"])
def test_page_and_bin_are_as_they_were_after_an_error_too(
    call: str, fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(fake, tmp_path)
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
            case.put()
    assert (fake.project.current, fake.world.page) == (mine, "color")
    assert fake.project.pool.current is fake.project.pool.root
    assert case.put().did == "track"
    assert tuple(case.sees_restored()) == case.before
    assert len(case.restored_items()) == 1


def test_a_dropped_append_is_reported(make_fake: MakeFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(make_fake(), tmp_path)
    hollow = lambda world, timeline, entries: [Item(world, "hollow", 0, 0) for _ in entries]  # noqa: E731
    with monkeypatch.context() as context:
        context.setattr(pool, "append", hollow)
        outcome = case.put()
    assert outcome.did == "pool"
    assert any("the track stayed as it was" in each for each in outcome.warnings)
    assert names(case.timeline) == ["Video 1"]
    assert tuple(case.sees_source()) == case.before


def test_an_append_that_goes_elsewhere_is_deleted(make_fake: MakeFake, tmp_path: Path) -> None:
    case = make_case(make_fake(quirks=Quirks(append_ignores_record=True)), tmp_path)
    outcome = case.put()
    assert outcome.did == "pool"
    assert any("over the record frames of the original" in each for each in outcome.warnings)
    assert names(case.timeline) == ["Video 1"]
    assert case.timeline.all_items() == [case.item]
    assert tuple(case.sees_source()) == case.before


def test_a_retimed_item_stays_in_the_pool_where_scripts_cannot_retime(fake: FakeResolve, tmp_path: Path) -> None:
    case = make_case(fake, tmp_path, speed=2, source=(10, 50))
    outcome = case.put()
    assert outcome.did == "pool"
    assert any("200 %" in each and "21.1" in each for each in outcome.warnings)
    assert names(case.timeline) == ["Video 1"]


def test_deletions_are_tried_again_on_the_edit_page(make_fake: MakeFake, tmp_path: Path) -> None:
    """The first append is one frame too short here and must be deleted before the next."""
    case = make_case(make_fake(quirks=Quirks(append_end="exclusive")), tmp_path)
    case.fake.world.page = "deliver"
    assert case.put().did == "track"
    assert case.fake.calls.count("Timeline.DeleteClips") == 2
    assert len(case.restored_items()) == 1
    assert case.fake.world.page == "deliver"


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("name", ["still.png", "still0001.png", "still.mov"])
def test_a_still_is_as_long_as_the_original(name: str, runs: bool, make_fake: MakeFake, tmp_path: Path) -> None:
    case = make_case(make_fake(version=(21, 1, 0), quirks=Quirks(stills_run=runs)), tmp_path)
    clip = case.fake.add_clip(make_picture(tmp_path / "in" / "still.png"))
    item = case.timeline.place(clip, record=case.item.stop, source=(0, 1), duration=30)
    path = tmp_path / "out" / name
    case.path = str(make_picture(path) if path.suffix == ".png" else make_movie(path, 1))
    case.clip, case.item = clip, item
    case.place = replace(
        case.place, item=item.id, clip=clip.id, first=0, stop=1, restored_first=0, restored_stop=1, record=item.start,
        duration=30, offset=Fraction(0), speed=Fraction(0), left=Fraction(0), name="still",
    )  # fmt: skip
    assert case.put().warnings == ()
    assert case.sees_restored() == [0] * 30
