"""Jobs are listed, shown, watched and steered by their numbers."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import DEFAULT_MODELS
from answerprint.cli.jobs.details import settings_words
from answerprint.ipc import events
from cli.runner import CliRunner

DISK_FULL = {
    "code": "disk_full", "message": "2 GiB are missing on /scratch.", "remedy": "Make room there.", "exit_code": 4,
    "needed_bytes": 2 << 30, "folder": "/scratch",
}  # fmt: skip


def change(runner: CliRunner, job: JobRecord, state: JobState, **more: Any) -> None:  # noqa: ANN401
    def bring() -> None:
        runner.daemon.change(job.id, state, **more)

    runner.server.call(bring)


def row_of(job: JobRecord, table: str) -> str:
    return next(line for line in table.splitlines() if line.split()[0] == str(job.number))


def test_the_list_says_of_each_job_what_it_does_or_waits_for(runner: CliRunner) -> None:
    running, queued, timed, full, failed, done = (runner.job(f"{name}.mov") for name in "abcdef")
    change(runner, running, JobState.RUNNING, frames_total=24, frames_done=6)
    runner.tell(running, events.progress("denoise", 6, 24, seconds_per_frame=1.0, eta_seconds=200.0))
    change(runner, timed, JobState.QUEUED, not_before=time.time() + 30 * 86400)
    change(runner, full, JobState.PAUSED, problem=DISK_FULL)
    change(runner, failed, JobState.FAILED, problem={**DISK_FULL, "message": "The clip is a poem."})
    change(runner, done, JobState.DONE, frames_total=24, frames_done=24, seconds=75.0, ended=time.time())
    table = runner("jobs", "list").out
    for job, state, says in (
        (running, "running", "6/24"),
        (running, "25 %", "3 min 20 s left"),
        (queued, "queued", "1 ahead"),
        (timed, "queued", "not before 2"),
        (full, "paused", "2 GiB are missing"),
        (failed, "failed", "a poem"),
        (done, "done", "1 min 15 s of work"),
    ):
        assert state in row_of(job, table)
        assert says in row_of(job, table)
    assert len({line.index("out.mov") for line in table.splitlines()[1:]}) == 1


def test_a_list_is_one_array_over_all_pages(runner: CliRunner) -> None:
    assert runner("jobs", "list", "--json").json == []
    for _ in range(501):
        runner.job()
    listed = runner("jobs", "list", "--json").json
    assert [job["number"] for job in listed] == list(range(1, 502))
    first = listed[0]
    assert (first["state"], first["label"], first["output"]) == ("queued", "reel.mov", str(runner.folder / "out.mov"))
    assert first["request"]["model"] == DEFAULT_MODELS["standard"]
    assert first["created"] == 1_700_000_000.25


def test_a_list_shows_the_last_that_ended_and_says_how_many_came_before(runner: CliRunner) -> None:
    for _ in range(25):
        change(runner, runner.job(), JobState.CANCELLED)
    waits = runner.job()
    answer = runner("jobs", "list")
    assert len(answer.out.splitlines()) == 1 + 1 + 20
    assert "5 older" in answer.err
    assert len(runner("jobs", "list", "--all", "--json").json) == 26
    assert [job["id"] for job in runner("jobs", "list", "--state", "queued", "--json").json] == [waits.id]
    assert len(runner("jobs", "list", "--state", "queued", "--state", "cancelled", "--json").json) == 26
    assert runner("jobs", "list", "--state", "asleep").code == 2


def test_a_job_is_shown_with_its_problem_and_the_remedy(runner: CliRunner) -> None:
    job = runner.job(priority=3)
    runner.server.call(runner.daemon.chunk, job.id, 0)
    runner.tell(job, events.warning("2 frames could not be read."))
    change(runner, job, JobState.PAUSED, problem=DISK_FULL, facts={"estimate": {"scratch_bytes": 3 << 20}})
    shown = runner("jobs", "show", str(job.number)).out
    for says in (
        job.id, "2 GiB are missing", "Make room there.", "1/100, in 1 chunk", "10 B of up to 3.0 MiB",
        "1 frame pair from the cache, 2 measured", "2 frames could not be read.", DEFAULT_MODELS["standard"],
        str(runner.folder / "in.mov"),
    ):  # fmt: skip
        assert says in shown
    data = runner("jobs", "show", job.id[:8], "--json").json
    assert (data["event"], data["chunks_done"], data["priority"]) == ("job", 1, 3)
    assert data["problem"]["needed_bytes"] == 2 << 30
    assert [event["event"] for event in data["history"]] == ["state", "chunk", "warning", "state"]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("pause", JobState.RUNNING, "paused"),
        ("resume", JobState.PAUSED, "queued"),
        ("cancel", JobState.QUEUED, "cancelled"),
        ("retry", JobState.FAILED, "queued"),
    ],
)
def test_jobs_are_steered_by_their_numbers(action: str, before: JobState, after: str, runner: CliRunner) -> None:
    one, two = runner.job(), runner.job()
    for job in (one, two):
        change(runner, job, before)
    answer = runner("jobs", action, str(one.number), two.id)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [f"job {job.number} (reel.mov) is {after}" for job in (one, two)]
    assert {job.state.value for job in runner.daemon.jobs.values()} == {after}
    assert runner("jobs", action, "1", "--json").json["state"] == after


def test_a_job_that_cannot_be_steered_keeps_no_other_from_it(runner: CliRunner) -> None:
    ended, waits = runner.job(), runner.job()
    change(runner, ended, JobState.DONE)
    answer = runner("jobs", "cancel", str(ended.number), "77", str(waits.number))
    assert answer.code == 2
    assert "Job 1 is done" in answer.err
    assert "no job 77" in answer.err
    assert runner.daemon.jobs[waits.id].state is JobState.CANCELLED


def test_only_jobs_that_have_ended_are_deleted(runner: CliRunner) -> None:
    waits, ended = runner.job(), runner.job()
    change(runner, ended, JobState.CANCELLED)
    refused = runner("jobs", "delete", str(waits.number))
    assert (refused.code, "Cancel it first." in refused.err) == (2, True)
    assert "4.0 KiB freed" in runner("jobs", "delete", str(ended.number)).out
    assert list(runner.daemon.jobs) == [waits.id]


def test_a_waiting_job_is_moved(runner: CliRunner) -> None:
    job = runner.job()
    assert runner("jobs", "move", "1").code == 2
    assert runner("jobs", "move", "1", "--first", "--last").code == 2
    answer = runner("jobs", "move", "1", "--first", "--priority", "5", "--not-before", "+2h")
    assert answer.code == 0
    assert "move first" in runner.daemon.calls
    assert "priority 5, not before" in answer.out
    moved = runner.daemon.jobs[job.id]
    assert moved.not_before is not None
    assert moved.not_before == pytest.approx(time.time() + 7200, abs=60)
    runner("jobs", "move", "1", "--not-before", "now")
    assert runner.daemon.jobs[job.id].not_before == 0


def test_a_watched_job_ends_as_a_restoration_does(runner: CliRunner) -> None:
    job = runner.job()
    runner.server.call(runner.daemon.chunk, job.id, 0)
    runner.server.call(
        runner.daemon.tell,
        job.id,
        events.done(job.output, 4, 2.0, flow_cache={"hits": 1, "misses": 2}, peak_memory_bytes=10),
    )
    runner.server.call(
        lambda: runner.daemon.jobs.update({job.id: replace(runner.daemon.jobs[job.id], state=JobState.DONE)})
    )
    answer = runner("jobs", "watch", "1")
    assert answer.code == 0
    assert answer.out == f"{job.output}\n4 frames in 2 s, 0.50 s/frame\n"
    told = runner("jobs", "watch", "1", "--json").events
    assert [event["event"] for event in told] == ["chunk", "done"]


def test_a_watched_job_that_failed_gives_its_exit_code(runner: CliRunner) -> None:
    change(runner, runner.job(), JobState.FAILED, problem=DISK_FULL)
    answer = runner("jobs", "watch", "1")
    assert (answer.code, answer.out) == (4, "")
    assert "2 GiB are missing" in answer.err


def test_all_jobs_are_watched_until_the_last_has_ended(runner: CliRunner) -> None:
    one, two = runner.job("one.mov"), runner.job("two.mov")
    asked = threading.Event()

    def work() -> None:
        while runner.daemon.calls.count("list") < 2:  # the second is the first look
            asked.wait(0.01)
        change(runner, one, JobState.DONE)
        change(runner, two, JobState.FAILED, problem=DISK_FULL)

    thread = threading.Thread(target=work)
    thread.start()
    answer = runner("jobs", "watch")
    thread.join()
    assert answer.code == 4
    assert answer.out.splitlines()[:2] == ["job 1 (one.mov): queued, next", "job 2 (two.mov): queued, 1 ahead"]
    assert any(line.startswith("job 1 (one.mov): done") for line in answer.out.splitlines())
    assert any("2 GiB are missing" in line for line in answer.out.splitlines())


def test_those_who_watch_all_jobs_are_told_what_they_warn_of(runner: CliRunner) -> None:
    one, two = runner.job("one.mov"), runner.job("two.mov")
    for _ in range(2):
        runner.server.call(runner.daemon.tell, one.id, events.warning("The rate is assumed."))
    change(runner, one, JobState.DONE, last_sequence=2)
    change(runner, two, JobState.DONE)
    answer = runner("jobs", "watch", "1", "2")
    assert (answer.code, answer.err.splitlines()) == (0, ["job 1 (one.mov): warning: The rate is assumed."])


def test_nothing_to_watch_is_said(runner: CliRunner) -> None:
    answer = runner("jobs", "watch")
    assert (answer.code, answer.out) == (0, "No jobs.\n")


def test_a_label_cannot_steer_the_terminal(runner: CliRunner) -> None:
    runner.job("\x1b[2Jreel")
    for arguments in (["jobs", "list"], ["jobs", "show", "1"], ["jobs", "cancel", "1"]):
        assert "\x1b" not in runner(*arguments).out


def test_a_preview_that_is_done_is_done_with_all_its_frames(runner: CliRunner) -> None:
    job = runner.job("preview of a.mov")
    change(runner, job, JobState.DONE, frames_total=3, frames_done=0, ended=time.time())
    row = row_of(job, runner("jobs", "list").out)
    assert "3/3" in row
    assert "100 %" in row
    assert "3/3" in runner("jobs", "show", "1").out
    assert runner("jobs", "show", "1", "--json").json["frames_done"] == 3


def test_settings_are_shown_nearly_as_they_were_typed() -> None:
    interpret = {"rate": "25", "start_timecode": "10:00:00:00", "fields": "top", "sound": "no"}
    request = {"input": "/a", "output": "/b", "strength": 1.0, "working_space": "log", "interpret": interpret}
    words = "strength 1, working space log, no audio, rate 25, timecode 10:00:00:00, fields top"
    assert settings_words(request) == words


def test_settings_that_were_not_given_are_not_shown(runner: CliRunner) -> None:
    runner.job()
    assert "interpret" not in runner("jobs", "show", "1").out
