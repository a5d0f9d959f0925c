"""Facts are asked for in few calls, and are what Resolve says."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import pytest

from answerprint.api.types import MediaInfo
from answerprint.resolve.api import Project, Resolve, TimelineItem
from answerprint.resolve.api.clip import MediaPoolItem as PoolClip
from answerprint.resolve.conform.facts import SourceRange
from answerprint.resolve.conform.query import FactsQuery
from answerprint.resolve.conform.source_range import source_range
from answerprint.resolve.errors import ResolveError
from fakes.resolve import FakeResolve, Quirks
from fakes.resolve.clip import Clip
from media.makers import make_movie
from resolve.conftest import MakeFake

CALLS_OF_AN_ITEM = {(21, 0, 4): 15, (21, 1): 17}
CALLS_OF_A_CLIP = 4


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asking") / "plate.mov"
    return make_movie(path, 60, rate=Fraction(25), codec="mpeg4", timecode="10:00:00:00")


def project(fake: FakeResolve) -> Project:
    return Resolve(fake.bridge().root).project()


def items(fake: FakeResolve) -> list[TimelineItem]:
    return project(fake).timeline().items(1)


def media_of(clip: Clip) -> MediaInfo:
    media = clip.media
    assert media is not None
    return MediaInfo(
        media.path, media.kind != "file", media.width, media.height, media.rate or clip.fps, media.frames,
        start_timecode=media.start_timecode, start_number=media.start_number,
    )  # fmt: skip


def test_a_timeline_is_read_with_its_exact_rate(fake: FakeResolve, movie: Path) -> None:
    fake.add_timeline("Reel 1", rate="29.97 DF", start="01:00:00;00", size=(1920, 1080))
    facts = FactsQuery(project(fake)).timeline(project(fake).timeline())
    assert (facts.name, facts.rate, facts.drop) == ("Reel 1", Fraction(30000, 1001), True)
    assert (facts.start, facts.start_timecode, facts.size) == (107892, "01:00:00;00", (1920, 1080))
    assert facts.project_name == "Film"


def test_a_rate_without_drop_frame_has_none(fake: FakeResolve) -> None:
    fake.add_timeline("Reel 1", rate="29.97", start="01:00:00:00")
    assert not FactsQuery(project(fake)).timeline(project(fake).timeline()).drop


@pytest.mark.parametrize("version", [(21, 0, 4), (21, 1)])
def test_few_calls_tell_all_and_a_clip_is_asked_for_once(
    make_fake: MakeFake, movie: Path, version: tuple[int, ...]
) -> None:
    fake = make_fake(version=version)
    timeline, clip = fake.add_timeline(rate=25), fake.add_clip(movie)
    for _ in range(3):
        timeline.place(clip, source=(10, 20))
    asking, found = FactsQuery(project(fake)), items(fake)
    bridge = found[0].remote.bridge
    assert all(clip is not None and clip.offers("GetName") for clip in (each.clip() for each in found))  # asked once
    before = bridge.calls
    for each in found:
        facts = asking.item(each, 1)
        assert facts.clip is not None
        assert facts.clip.path == str(movie)
    assert bridge.calls - before == 3 * CALLS_OF_AN_ITEM[version] + CALLS_OF_A_CLIP


def test_many_items_cost_no_more_calls_than_each_alone(make_fake: MakeFake, movie: Path) -> None:
    fake = make_fake(version=(21, 1))
    timeline, clips = fake.add_timeline(rate=25), [fake.add_clip(movie), fake.add_clip(movie)]
    for index in range(6):
        timeline.place(clips[index % 2], source=(10, 20 + index))
    timeline.place_generator("Text+")
    alone = [FactsQuery(project(fake)).item(each, 1) for each in items(fake)]
    fake.calls.clear()
    asking, found = FactsQuery(project(fake)), items(fake)
    fake.calls.clear()
    assert asking.items([(1, each) for each in found]) == alone
    of_generator = CALLS_OF_AN_ITEM[21, 1] - 1
    # Whose clip it is has to be asked of each; all else of a clip once.
    assert len(fake.calls) == 6 * CALLS_OF_AN_ITEM[21, 1] + of_generator + 2 * (CALLS_OF_A_CLIP - 1)


def test_an_item_without_a_clip_is_read_too(fake: FakeResolve) -> None:
    fake.add_timeline(rate=25).place_generator("Text+")
    facts = FactsQuery(project(fake)).item(items(fake)[0])
    assert (facts.name, facts.clip, facts.track) == ("Text+", None, 1)


def test_a_hollow_item_says_nothing_and_fails_nothing(fake: FakeResolve, movie: Path) -> None:
    timeline = fake.add_timeline(rate=25)
    placed = timeline.place(fake.add_clip(movie))
    (item,) = items(fake)
    timeline.remove(placed)
    facts = FactsQuery(project(fake)).item(item)
    assert (facts.id, facts.duration, facts.left_offset, facts.clip) == ("", None, None, None)


def test_a_timeline_in_the_pool_is_told_from_a_clip(make_fake: MakeFake, movie: Path) -> None:
    fake = make_fake(quirks=Quirks(language="zh"))
    fake.add_timeline("Inner", rate=25).place(fake.add_clip(movie))
    inner = project(fake).timeline().found("GetMediaPoolItem")
    assert inner is not None
    facts = FactsQuery(project(fake)).clip(PoolClip(inner))
    assert facts.is_timeline
    assert facts.path == ""


def test_a_resolve_that_does_not_say_its_rate_is_an_error_with_a_remedy(fake: FakeResolve) -> None:
    timeline = fake.add_timeline(rate=25)
    timeline.rate = Fraction(257, 10)
    with pytest.raises(ResolveError, match="rate"):
        FactsQuery(project(fake)).timeline(project(fake).timeline())
    timeline.rate = Fraction(25)
    assert FactsQuery(project(fake)).timeline(project(fake).timeline()).rate == 25


@pytest.mark.parametrize("version", [(20, 0), (21, 0, 4), (21, 1)])
@pytest.mark.parametrize("fps", ["23.976", 24, 25, 50])
@pytest.mark.parametrize(
    ("rate", "speed"), [(25, 1), ("23.976", 1), ("29.97", 1), (50, 1), (25, 2), (25, Fraction(1, 2)), (25, -1), (25, 0)]
)
def test_what_is_read_is_what_is_seen(
    make_fake: MakeFake, movie: Path, version: tuple[int, ...], rate: str | int, speed: Fraction | int, fps: str | int
) -> None:
    fake = make_fake(version=version, quirks=Quirks(source_start_low="all"))
    timeline = fake.add_timeline(rate=rate)
    clip = fake.add_clip(movie, fps=fps)
    placed = timeline.place(clip, source=(12, 48), speed=speed)
    asking = FactsQuery(project(fake))
    facts = asking.item(items(fake)[0])
    assert facts.clip is not None
    found = source_range(facts, facts.clip, asking.timeline(project(fake).timeline()), media_of(clip))
    assert isinstance(found, SourceRange), found
    shown = [fake.shown(timeline, record) for record in range(placed.start, placed.stop)]
    frames = [each.frame for each in shown if each is not None]
    assert len(frames) == placed.duration
    assert set(frames) <= set(range(found.first, found.stop))
    assert found.exact or (version < (21, 1) and speed not in (1, 0))
    if found.exact:
        step = found.speed * clip.fps / timeline.rate
        assert frames == [floor(found.first + found.offset + k * step) for k in range(len(frames))]
