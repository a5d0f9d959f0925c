"""What has no file that can be read is rendered by Resolve first, when asked; all else is refused with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.resolve import FakeResolve
from resolve.workstation import Workstation


@pytest.fixture
def workstation(tmp_path: Path, fake: FakeResolve) -> Iterator[Workstation]:
    made = Workstation(tmp_path, fake)
    yield made
    made.close()


def test_each_clip_that_cannot_be_restored_is_refused_with_its_reason_and_the_others_are_restored(
    workstation: Workstation,
) -> None:
    timeline, fake = workstation.timeline, workstation.fake
    inner = fake.add_timeline("Inner", rate="29.97 DF")
    inner.place(workstation.clip, source=(0, 10))
    workstation.run("daemon", "start")
    fake.open_timeline(timeline)
    timeline.place(fake.add_nested(inner), record=timeline.start + 100)
    timeline.place(
        fake.add_clip(workstation.folder / "gone.mov", frames=50), record=timeline.start + 200, source=(0, 10)
    )
    raw = workstation.folder / "A001.braw"
    raw.write_bytes(b"camera raw")
    timeline.place(fake.add_clip(raw, frames=50), record=timeline.start + 300, source=(0, 10))
    timeline.place_generator(record=timeline.start + 400)
    timeline.place(workstation.clip, record=timeline.start + 500, source=(40, 44))
    (report := workstation.folder / "report.json").write_text("an older one")
    given = ("--timeline", "--handles", "0", "--steps", "1", "--report", str(report))
    events = workstation.run("resolve", "queue", *given)
    assert json.loads(report.read_text()) == [each for each in events if each["event"] in ("submitted", "refused")]
    refused = {each["clip"]: each["code"] for each in events if each["event"] == "refused"}
    assert sorted(refused.values()) == ["compound", "offline", "unreadable"]
    assert all(each["message"] and each["remedy"] for each in events if each["event"] == "refused")
    assert [each["range"] for each in events if each["event"] == "submitted"] == [[20, 32], [40, 44]]
    assert next(each for each in events if each["event"] == "queued")["left_out"] == {"without media": 1}


@pytest.mark.slow
def test_a_compound_clip_is_rendered_restored_and_laid_over_itself(workstation: Workstation) -> None:
    fake, timeline = workstation.fake, workstation.timeline
    inner = fake.add_timeline("Inner", rate="29.97 DF", size=(256, 192))
    inner.place(workstation.clip, source=(5, 20))
    fake.open_timeline(timeline)
    compound = timeline.place(fake.add_nested(inner), record=timeline.start + 100, source=(0, 12))
    timeline.select(compound)
    before = [workstation.seen(record) for record in range(compound.start, compound.stop)]
    assert before == list(range(5, 17))
    events = workstation.run(
        "resolve", "restore", "--selected", "--through", "--put", "track", "--steps", "1", "--wait"
    )
    put = next(each for each in events if each["event"] == "put")
    assert (put["state"], put["did"]) == ("put", "track"), put
    assert workstation.numbers(put["path"]) == before
    assert [workstation.seen(record) for record in range(compound.start, compound.stop)] == before
    assert fake.opened is timeline
    assert [each.name for each in fake.timelines()] == ["Reel 1", "Inner"]
    assert fake.queue() == []


@pytest.mark.slow
def test_graded_clips_are_restored_as_they_are_seen(workstation: Workstation) -> None:
    workstation.timeline.select(workstation.item)
    events = workstation.run("resolve", "restore", "--selected", "--graded", "--steps", "1", "--wait")
    put = next(each for each in events if each["event"] == "put")
    assert (put["state"], put["did"]) == ("put", "pool")
    assert workstation.numbers(put["path"]) == list(range(20, 32))
