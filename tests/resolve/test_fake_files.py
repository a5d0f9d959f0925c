"""The files that the fake writes are real ones, of the frames that the items show."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from answerprint.media.probe import probe
from answerprint.resolve.api import Project, Resolve
from fakes.resolve import FakeResolve, Quirks
from media.makers import make_movie, number_in
from resolve.conftest import MakeFake
from resolve.test_fake_items import sequence


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "plate.mov"
    return make_movie(path, 60, rate=Fraction(25), codec="mpeg4", timecode="10:00:00:00")


def opened(fake: FakeResolve) -> tuple[Resolve, Project]:
    resolve = Resolve(fake.bridge().root)
    return resolve, resolve.project()


def rendered(fake: FakeResolve, project: Project, **settings: Any) -> dict[str, str]:  # noqa: ANN401
    assert project.set_render_settings(settings)
    job = project.add_render_job()
    assert job
    assert project.start_rendering(job)
    fake.wait_for_rendering()
    return project.render_status(job)


def numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        pictures = [
            frame.to_ndarray(format="gray").astype(np.float32) / np.float32(255) for frame in container.decode(video=0)
        ]
    return [number_in(each) for each in pictures]


class TestRendering:
    def test_a_range_is_what_is_seen_there(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25, size=(64, 48))
        timeline.place(fake.add_clip(movie), record=timeline.start, source=(10, 40))
        timeline.place(fake.add_clip(movie), track=2, record=timeline.start + 4, source=(50, 52))
        _, project = opened(fake)
        assert project.load_preset("ProRes 422 HQ")
        start = timeline.start
        status = rendered(
            fake,
            project,
            TargetDir=str(tmp_path),
            CustomName="out",
            SelectAllFrames=False,
            MarkIn=start + 2,
            MarkOut=start + 7,
        )
        assert (status["JobStatus"], status["CompletionPercentage"]) == ("Complete", "100")
        found = probe(tmp_path / "out.mov")
        assert (found.frames, found.start_timecode, found.codec) == (6, "01:00:00:02", "prores")
        assert found.rate == 25
        assert numbers(tmp_path / "out.mov") == [12, 13, 50, 51, 16, 17]

    def test_single_clips_are_of_the_source_with_its_timecode_and_handles(
        self, fake: FakeResolve, movie: Path, tmp_path: Path
    ) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25, size=(64, 48))
        timeline.place(fake.add_clip(movie), record=timeline.start, source=(10, 20))
        _, project = opened(fake)
        assert project.load_preset("ProRes 422 HQ")
        assert project.set_render_mode(0)
        status = rendered(fake, project, TargetDir=str(tmp_path), SelectAllFrames=True, AddFrameHandles=12)
        assert status["JobStatus"] == "Complete"
        (file,) = tmp_path.glob("*.mov")
        assert numbers(file) == list(range(32)), "ten before, as many as there are"
        assert probe(file).start_timecode == "10:00:00:00"

    def test_the_users_settings_stay_unless_a_preset_is_loaded(
        self, fake: FakeResolve, movie: Path, tmp_path: Path
    ) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25, size=(64, 48))
        timeline.place(fake.add_clip(movie), record=timeline.start, source=(10, 12))
        _, project = opened(fake)
        assert project.set_format_and_codec("mov", "ProRes422HQ")
        rendered(fake, project, TargetDir=str(tmp_path), SelectAllFrames=True)
        assert probe(tmp_path / "user.mov").width == 1280
        assert project.load_preset("ProRes 422 HQ")
        rendered(fake, project, TargetDir=str(tmp_path), SelectAllFrames=True)
        assert probe(tmp_path / "Reel 1.mov").width == 64

    def test_codecs_go_by_their_ids(self, fake: FakeResolve) -> None:
        _, project = opened(fake)
        assert project.codecs(project.formats()["QuickTime"])["Apple ProRes 422 HQ"] == "ProRes422HQ"
        assert not project.set_format_and_codec("mov", "Apple ProRes 422 HQ")
        assert project.set_format_and_codec("mov", "ProRes422HQ")
        assert project.format_and_codec() == ("mov", "ProRes422HQ")

    def test_sequences_are_numbered_files(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25, size=(64, 48))
        timeline.place(fake.add_clip(movie), record=timeline.start, source=(10, 13))
        _, project = opened(fake)
        assert project.load_preset("ProRes 422 HQ")
        for form, codec in (("exr", "RGBHalf"), ("tif", "RGB16"), ("dpx", "RGB10")):
            assert project.set_format_and_codec(form, codec)
            status = rendered(fake, project, TargetDir=str(tmp_path), CustomName="out", SelectAllFrames=True)
            assert status["JobStatus"] == "Complete", status
            assert [each.name for each in sorted(tmp_path.glob(f"*.{form}"))] == [
                f"out_{timeline.start + n:08}.{form}" for n in range(3)
            ]

    def test_what_nobody_else_decodes_can_be_rendered(self, fake: FakeResolve, tmp_path: Path) -> None:
        raw = tmp_path / "camera.braw"
        raw.write_bytes(b"no decoder reads this")
        timeline = fake.add_timeline("Reel 1", rate=24, size=(64, 48))
        timeline.place(fake.add_clip(raw, fps=24, frames=50), record=timeline.start, source=(20, 24))
        _, project = opened(fake)
        assert project.load_preset("ProRes 422 HQ")
        rendered(fake, project, TargetDir=str(tmp_path), CustomName="out", SelectAllFrames=True)
        assert numbers(tmp_path / "out.mov") == [20, 21, 22, 23]

    def test_a_render_can_be_stopped_and_the_next_one_works(
        self, fake: FakeResolve, movie: Path, tmp_path: Path
    ) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25, size=(64, 48))
        timeline.place(fake.add_clip(movie), record=timeline.start)
        _, project = opened(fake)
        assert project.load_preset("ProRes 422 HQ")
        assert project.set_render_settings({"TargetDir": str(tmp_path), "SelectAllFrames": True})
        fake.pause_rendering()
        jobs = [project.add_render_job() for _ in range(2)]
        assert project.start_rendering(jobs[0])
        assert project.rendering()
        assert not project.start_rendering(jobs[1]), "one at a time"
        assert not project.delete_render_job(jobs[0])
        project.stop_rendering()
        fake.resume_rendering()
        fake.wait_for_rendering()
        assert project.render_status(jobs[0])["JobStatus"] == "Cancelled"
        assert project.start_rendering(jobs[1])
        fake.wait_for_rendering()
        assert project.render_status(jobs[1])["JobStatus"] == "Complete"
        assert all(project.delete_render_job(each) for each in jobs)

    def test_failures_say_why(self, fake: FakeResolve, tmp_path: Path) -> None:
        path = make_movie(tmp_path / "gone.mov", 5, codec="mpeg4")
        fake.add_timeline("Reel 1", rate=25, size=(64, 48)).place(fake.add_clip(path))
        path.unlink()
        _, project = opened(fake)
        assert project.load_preset("ProRes 422 HQ")
        status = rendered(fake, project, TargetDir=str(tmp_path), SelectAllFrames=True)
        assert status["JobStatus"] == "Failed"
        assert "offline" in status["Error"]
        fake.fail_rendering("The disk is full.")
        assert rendered(fake, project, SelectAllFrames=True)["Error"] == "The disk is full."

    def test_a_custom_name_breaks_the_free_edition_from_21_1(
        self, make_fake: MakeFake, movie: Path, tmp_path: Path
    ) -> None:
        for quirks, works in ((Quirks(), False), (Quirks(custom_name_breaks_free=False), True)):
            fake = make_fake(edition="free", version=(21, 1), quirks=quirks)
            fake.add_timeline(rate=25).place(fake.add_clip(movie))
            _, project = opened(fake)
            assert project.set_render_settings({"TargetDir": str(tmp_path), "CustomName": "out"})
            assert bool(project.add_render_job()) == works

    def test_presets_are_the_users(self, fake: FakeResolve) -> None:
        _, project = opened(fake)
        assert project.save_preset("Mine")
        assert not project.save_preset("Mine")
        assert "Mine" in project.presets()
        assert project.delete_preset("Mine")
        assert not project.delete_preset("H.264 Master")

    @pytest.mark.parametrize("settings", [{"Format": "mov"}, {"Codec": "H264"}])
    def test_keys_that_do_not_exist_are_violations(self, settings: dict[str, str]) -> None:
        with FakeResolve() as fake:
            assert not opened(fake)[1].set_render_settings(settings)
            assert len(fake.violations) == 1


class TestExports:
    def exported(self, fake: FakeResolve, kind: str, path: Path) -> str:
        resolve, project = opened(fake)
        value, none = resolve.remote.value(kind), resolve.remote.value("EXPORT_NONE")
        assert project.timeline().export(str(path), value, none)
        return path.read_text("utf-8")

    def test_otio_tells_ranges_and_speeds(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25)
        clip = fake.add_clip(movie)
        timeline.place(clip, record=timeline.start + 5, source=(10, 20))
        timeline.place(clip, source=(0, 20), speed=2)
        timeline.place(clip, source=(7, 8), speed=0, duration=4)
        whole = json.loads(self.exported(fake, "EXPORT_OTIO", tmp_path / "a.otio"))
        gap, plain, fast, frozen = whole["tracks"]["children"][0]["children"]
        assert gap["source_range"]["duration"]["value"] == 5
        assert plain["source_range"]["start_time"] == {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0, "value": 900010.0}
        assert plain["media_references"]["DEFAULT_MEDIA"]["target_url"] == str(movie)
        assert (fast["source_range"]["duration"]["value"], fast["effects"][0]["time_scalar"]) == (10, 2)
        assert frozen["effects"][0]["OTIO_SCHEMA"] == "FreezeFrame.1"

    def test_edl_tells_ranges_and_speeds(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25)
        timeline.place(fake.add_clip(movie), source=(10, 20), record=timeline.start)
        timeline.place(fake.add_clip(movie), source=(10, 20), speed=-1)
        lines = self.exported(fake, "EXPORT_EDL", tmp_path / "a.edl").splitlines()
        assert lines[:2] == ["TITLE: Reel 1", "FCM: NON-DROP FRAME"]
        assert lines[3].split() == ["001", "AX", "V", "C", "10:00:00:10", "10:00:00:20", "01:00:00:00", "01:00:00:10"]
        assert lines[7].split() == ["M2", "AX", "-025.0", "10:00:00:10"]

    def test_a_timeline_comes_back_from_its_otio(self, fake: FakeResolve, movie: Path, tmp_path: Path) -> None:
        timeline = fake.add_timeline("Reel 1", rate=25)
        timeline.place(fake.add_clip(movie), record=timeline.start + 5, source=(10, 20))
        timeline.place(fake.add_clip(sequence(tmp_path, 1001, 12), fps=25), source=(0, 12), speed=2)
        self.exported(fake, "EXPORT_OTIO", tmp_path / "a.otio")
        pool = opened(fake)[1].pool()
        assert pool.found("ImportTimelineFromFile", str(tmp_path / "a.otio"), {"timelineName": "Again"}) is not None
        again = fake.timeline("Again")
        frames = range(timeline.start, timeline.end)
        assert [fake.shown(again, each) for each in frames] == [fake.shown(timeline, each) for each in frames]

    def test_other_kinds_are_not_written(self, fake: FakeResolve, tmp_path: Path) -> None:
        fake.add_timeline("Reel 1", rate=25)
        resolve, project = opened(fake)
        none = resolve.remote.value("EXPORT_NONE")
        assert not project.timeline().export(str(tmp_path / "a.aaf"), resolve.remote.value("EXPORT_AAF"), none)
        assert not (tmp_path / "a.aaf").exists()
