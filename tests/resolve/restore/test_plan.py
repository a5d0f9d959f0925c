"""What becomes of a selection before anything is restored."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import wraps
from pathlib import Path

import av
import pytest

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.frames import ClipInfo
from answerprint.frames.clip import FieldOrder
from answerprint.frames.codec_choice import LIKE_SOURCE, codec_for_source
from answerprint.frames.frame import FrameRange
from answerprint.media import probe
from answerprint.media.provenance import MADE_BY_KEY, read_provenance
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.job import make_job
from answerprint.resolve.restore.otio_check import OtioReadings
from answerprint.resolve.restore.plan import RestorePlan, plan_restore
from answerprint.resolve.restore.probe import MediaBook
from answerprint.resolve.restore.settings import RestoreSettings
from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from media.makers import make_movie
from resolve.conftest import MakeFake

ALL = SelectionRule("timeline")


def describe(paths: Iterable[str]) -> list[MediaInfo]:
    """As the daemon does."""
    return [_info(probe(path)) for path in paths]


def _info(info: ClipInfo) -> MediaInfo:
    return MediaInfo(
        str(info.path), info.kind == "sequence", info.width, info.height, info.rate, info.frames, info.rate_is_assumed,
        info.sample_aspect, info.start_timecode or "", info.start_number, info.interlaced, info.has_audio,
        info.has_alpha, info.codec, info.bit_depth, info.kind == "file" and bool(read_provenance(info.path)),
    )  # fmt: skip


def planned(fake: FakeResolve, wishes: RestoreSettings, choice: SelectionRule = ALL) -> RestorePlan:
    """The plan of a selection, with the list that Resolve exports."""
    resolve, media = Resolve(fake.bridge().root), MediaBook(describe)
    return plan_restore(resolve, choice, wishes, media, (), OtioReadings(resolve, media))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_movie(tmp_path / "film.mov", 60, rate=Fraction(25), timecode="10:00:00:00")


@pytest.mark.parametrize("version", [(21, 0, 4), (21, 1)])
def test_a_clip_whose_speed_changes_comes_back_into_the_pool_only(
    make_fake: MakeFake, film: Path, version: tuple[int, ...]
) -> None:
    fake = make_fake("studio", version)
    timeline = fake.add_timeline("Reel 1", 25)
    timeline.place(fake.add_clip(film), source=(10, 50), speed=((10, 1), (10, 3)))
    ((one,), refused) = (planned(fake, RestoreSettings(put="track")).planned, planned(fake, RestoreSettings()).refused)
    assert not refused
    assert one.place.mode == "pool"
    assert "media pool only" in one.notes[0]
    assert (one.place.restored_first, one.place.restored_stop) == (0, 60)


def test_a_clip_at_one_speed_is_laid_on_a_track_where_a_list_confirms_it(make_fake: MakeFake, film: Path) -> None:
    fake = make_fake("studio", (21, 1))
    timeline = fake.add_timeline("Reel 1", 25)
    timeline.place(fake.add_clip(film), source=(10, 50), speed=2)
    resolve, media = Resolve(fake.bridge().root), MediaBook(describe)
    wishes = RestoreSettings(put="track")
    with_list = plan_restore(resolve, ALL, wishes, media, (), OtioReadings(resolve, media)).planned[0]
    without = plan_restore(resolve, ALL, wishes, media).planned[0]
    assert (with_list.place.mode, with_list.place.speed) == ("track", Fraction(2))
    assert without.place.mode == "pool"


@pytest.fixture
def inclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Resolve that says the last source frame where it should say the one after it."""
    said = Item.GetSourceEndFrame

    @wraps(said)
    def last(item: Item) -> int | None:
        stop = said(item)
        return None if stop is None else stop - 1

    monkeypatch.setattr(Item, "GetSourceEndFrame", last)


def test_two_accounts_that_disagree_are_decided_by_the_third(fake: FakeResolve, film: Path, inclusive: None) -> None:
    fake.add_timeline("Reel 1", 25).place(fake.add_clip(film), source=(10, 50))
    (one,) = planned(fake, RestoreSettings(put="track")).planned
    assert (one.place.mode, one.place.first, one.place.stop) == ("track", 10, 50)


def test_a_third_account_that_is_missing_is_said_with_its_remedy(
    fake: FakeResolve, film: Path, inclusive: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_timeline("Reel 1", 25).place(fake.add_clip(film), source=(10, 50))
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    (refused,) = planned(fake, RestoreSettings(put="track")).refused
    assert refused.refusal.code == "disagree"
    assert "OpenTimelineIO is not installed." in refused.refusal.reason
    assert "-m pip install opentimelineio" in refused.refusal.remedy
    assert "Timeline.Export" not in fake.calls


def test_a_file_that_says_it_is_ours_is_left_out_or_named(fake: FakeResolve, tmp_path: Path, film: Path) -> None:
    made = tmp_path / "made.mov"
    with av.open(str(film)) as source, av.open(str(made), "w", options={"movflags": "use_metadata_tags"}) as copy:
        copy.metadata[MADE_BY_KEY] = "us"
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    timeline = fake.add_timeline("Reel 1", 25)
    timeline.place(fake.add_clip(film), source=(10, 50))
    timeline.place(fake.add_clip(made), source=(10, 50))
    found = planned(fake, RestoreSettings())
    assert [each.clip.media for each in found.planned] == [str(film)]
    assert (found.refused, found.left_out) == ((), {"restored before": 1})
    timeline.playhead(timeline.start + 45)
    (refused,) = planned(fake, RestoreSettings(), SelectionRule("playhead")).refused
    assert refused.refusal.code == "restored"


def test_a_codec_of_the_source_s_kind_a_report_and_no_sound_are_in_the_job(fake: FakeResolve, film: Path) -> None:
    fake.add_timeline("Reel 1", 25).place(fake.add_clip(film), source=(10, 50))
    wishes = RestoreSettings(
        put="track", codec=LIKE_SOURCE, audio=False, sidecar=True, settings={"damaged": "hold", "working_space": "log"}
    )
    (one,) = planned(fake, wishes).planned
    job = make_job(one, wishes)
    assert (job.request["codec"], Path(one.output).suffix) == (LIKE_SOURCE, ".mov")
    assert (job.request["sidecar"], job.request["damaged"], job.request["working_space"]) == (True, "hold", "log")
    assert (job.clip.audio, job.request["interpret"]["sound"]) == (False, "no")
    assert one.place.attributes["Data Level"] == "Video"
    assert codec_for_source(Path(one.output), job.request["codec"], probe(film))[0] == "h264"
    # A file that replaces the clip's own keeps its sound.
    (other,) = planned(fake, replace(wishes, put="replace")).planned
    assert make_job(other, replace(wishes, put="replace")).clip.audio is None


def test_what_the_editor_changed_in_the_clips_attributes_is_in_the_job(fake: FakeResolve, film: Path) -> None:
    timeline = fake.add_timeline("Reel 1", "29.97 DF", "01:00:00;00")
    clip = fake.add_clip(
        film, fps="29.97", start_tc="02:00:00;00", PAR="1.0667", Data_Level="Full", Field_Dominance="Lower Field",
        Reel_Name="A001", Input_Color_Space="S-Gamut3.Cine/S-Log3", Input_Gamma="Rec.709",
    )  # fmt: skip
    timeline.place(clip, source=(20, 30))
    wishes = RestoreSettings(handles=4, settings={"model": "tiny-x4"}, priority=3)
    (one,) = planned(fake, wishes).planned
    job = make_job(one, wishes)
    assert job.clip.rate == Fraction(30000, 1001)
    assert (job.clip.start_timecode, job.clip.drop_frame) == ("02:00:00;00", True)
    assert (job.clip.levels, job.clip.fields) == ("full", FieldOrder.BOTTOM_FIRST)
    assert (job.clip.colour_space, job.clip.gamma) == ("S-Gamut3.Cine/S-Log3", "")
    assert job.clip.pixel_aspect == Fraction(16, 15)
    assert (job.clip.range, job.clip.handles, job.clip.reel) == (FrameRange(20, 30), (4, 4), "A001")
    assert job.request["range"] == "16:34"
    assert job.priority == 3
    place = Placement.from_editor(job.clip.editor)
    assert place == one.place
    assert place is not None
    assert place.attributes["Data Level"] == "Video"


def test_a_clip_is_as_large_as_the_timeline_shows_it(fake: FakeResolve, film: Path) -> None:
    timeline = fake.add_timeline("Reel 1", 25, size=(160, 120))
    timeline.place(fake.add_clip(film), source=(0, 10))
    assert planned(fake, RestoreSettings()).planned[0].size == (160, 120)
    assert planned(fake, RestoreSettings(settings={"scale": "3/2"})).planned[0].size == (96, 72)


def test_a_part_between_in_and_out_is_restored_as_that_part(fake: FakeResolve, film: Path) -> None:
    timeline = fake.add_timeline("Reel 1", 25)
    timeline.place(fake.add_clip(film), record=timeline.start + 100, source=(0, 60))
    timeline.marks(110, 119)
    (one,) = planned(fake, RestoreSettings(put="take", handles=2), SelectionRule("inout")).planned
    assert (one.place.first, one.place.stop) == (10, 20)
    assert (one.place.record, one.place.duration) == (timeline.start + 110, 10)
    assert one.place.mode == "track"


def test_a_bin_is_restored_clip_by_clip(fake: FakeResolve, film: Path) -> None:
    folder = fake.add_folder("Archive")
    fake.add_clip(film, folder=folder)
    (one,) = planned(fake, RestoreSettings(put="track"), SelectionRule("bin", "Archive")).planned
    assert (one.place.mode, one.place.item, one.place.timeline_name) == ("pool", "", "Archive")
    assert (one.place.first, one.place.stop, one.size) == (0, 60, None)


def test_a_codec_that_there_is_not_is_refused(fake: FakeResolve, film: Path) -> None:
    timeline = fake.add_timeline("Reel 1", 25)
    timeline.place(fake.add_clip(film))
    (refused,) = planned(fake, RestoreSettings(codec="nothing")).refused
    assert "no codec" in refused.refusal.reason


def test_handles_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(InputError, match="--handles"):
        RestoreSettings(handles=-1)
