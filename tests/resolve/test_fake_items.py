"""The fake says of items what Resolve was seen to say, beside a truth that is exact."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.resolve.api import Resolve
from answerprint.resolve.api import TimelineItem as Remote
from fakes.resolve import FakeResolve, Quirks, Shown
from fakes.resolve.item import Item
from media.makers import make_movie, make_png, numbered
from resolve.conftest import MakeFake


def only_item(fake: FakeResolve) -> Remote:
    (item,) = Resolve(fake.bridge().root).project().timeline().items(1)
    return item


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "plate.mov"
    return make_movie(path, 60, rate=Fraction(25), codec="mpeg4", timecode="10:00:00:00")


def sequence(folder: Path, first: int, count: int) -> Path:
    for number in range(first, first + count):
        picture = numbered(number - first)[..., None].repeat(3, axis=2).astype("uint16") * 257
        make_png(folder / f"plate.{number:04}.png", picture)
    return folder / f"plate.[{first:04}-{first + count - 1:04}].png"


class TestEqualRates:
    def test_left_offset_is_exact(self, fake: FakeResolve, movie: Path) -> None:
        fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 40))
        item = only_item(fake)
        assert (item.left_offset(), item.duration(), item.number("GetRightOffset")) == (10, 30, 20)

    def test_source_start_reads_one_low_for_some_items_only(self, fake: FakeResolve, movie: Path) -> None:
        timeline, clip = fake.add_timeline(rate=25), fake.add_clip(movie)
        for _ in range(4):
            timeline.place(clip, source=(10, 20))
        items = Resolve(fake.bridge().root).project().timeline().items(1)
        assert {each.source_start() for each in items} == {9, 10}
        assert {each.source_end() for each in items} == {20}, "exclusive"

    def test_source_times_are_absolute(self, fake: FakeResolve, movie: Path) -> None:
        fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 40))
        assert only_item(fake).source_times() == (36000.4, 36001.6)

    def test_subclips_say_start_plus_offset(self, make_fake: MakeFake, movie: Path) -> None:
        fake = make_fake(quirks=Quirks(source_start_low="none"))
        clip = fake.add_clip(movie, subclip=(20, 50))
        timeline = fake.add_timeline(rate=25)
        timeline.place(clip, record=timeline.start, source=(25, 35))
        item = only_item(fake)
        found = item.clip()
        assert found is not None
        assert (item.left_offset(), item.source_start()) == (5, 25)
        assert (found.property("Start"), found.property("Frames"), found.property("Start TC")) == (
            "20",
            "30",
            "10:00:00:20",
        )
        assert fake.shown(timeline, timeline.start) == Shown(str(movie), 25)


class TestMixedRates:
    @pytest.fixture
    def fast(self, tmp_path: Path) -> Path:
        return make_movie(tmp_path / "fast.mov", 60, rate=Fraction(50), codec="mpeg4")

    def test_offsets_count_frames_of_the_timeline(self, fake: FakeResolve, fast: Path) -> None:
        timeline = fake.add_timeline(rate=25)
        timeline.place(fake.add_clip(fast), record=timeline.start, source=(15, 45))
        item = only_item(fake)
        assert (item.left_offset(), item.left_offset(precise=True), item.duration()) == (7, 7.5, 15)
        assert (item.source_start(), item.source_end()) == (15, 44), "inclusive"
        assert [fake.shown(timeline, timeline.start + n) for n in range(2)] == [(str(fast), 15), (str(fast), 17)]

    def test_the_clips_own_rate_counts(self, fake: FakeResolve, fast: Path) -> None:
        timeline = fake.add_timeline(rate=25)
        timeline.place(fake.add_clip(fast, fps=25), record=timeline.start, source=(15, 45))
        assert (only_item(fake).left_offset(), only_item(fake).duration()) == (15, 30)


class TestRetimes:
    def shown(self, fake: FakeResolve, item: Item) -> list[int]:
        timeline = fake.timeline("Timeline 1")
        found = [fake.shown(timeline, record) for record in range(item.start, item.stop)]
        return [each.frame for each in found if each is not None]

    def test_double_speed(self, fake: FakeResolve, movie: Path) -> None:
        item = fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 30), speed=2)
        assert self.shown(fake, item) == list(range(10, 30, 2))
        assert (only_item(fake).left_offset(), only_item(fake).source_start(), only_item(fake).source_end()) == (
            5,
            10,
            30,
        )

    def test_half_speed(self, fake: FakeResolve, movie: Path) -> None:
        item = fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 15), speed=Fraction(1, 2))
        assert self.shown(fake, item) == [10, 10, 11, 11, 12, 12, 13, 13, 14, 14]
        assert only_item(fake).left_offset() == 20

    def test_reverse(self, fake: FakeResolve, movie: Path) -> None:
        item = fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 15), speed=-1)
        assert self.shown(fake, item) == [14, 13, 12, 11, 10]
        start, end = only_item(fake).source_start(), only_item(fake).source_end()
        assert start is not None
        assert end is not None
        assert start > end

    def test_freeze(self, fake: FakeResolve, movie: Path) -> None:
        item = fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(7, 8), speed=0, duration=3)
        assert self.shown(fake, item) == [7, 7, 7]
        assert only_item(fake).source_start() == only_item(fake).source_end()

    def test_a_ramp_has_one_percentage(self, make_fake: MakeFake, movie: Path) -> None:
        fake = make_fake(version=(21, 1))
        ramp = [(4, Fraction(1)), (4, Fraction(2))]
        item = fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(0, 12), speed=ramp)
        assert self.shown(fake, item) == [0, 1, 2, 3, 4, 6, 8, 10]
        assert only_item(fake).speed() == 150

    def test_speed_can_be_read_from_21_1(self, make_fake: MakeFake, movie: Path) -> None:
        for version, speed in (((21, 0, 4), None), ((21, 1), 50.0)):
            fake = make_fake(version=version)
            fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 15), speed=Fraction(1, 2))
            assert only_item(fake).speed() == speed

    def test_setting_a_speed_keeps_the_first_frame(self, make_fake: MakeFake, movie: Path) -> None:
        fake = make_fake(version=(21, 1))
        item = fake.add_timeline(rate=25).place(fake.add_clip(movie), source=(10, 20))
        assert only_item(fake).set_speed(200)
        assert self.shown(fake, item) == [10, 12, 14, 16, 18]
        assert only_item(fake).set_speed(-100)
        assert self.shown(fake, item) == list(range(19, 9, -1))


class TestKinds:
    def test_sequences_carry_their_numbers(self, make_fake: MakeFake, tmp_path: Path) -> None:
        fake = make_fake(quirks=Quirks(source_start_low="none"))
        path = sequence(tmp_path, 1001, 12)
        timeline = fake.add_timeline(rate=24)
        timeline.place(fake.add_clip(path), record=timeline.start, source=(3, 9))
        item = only_item(fake)
        clip = item.clip()
        assert clip is not None
        assert [clip.property(name) for name in ("File Path", "Start", "End", "Frames")] == [
            str(path),
            "1001",
            "1012",
            "12",
        ]
        assert (item.source_start(), item.left_offset()) == (1004, 3)
        assert fake.shown(timeline, timeline.start) == Shown(str(path), 3)

    def test_a_still_is_one_frame_for_ever(self, fake: FakeResolve, tmp_path: Path) -> None:
        sequence(tmp_path, 7, 1)
        timeline = fake.add_timeline(rate=24)
        clip = fake.add_clip(tmp_path / "plate.0007.png")
        item = timeline.place(clip, duration=48)
        assert (clip.type, item.duration) == ("Still", 48)
        assert fake.shown(timeline, item.stop - 1) == Shown(str(tmp_path / "plate.0007.png"), 0)

    def test_generators_have_no_clip(self, fake: FakeResolve) -> None:
        fake.add_timeline().place_generator("Text+")
        assert only_item(fake).clip() is None

    def test_nested_timelines_show_what_is_in_them(self, fake: FakeResolve, movie: Path) -> None:
        inner = fake.add_timeline("Inner", rate=25)
        inner.place(fake.add_clip(movie), record=inner.start, source=(10, 40))
        outer = fake.add_timeline("Outer", rate=25)
        outer.place(fake.add_nested(inner, "Compound"), record=outer.start, source=(5, 15))
        assert fake.shown(outer, outer.start) == Shown(str(movie), 15)
        clip = only_item(fake).clip()
        assert clip is not None
        assert (clip.property("File Path"), clip.property("Type"), clip.timeline()) == ("", "Compound", False)

    def test_a_timeline_in_the_pool_says_so(self, fake: FakeResolve) -> None:
        fake.add_timeline("Inner", rate=25)
        pool = Resolve(fake.bridge().root).project().pool()
        assert [(each.name(), each.timeline()) for each in pool.root().clips()] == [("Inner", True)]

    def test_media_that_is_gone_is_offline(self, fake: FakeResolve, tmp_path: Path) -> None:
        path = make_movie(tmp_path / "gone.mov", 10, codec="mpeg4")
        fake.add_timeline(rate=25).place(fake.add_clip(path))
        path.unlink()
        clip = only_item(fake).clip()
        assert clip is not None
        assert (clip.property("Online Status"), clip.property("File Path")) == ("Offline", str(path))

    def test_drop_frame_timelines_count_frames(self, fake: FakeResolve) -> None:
        fake.add_timeline(rate="29.97 DF", start="01:00:00;00")
        timeline = Resolve(fake.bridge().root).project().timeline()
        assert (timeline.start(), timeline.start_timecode()) == (107892, "01:00:00;00")
        assert (timeline.setting("timelineFrameRate"), timeline.setting("timelineDropFrameTimecode")) == ("29.97", "1")

    def test_the_type_is_in_the_users_language(self, make_fake: MakeFake, movie: Path) -> None:
        fake = make_fake(quirks=Quirks(language="zh"))
        fake.add_timeline(rate=25).place(fake.add_clip(movie))
        clip = only_item(fake).clip()
        assert clip is not None
        assert clip.property("Type") == "视频"
