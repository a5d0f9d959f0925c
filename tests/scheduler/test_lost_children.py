"""Children that crash, hang, babble or do not start: the job goes on in a new one, and the queue in any case."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from fakes.steering import Script
from scheduler.daemon_fixture import DaemonFixture, kinds

MOMENTS = (
    *("probe", "understood", "load", "chunk-0", "chunk-0-segment", "chunk-0-carry", "chunk-0-receipt", "chunk-0-told"),
    *("chunk-1-denoise", "chunk-1-receipt", "rendered"),
    *("mux", "mux-0", "mux-publish", "mux-published"),
)


@pytest.mark.parametrize("fault", ["kill", "abort", "exit", "garbage"])
async def test_a_child_that_is_lost_at_any_moment_costs_at_most_its_chunk(
    daemon_fixture: DaemonFixture, fault: str
) -> None:
    for moment in MOMENTS if fault == "kill" else ("chunk-1", "mux-0"):
        daemon_fixture.clip(moment, chunks=2, faults={moment: [fault]})
        job = await daemon_fixture.submit(moment)
        await daemon_fixture.done(job)
        assert "warning" in await kinds(daemon_fixture, job), moment
        repeated = [step for step in ("chunk-0", "chunk-1") if daemon_fixture.visits(job, step) > 1]
        assert (
            repeated
            == [step for step in ("chunk-0", "chunk-1") if moment.startswith(f"{step}-") or moment == step][
                : 0 if moment.endswith(("receipt", "told")) else None
            ]
        ), moment


async def test_the_third_loss_at_one_chunk_fails_the_job_with_the_reason_and_the_queue_goes_on(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("bad", faults={"chunk-1": ["kill"] * 3})
    bad = await daemon_fixture.submit("bad")
    after = await daemon_fixture.submit("after")
    failed = await daemon_fixture.until(bad)
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert failed.problem["message"].startswith("The worker crashed 3 times from frame 2 on.")
    assert "SIGKILL" in failed.problem["message"]
    assert (failed.frames_done, failed.failures) == (2, 0)
    await daemon_fixture.done(after)
    await daemon_fixture.service.retry(bad.id)
    await daemon_fixture.done(bad)
    assert daemon_fixture.visits(bad, "chunk-0") == 1


async def test_two_losses_at_each_of_many_chunks_fail_nothing(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("rough", chunks=4, faults={f"chunk-{chunk}": ["kill"] * 2 for chunk in range(4)})
    job = await daemon_fixture.submit("rough")
    await daemon_fixture.done(job)
    assert (await daemon_fixture.service.get(job.id)).failures == 0


async def test_losses_count_over_restarts_of_the_daemon(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("bad", faults={"chunk-0": ["kill", "kill", "hold"]})
    job = await daemon_fixture.submit("bad")
    await daemon_fixture.at(job, "chunk-0")
    await daemon_fixture.restart()
    daemon_fixture.clip("bad", faults={"chunk-0": ["kill"] * 9})
    assert (await daemon_fixture.until(job)).state is JobState.FAILED
    assert daemon_fixture.visits(job, "chunk-0") == 4


async def test_the_third_loss_while_writing_fails_the_job_and_keeps_its_chunks(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("bad", faults={"mux": ["kill"] * 3})
    job = await daemon_fixture.submit("bad")
    failed = await daemon_fixture.until(job)
    assert failed.problem is not None
    assert failed.problem["message"].startswith("Writing the output crashed 3 times.")
    await daemon_fixture.service.retry(job.id)
    await daemon_fixture.done(job)
    assert [daemon_fixture.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("moment", ["chunk-1", "mux-0"])
async def test_a_child_that_hangs_is_ended_and_the_job_goes_on(daemon_fixture: DaemonFixture, moment: str) -> None:
    daemon_fixture.set(hang_seconds=1.0)
    daemon_fixture.clip("stuck", faults={moment: ["hang"]})
    job = await daemon_fixture.submit("stuck")
    await daemon_fixture.done(job)
    warning = await daemon_fixture.event(job, lambda event: event["event"] == "warning")
    assert "did not answer for 1 s" in warning.event["message"]


async def test_a_child_that_hangs_is_gone_afterwards(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(hang_seconds=1.0)
    daemon_fixture.clip("stuck", faults={"chunk-1": ["hang"]})
    job = await daemon_fixture.submit("stuck")
    await daemon_fixture.event(job, lambda event: event["event"] == "stage")
    pid = daemon_fixture.service._scheduler.workers[0].pid
    assert pid is not None
    await daemon_fixture.event(job, lambda event: event["event"] == "warning")
    await daemon_fixture.done(job)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_held_queue_waits_for_the_user_after_a_failure(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(on_failure="hold")
    daemon_fixture.clip("bad", faults={"chunk-0": ["fail"]})
    bad, after = await daemon_fixture.submit("bad"), await daemon_fixture.submit("after")
    await daemon_fixture.until(bad)
    await daemon_fixture.settled(bad)
    info = await daemon_fixture.service.info()
    assert (info.suspended, info.suspend_reason) == (True, "Job 1 failed.")
    assert await daemon_fixture.state(after) is JobState.QUEUED
    await daemon_fixture.service.resume_work()
    await daemon_fixture.done(after)


async def test_a_hold_that_a_person_wanted_stays_when_a_job_is_retried(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("bad", faults={"chunk-0": ["fail"]})
    bad = await daemon_fixture.submit("bad")
    await daemon_fixture.until(bad)
    await daemon_fixture.settled(bad)
    await daemon_fixture.service.suspend("Resolve renders.", unload=False)
    await daemon_fixture.service.retry(bad.id)
    assert (await daemon_fixture.service.info()).suspend_reason == "Resolve renders."
    assert await daemon_fixture.state(bad) is JobState.QUEUED


async def test_a_worker_that_does_not_start_fails_one_job_and_not_the_whole_queue(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.runner._RESTART_SECONDS", 0.01)
    daemon_fixture.steering.write("worker", Script(faults={"start": ["exit"] * 3}))
    jobs = [await daemon_fixture.submit(name) for name in "abc"]
    failed = await daemon_fixture.until(jobs[0])
    await daemon_fixture.settled(jobs[0])
    assert failed.problem is not None and failed.problem["code"] == "worker_start"
    assert "something broke" in failed.problem["message"]
    assert [await daemon_fixture.state(job) for job in jobs[1:]] == [JobState.QUEUED] * 2
    assert "does not start" in (await daemon_fixture.service.info()).suspend_reason
    await daemon_fixture.service.retry(jobs[0].id)  # asks whether it starts by now, and lets the others go on, too
    assert not (await daemon_fixture.service.info()).suspended
    await daemon_fixture.done(*jobs)


async def test_a_worker_that_starts_at_the_second_try_costs_nothing(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.runner._RESTART_SECONDS", 0.01)
    daemon_fixture.steering.write("worker", Script(faults={"start": ["kill"]}))
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)


async def test_a_program_that_is_not_there_fails_the_job_with_the_reason(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.runner._RESTART_SECONDS", 0.01)
    daemon_fixture.monkeypatch.setattr("sys.executable", str(daemon_fixture.folder / "no-python"))
    job = await daemon_fixture.submit("a")
    failed = await daemon_fixture.until(job)
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert failed.problem["code"] == "worker_start"


async def test_an_idle_worker_that_dies_is_replaced_without_a_word(daemon_fixture: DaemonFixture) -> None:
    first = await daemon_fixture.submit("a")
    await daemon_fixture.done(first)
    worker = daemon_fixture.service._scheduler.workers[0]
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while worker.pid is not None or worker.warm():
            await asyncio.sleep(0.001)
    second = await daemon_fixture.submit("b")
    await daemon_fixture.done(second)
    assert "warning" not in await kinds(daemon_fixture, second)


async def test_a_media_child_that_dies_while_it_idles_is_replaced(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.done(await daemon_fixture.submit("a"))
    media = daemon_fixture.service._media._idle[-1][0]
    assert media is not None
    os.kill(media.pid, signal.SIGKILL)
    job = await daemon_fixture.submit("later", not_before=4e9)
    async with asyncio.timeout(20):
        while (await daemon_fixture.service.get(job.id)).frames_total != 6:
            await asyncio.sleep(0.001)


async def test_media_that_crash_their_reader_are_left_to_the_turn_of_the_job(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("odd", faults={"look": ["kill", "kill"]})
    job = await daemon_fixture.submit("odd", not_before=4e9)
    async with asyncio.timeout(20):
        while daemon_fixture.visits(job, "look") < 2:
            await asyncio.sleep(0.001)
    assert await daemon_fixture.state(job) is JobState.QUEUED
    await daemon_fixture.service.move(job.id, not_before=0)
    await daemon_fixture.done(job)


async def test_a_preview_whose_worker_is_lost_is_made_again(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("look", faults={"preview-2": ["kill"]})
    await daemon_fixture.open()
    preview = await daemon_fixture.preview("look")
    record = await daemon_fixture.until(preview)
    assert record.state is JobState.DONE, record.problem
    assert sorted(path.name for path in Path(record.output).iterdir()) == ["look-000002.png", "look-000003.png"]


async def test_the_log_names_job_and_chunk(daemon_fixture: DaemonFixture, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "answerprint")
    daemon_fixture.clip("a", faults={"chunk-1": ["kill"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    lost = [record for record in caplog.records if "child lost" in record.message]
    assert [(record.__dict__["job"], record.__dict__["chunk"]) for record in lost] == [(job.id, 1)]
    done = [record.__dict__["chunk"] for record in caplog.records if "done frames" in record.message]
    assert done == [0, 1, 2]
