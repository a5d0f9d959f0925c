"""From Resolve's timeline to the daemon and back: real files, real processes, real gRPC, the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from answerprint.media import probe
from fakes.resolve import FakeResolve
from fault.daemon import await_value
from media.tmcd import first_label
from resolve.conftest import MakeFake
from resolve.workstation import RATE, Workstation


@pytest.fixture
def workstation(tmp_path: Path, fake: FakeResolve) -> Iterator[Workstation]:
    made = Workstation(tmp_path, fake)
    yield made
    made.close()


@pytest.mark.slow
def test_a_selected_clip_is_restored_and_laid_over_its_source_frame_by_frame(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    records = range(workstation.timeline.start + 10, workstation.timeline.start + 22)
    before = [workstation.seen(record) for record in records]
    assert before == list(range(20, 32))
    events = workstation.run(
        "resolve", "restore", "--selected", "--put", "track", "--handles", "4", "--steps", "1", "--wait"
    )
    submitted, put = (next(each for each in events if each["event"] == name) for name in ("submitted", "put"))
    assert (submitted["range"], submitted["handles"]) == ([20, 32], [4, 4])
    assert (put["state"], put["did"]) == ("put", "track"), put
    restored = put["path"]
    assert workstation.numbers(restored) == list(range(16, 36))
    info = probe(restored)
    assert (info.rate, info.width, info.height, info.codec) == (RATE, 256, 192, "prores")
    assert first_label(restored) == "10:00:00;16"
    assert [workstation.seen(record) for record in records] == before
    shown = workstation.fake.shown(workstation.timeline, records.start)
    assert shown is not None
    assert shown.path == restored
    assert workstation.run("resolve", "finish")[0]["state"] == "already"
    undone = workstation.run("resolve", "undo", str(submitted["number"]))
    assert undone[0]["state"] == "undone"
    assert Path(restored).exists()
    shown = workstation.fake.shown(workstation.timeline, records.start)
    assert shown is not None
    assert shown.path == str(workstation.film)


@pytest.mark.slow
def test_in_studio_a_clip_that_the_menu_queued_comes_back_by_itself(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    scripts = workstation.install()
    said = workstation.script(scripts / "Restore Selected Clips.py")
    assert "1 clip queued. Finished clips are placed automatically." in said
    clips = await_value(lambda: workstation.restored())
    assert [workstation.numbers(clip.path) for clip in clips] == [list(range(18, 34))]
    assert "already there" in workstation.script(scripts / "Bring Back Finished.py")
    assert len(workstation.restored()) == 1


def test_a_menu_script_restores_a_clip_and_another_lays_it_over_its_source(tmp_path: Path, make_fake: MakeFake) -> None:
    workstation = Workstation(tmp_path, make_fake("free", (20, 3)), put="track")
    records = range(workstation.item.start, workstation.item.stop)
    before = [workstation.seen(record) for record in records]
    assert before == list(range(20, 32))
    workstation.timeline.playhead(records.start + 2)
    try:
        scripts = workstation.install()
        assert "Bring Back Finished" in workstation.script(scripts / "Restore Clip Under Playhead.py")
        workstation.run("jobs", "watch")
        assert not workstation.restored()
        assert "1 clip put back" in workstation.script(scripts / "Bring Back Finished.py")
        assert "0 clips put back, 1 already there" in workstation.script(scripts / "Bring Back Finished.py")
        (clip,) = workstation.restored()
        assert [workstation.seen(record) for record in records] == before
        shown = workstation.fake.shown(workstation.timeline, records.start)
        assert shown is not None
        assert shown.path == clip.path
        assert workstation.numbers(clip.path) == list(range(18, 34))
        assert first_label(clip.path) == "10:00:00;18"
        info = probe(clip.path)
        assert (info.rate, info.width, info.height, info.codec) == (RATE, 256, 192, "prores")
        assert workstation.script(scripts / "Restore Queue.py").strip().endswith("0 jobs in the queue.")
        refused = workstation.run("resolve", "finish", code=4)
        assert "no_resolve" in refused[-1]["code"]
    finally:
        workstation.close()


@pytest.mark.slow
def test_longer_handles_restore_only_what_is_missing(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    first = workstation.run("resolve", "restore", "--selected", "--handles", "2", "--steps", "1", "--wait")
    made = next(each["path"] for each in first if each["event"] == "put")
    longer = workstation.run("resolve", "restore", "--selected", "--handles", "6", "--steps", "1", "--wait")
    parts = [each for each in longer if each["event"] == "submitted"]
    done = [workstation.run("jobs", "show", str(each["number"]))[0] for each in parts]
    assert [job["frames_done"] for job in done] == [4, 4]
    joined = next(each["path"] for each in longer if each["event"] == "put")
    assert workstation.numbers(joined) == list(range(14, 38))
    assert first_label(joined) == "10:00:00;14"
    assert _packets(joined)[4:-4] == _packets(made)
    assert sorted(path.name for path in Path(joined).parent.iterdir()) == [Path(made).name, Path(joined).name]
    again = workstation.run("resolve", "restore", "--selected", "--handles", "4", "--steps", "1", "--wait")
    assert [each["event"] for each in again] == ["put", "queued", "done"]
    assert [each["path"] for each in again if each["event"] == "put"] == [joined]


def _packets(path: str) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]
