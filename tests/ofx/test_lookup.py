"""Which restoration answers, by path and by number, without opening any media."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.ofx.protocol import AskFlag, AskKind, HostQuestion
from answerprint.scheduler.node_key import NodeKey
from answerprint.scheduler.node_lookup import SourceCounts, is_same_clip, pick_job, said_of, shown_state


def job(number: int, state: JobState = JobState.DONE, first: int = 0, stop: int = 100, **more: Any) -> JobRecord:  # noqa: ANN401
    facts = {"input": {"frames": 200, "range": [first, stop]}}
    return JobRecord(
        f"id-{number}", number, "restore", "", state, {"input": "/c/a.mov"}, facts=facts, frames_done=30,
        frames_total=100, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("/c/a.mov", "/c/a.mov"),
        ("/c/../c/a.mov", "/c/a.mov"),
        ("/c/p.[0001-0100].exr", "/c/p.%04d.exr"),
        ("/c/p.%04d.exr", "/c/p.[0001-0100].exr"),
        ("/c/p.[0001-0100].exr", "/c/p.[0001-0050].exr"),
        ("/c/p.0007.exr", "/c/p.%04d.exr"),
    ],
)
def test_the_names_of_a_clip(host: str, path: str) -> None:
    assert is_same_clip(host, path)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("/c/a.mov", "/d/a.mov"), ("/c/a.mov", "/c/b.mov"), ("/c/p.0007.exr", "/d/p.%04d.exr"),
        ("/c/q.0007.exr", "/c/p.%04d.exr"), ("/c/p.007.exr", "/c/p.%04d.exr"), ("", "/c/a.mov"),
        ("/c/%d_%d.exr", "/c/p.%04d.exr"),
    ],
)  # fmt: skip
def test_the_names_of_others(host: str, path: str) -> None:
    assert not is_same_clip(host, path)


def test_a_picture_in_the_folder_of_a_job(tmp_path: Path) -> None:
    assert is_same_clip(str(tmp_path / "p.0001.exr"), str(tmp_path))


COUNTS = SourceCounts(200, (0, 86400, 1001))


@pytest.mark.parametrize(("frame", "origins"), [(5, [0]), (86405, [86400]), (1005, [1001]), (5000, []), (-1, [])])
def test_how_a_host_may_count(frame: int, origins: list[int]) -> None:
    assert COUNTS.candidates(frame) == origins


def test_a_number_that_means_two_frames_is_first_the_one_that_is_restored() -> None:
    counts = SourceCounts(200, (0, 100))
    assert counts.candidates(150) == [0, 100]
    assert counts.candidates(150, job(1, first=0, stop=60)) == [100, 0]


def test_facts_of_media_become_counts() -> None:
    media = {"frames": 9, "rate": "30000/1001", "start_timecode": "01:00:00;00", "sequence": True, "start_number": 1001}
    assert SourceCounts.of(media) == SourceCounts(9, (0, 107892, 1001))
    assert SourceCounts.of({"frames": 9, "rate": "25", "start_timecode": "odd"}) == SourceCounts(9, (0,))


def test_frames_of_another_cadence_are_counted_as_the_source_is() -> None:
    counts = SourceCounts(100, (0,))  # the clip has 200, of fields
    assert counts.place(job(1), 30) == 60
    assert counts.covers(job(1, first=50, stop=70), 30) and not counts.covers(job(1, first=50, stop=70), 36)
    assert counts.span(job(1, first=50, stop=70), 10) == (35, 45)


def test_the_newest_job_with_the_frame_answers() -> None:
    jobs = [job(5, JobState.FAILED), job(4, first=90), job(3), job(2)]
    assert pick_job(jobs, 0, 10, COUNTS) is jobs[2]
    assert pick_job(jobs, 0, 95, COUNTS) is jobs[1]
    assert pick_job(jobs[:1], 0, 10, COUNTS) is jobs[0]
    assert pick_job(jobs, 2, 10, COUNTS) is jobs[3]
    assert pick_job(jobs, 7, 10, COUNTS) is None and pick_job([], 0, 10, None) is None


@pytest.mark.parametrize("state", JobState)
def test_every_state_is_said(state: JobState) -> None:
    found = job(3, state, problem={"message": "The disk is full.", "remedy": "Free 1 GB."})
    assert said_of(found).startswith("Job 3 ") and shown_state(found).value > 0
    if state in (JobState.PAUSED, JobState.FAILED):
        assert said_of(found).endswith("The disk is full. Free 1 GB.")


def question(frame: int, samples: bytes = b"", kind: AskKind = AskKind.HERE) -> HostQuestion:
    flags = AskFlag.SAMPLES if samples else AskFlag(0)
    return HostQuestion(bytes(32), kind, flags, frame, 0, 8, 8, b"/a", samples=samples)


def test_frames_are_made_where_the_playhead_goes() -> None:
    key = NodeKey()
    for frame in (10, 11, 12):
        key.take(question(frame), 0)
    assert key.wanted(12)[:3] == [12, 13, 14]
    for frame in (11, 10):
        key.take(question(frame), 0)
    assert key.wanted(10)[:3] == [10, 9, 8]
    key.take(question(500), 0)  # a jump
    assert key.wanted(500) == [500, 501, 502, 503, 504]


def test_only_the_newest_question_counts_and_samples_are_tried_once() -> None:
    key = NodeKey()
    key.take(question(1, b"a"), 0)
    key.take(question(2), 0)
    assert key.question is not None and key.question.frame == 2
    found = key.new_samples()
    assert found is not None and found.frame == 1 and key.new_samples() is None
    key.take(question(1, b"a"), 0)
    assert key.new_samples() is None
    key.take(question(1, b"b"), 0)
    assert key.new_samples() is not None


def test_large_pictures_are_made_a_few_at_a_time() -> None:
    assert [NodeKey().batch(pixels) for pixels in (64, 1920 * 1080, 3840 * 2160, 1 << 28)] == [8, 8, 2, 1]
