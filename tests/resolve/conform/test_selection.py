"""What is chosen is what is meant: each item once, and no silence about the rest."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.query import FactsQuery
from answerprint.resolve.conform.selection import By, Selection, SelectionRule, select_items
from answerprint.resolve.errors import ResolveError, SelectionError
from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from fakes.resolve.timeline import Timeline
from media.makers import make_movie
from resolve.conftest import MakeFake


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_movie(tmp_path_factory.mktemp("choosing") / "plate.mov", 60, rate=Fraction(25), codec="mpeg4")


def chosen(fake: FakeResolve, by: By, value: str = "") -> Selection:
    project = Resolve(fake.bridge().root).project()
    return select_items(project, FactsQuery(project), SelectionRule(by, value))


def ids(found: Selection) -> list[str]:
    return [each.item.id for each in found.items]


def reel(fake: FakeResolve, movie: Path) -> tuple[Timeline, list[Item]]:
    """Three clips on track 1 with a title after them, one clip on track 2; each has 20 record frames."""
    timeline, clip = fake.add_timeline(rate=25), fake.add_clip(movie)
    items = [timeline.place(clip, source=(10 * k, 10 * k + 20)) for k in range(3)]
    timeline.place_generator("Title")
    return timeline, [*items, timeline.place(clip, track=2, record=timeline.start + 10, source=(0, 20))]


def test_the_selection_of_the_timeline_is_taken_in_order_and_each_once(fake: FakeResolve, movie: Path) -> None:
    timeline, items = reel(fake, movie)
    timeline.select(items[3], items[1], items[0], items[1])
    assert ids(chosen(fake, "selected")) == [items[0].id, items[1].id, items[3].id]


def test_a_title_that_is_selected_is_kept_to_be_refused_with_its_reason(fake: FakeResolve, movie: Path) -> None:
    timeline = fake.add_timeline(rate=25)
    title = timeline.place_generator("Title")
    timeline.select(title)
    (only,) = chosen(fake, "selected").items
    assert only.item.clip is None


def test_before_21_0_4_other_ways_to_choose_are_named(make_fake: MakeFake, movie: Path) -> None:
    fake = make_fake(version=(21, 0, 3))
    timeline, items = reel(fake, movie)
    timeline.select(items[0])
    with pytest.raises(SelectionError) as caught:
        chosen(fake, "selected")
    ways = set(re.findall(r"--\w+", caught.value.remedy))
    assert ways == {"--colour", "--flag", "--marker", "--inout", "--playhead"}
    named = subprocess.run(
        [sys.executable, "-m", "answerprint", "resolve", "restore", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(way in named.stdout for way in ways)
    timeline.playhead(timeline.start)
    assert ids(chosen(fake, "playhead")) == [items[0].id]


def test_nothing_selected_is_an_error_until_something_is(fake: FakeResolve, movie: Path) -> None:
    timeline, items = reel(fake, movie)
    timeline.select()
    with pytest.raises(SelectionError):
        chosen(fake, "selected")
    timeline.select(items[2])
    assert ids(chosen(fake, "selected")) == [items[2].id]


def test_in_and_out_cut_items_to_the_marked_part(fake: FakeResolve, movie: Path) -> None:
    timeline, items = reel(fake, movie)
    timeline.marks(5, 24)
    found = chosen(fake, "inout")
    start = timeline.start
    assert {each.item.id: each.part for each in found.items} == {
        items[0].id: (start + 5, start + 20),
        items[1].id: (start + 20, start + 25),
        items[3].id: (start + 10, start + 25),
    }
    timeline.marks(20, 39)
    parts = {each.item.id: each.part for each in chosen(fake, "inout").items}
    assert parts[items[1].id] is None, "all of it"


def test_one_marked_frame_is_one_frame(fake: FakeResolve, movie: Path) -> None:
    timeline, items = reel(fake, movie)
    timeline.marks(40, 40)
    (only,) = chosen(fake, "inout").items
    assert (only.item.id, only.part) == (items[2].id, (timeline.start + 40, timeline.start + 41))


def test_tracks_and_items_that_are_switched_off_are_not_between_the_marks(fake: FakeResolve, movie: Path) -> None:
    timeline, items = reel(fake, movie)
    timeline.marks(0, 59)
    timeline.ensure_track("video", 2).enabled = False
    items[1].enabled = False
    found = chosen(fake, "inout")
    assert ids(found) == [items[0].id, items[2].id]
    assert found.left_out == {"disabled": 1}


def test_marks_that_are_not_there_are_asked_for(fake: FakeResolve, movie: Path) -> None:
    timeline, _ = reel(fake, movie)
    with pytest.raises(SelectionError, match="In and Out"):
        chosen(fake, "inout")
    timeline.marks(200, 300)
    with pytest.raises(SelectionError, match="between In and Out"):
        chosen(fake, "inout")
    timeline.marks(0, 5)
    assert len(chosen(fake, "inout").items) == 1


def test_the_whole_timeline_and_a_track_leave_out_titles_and_say_so(fake: FakeResolve, movie: Path) -> None:
    _, items = reel(fake, movie)
    whole = chosen(fake, "timeline")
    assert ids(whole) == [each.id for each in items]
    assert whole.left_out == {"without media": 1}
    assert ids(chosen(fake, "track", "2")) == [items[3].id]


@pytest.mark.parametrize("value", ["0", "3", "V1", ""])
def test_a_track_that_is_not_there_is_refused(fake: FakeResolve, movie: Path, value: str) -> None:
    reel(fake, movie)
    with pytest.raises(SelectionError, match="track"):
        chosen(fake, "track", value)


def test_flags_colours_and_markers_choose(fake: FakeResolve, movie: Path) -> None:
    _, items = reel(fake, movie)
    items[0].AddFlag("Red")
    items[2].AddFlag("Red")
    items[1].SetClipColor("Orange")
    items[3].AddMarker(0, "Blue", "", "", 1, "")
    assert ids(chosen(fake, "flag", "red")) == [items[0].id, items[2].id]
    assert ids(chosen(fake, "colour", "Orange")) == [items[1].id]
    assert ids(chosen(fake, "marker", "Blue")) == [items[3].id]
    assert ids(chosen(fake, "marker")) == [items[3].id]
    with pytest.raises(SelectionError, match="flag Blue"):
        chosen(fake, "flag", "Blue")


def test_a_flag_of_the_clip_in_the_pool_chooses_all_its_items(fake: FakeResolve, movie: Path) -> None:
    timeline, items = reel(fake, movie)
    other = timeline.place(fake.add_clip(movie), record=timeline.end + 100, source=(0, 10))
    assert other.clip is not None
    other.clip.AddFlag("Blue")
    items[1].AddFlag("Blue")
    assert ids(chosen(fake, "flag", "Blue")) == [items[1].id, other.id]


def test_clips_of_a_bin_are_chosen_without_timelines_and_sound(fake: FakeResolve, movie: Path) -> None:
    clip = fake.add_clip(movie)
    fake.add_timeline("Reel 1", rate=25).place(clip)
    project = Resolve(fake.bridge().root).project()
    root = project.pool().root().name()
    found = chosen(fake, "bin", root)
    assert [each.path for each in found.clips] == [str(movie)]
    assert found.left_out == {"made of other clips": 1}


def test_a_bin_without_pictures_is_refused_with_a_remedy(fake: FakeResolve) -> None:
    fake.add_folder("Empty")
    with pytest.raises(SelectionError, match="no video clip") as caught:
        chosen(fake, "bin", "Empty")
    assert caught.value.remedy


def test_bins_of_one_name_are_told_apart_by_their_path(fake: FakeResolve, movie: Path) -> None:
    project = Resolve(fake.bridge().root).project()
    pool = project.pool()
    for day in ("Day 1", "Day 2"):
        outer = pool.add_folder(pool.root(), day)
        assert outer is not None
        inner = pool.add_folder(outer, "Scans")
        assert inner is not None
        pool.open_folder(inner)
        pool.import_media([str(movie)])
    with pytest.raises(SelectionError, match="Several"):
        chosen(fake, "bin", "Scans")
    assert len(chosen(fake, "bin", "day 2/scans").clips) == 1
    with pytest.raises(SelectionError, match="no bin"):
        chosen(fake, "bin", "Day 3")
    with pytest.raises(SelectionError, match="no video clip"):
        chosen(fake, "bin", "Day 1")


def test_without_a_timeline_nothing_can_be_chosen_on_it(fake: FakeResolve) -> None:
    with pytest.raises(ResolveError, match="timeline"):
        chosen(fake, "timeline")
