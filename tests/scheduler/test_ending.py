"""The daemon ends, begins again, waits, and gives back what it does not need."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.api.request import DEFAULT_MODELS
from answerprint.api.types import BusyError
from answerprint.errors import InputError, NoDaemonError, RemoteError
from fakes.steering import Script
from scheduler.daemon_fixture import DaemonFixture, kinds

MOMENTS = (
    *("probe", "understood", "load", "chunk-0", "chunk-0-segment", "chunk-0-receipt", "chunk-0-told", "chunk-1"),
    *("rendered", "mux", "mux-0", "mux-publish", "mux-published"),
)


async def test_a_daemon_that_ends_at_any_moment_goes_on_there_at_the_next_start(daemon_fixture: DaemonFixture) -> None:
    loop = asyncio.get_running_loop()
    for moment in MOMENTS:
        daemon_fixture.clip(moment, chunks=2, faults={moment: ["hold"]})
        job = await daemon_fixture.submit(moment)
        await daemon_fixture.at(job, moment)
        began = loop.time()
        await daemon_fixture.close()
        assert loop.time() - began < daemon_fixture.config.stop_seconds, moment
        await daemon_fixture.open(work=False)
        assert await daemon_fixture.state(job) is JobState.QUEUED, moment
        daemon_fixture.go(job, moment)
        daemon_fixture.service.start()
        await daemon_fixture.done(job)
        if moment in ("chunk-0-receipt", "chunk-0-told", "chunk-1", "rendered") or moment.startswith("mux"):
            assert daemon_fixture.visits(job, "chunk-0") == 1, f"{moment}: a finished chunk was made again"
        assert (await daemon_fixture.service.get(job.id)).failures == 0


async def test_a_child_that_does_not_end_is_ended(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(stop_seconds=1.0)
    daemon_fixture.clip("deaf", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("deaf")
    await daemon_fixture.at(job, "chunk-1")
    pid = daemon_fixture.service._scheduler.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await daemon_fixture.restart()
    assert loop.time() - began < 4.0
    await daemon_fixture.done(job)


async def test_an_end_while_a_worker_starts_leaves_no_process(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.steering.write("worker", Script(faults={"start": ["hang"]}))
    job = await daemon_fixture.submit("a")
    async with asyncio.timeout(20):
        while not daemon_fixture.steering.visits("worker", "start"):
            await asyncio.sleep(0.001)
    await daemon_fixture.close()
    await daemon_fixture.open()
    await daemon_fixture.done(job)
    assert "warning" not in await kinds(daemon_fixture, job)


async def test_an_end_right_after_a_submit_leaves_no_process(daemon_fixture: DaemonFixture) -> None:
    for index in range(10):
        job = await daemon_fixture.submit(f"a{index}")
        for _ in range(index * 3):
            await asyncio.sleep(0)
        await daemon_fixture.close()
    await daemon_fixture.open()
    for record in (await daemon_fixture.service.list([], 100, "")).jobs:
        await daemon_fixture.done(record)
    assert await daemon_fixture.state(job) is JobState.DONE


async def test_after_the_end_every_call_is_told_so(daemon_fixture: DaemonFixture) -> None:
    service = await daemon_fixture.open()
    await daemon_fixture.close()
    with pytest.raises(NoDaemonError, match="stopping"):
        await service.list([], 10, "")


async def test_a_suspended_daemon_begins_no_chunk_and_goes_on_when_it_may(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    await daemon_fixture.service.suspend("Resolve renders.", unload=False)
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.until(job, JobState.QUEUED)
    await daemon_fixture.settled(job)
    other = await daemon_fixture.submit("b")
    info = await daemon_fixture.service.info()
    assert (info.suspended, info.suspend_reason) == (True, "Resolve renders.")
    assert (await daemon_fixture.service.get(job.id)).frames_done == 4
    assert await daemon_fixture.state(other) is JobState.QUEUED
    assert [model.model for model in info.warm_models] == [DEFAULT_MODELS["standard"]]
    await daemon_fixture.service.resume_work()
    await daemon_fixture.done(job, other)


async def test_a_held_queue_is_held_after_a_restart_until_it_may_go_on(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open()
    await daemon_fixture.service.suspend("Resolve renders.", unload=False)
    await daemon_fixture.restart()
    job = await daemon_fixture.submit("a")
    info = await daemon_fixture.service.info()
    assert (info.suspended, info.suspend_reason) == (True, "Resolve renders.")
    assert await daemon_fixture.state(job) is JobState.QUEUED
    await daemon_fixture.service.resume_work()
    await daemon_fixture.restart()
    assert not (await daemon_fixture.service.info()).suspended
    await daemon_fixture.done(job)


async def test_a_suspension_frees_the_models_if_asked(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.done(await daemon_fixture.submit("a"))
    assert (await daemon_fixture.service.info()).warm_models
    await daemon_fixture.service.suspend("Resolve renders.", unload=True)
    async with asyncio.timeout(20):
        while (await daemon_fixture.service.info()).warm_models:
            await asyncio.sleep(0.001)
    await daemon_fixture.service.resume_work()
    await daemon_fixture.done(await daemon_fixture.submit("b"))


async def test_a_suspension_while_a_turn_begins_is_not_lost(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open()
    for index in range(12):
        job = await daemon_fixture.submit(f"a{index}")
        for _ in range(index * 2):
            await asyncio.sleep(0)
        await daemon_fixture.service.suspend("now", unload=False)
        await daemon_fixture.settled(job)
        async with asyncio.timeout(20):
            while daemon_fixture.service._scheduler._turns:
                await asyncio.sleep(0.001)
        done = (await daemon_fixture.service.get(job.id)).frames_done
        assert done <= 2
        await daemon_fixture.service.resume_work()
        await daemon_fixture.done(job)


async def test_the_second_job_finds_its_model_warm_in_the_same_process(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.done(await daemon_fixture.submit("a"))
    pid = daemon_fixture.service._scheduler.workers[0].pid
    await daemon_fixture.done(await daemon_fixture.submit("b"))
    assert daemon_fixture.service._scheduler.workers[0].pid == pid is not None
    warm = (await daemon_fixture.service.info()).warm_models[0]
    assert (warm.model, warm.device, warm.bytes) == (DEFAULT_MODELS["standard"], "cpu", 1 << 20)
    assert 0 < warm.remaining_seconds <= 300


async def test_a_model_is_loaded_and_freed_on_request(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open()
    warm = await daemon_fixture.service.load_model("tiny-x4", "", -1.0)
    assert (warm.remaining_seconds, warm.device) == (-1.0, "cpu")
    assert await daemon_fixture.service.unload_models("") == 1
    async with asyncio.timeout(20):
        while (await daemon_fixture.service.info()).warm_models:
            await asyncio.sleep(0.001)
    for model, device in (("no-such", ""), ("tiny-x4", "gpu")):
        with pytest.raises(InputError):
            await daemon_fixture.service.load_model(model, device, None)


async def test_a_model_that_cannot_be_loaded_is_an_answer_and_no_loss(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.steering.write("worker", Script(faults={"load": ["fail"]}))
    await daemon_fixture.open()
    with pytest.raises(RemoteError, match="did not work"):
        await daemon_fixture.service.load_model("tiny-x4", "", None)
    assert (await daemon_fixture.service.load_model("tiny-x4", "", None)).model == "tiny-x4"
    await daemon_fixture.done(await daemon_fixture.submit("a"))


async def test_no_model_is_loaded_beside_a_job(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    with pytest.raises(BusyError):
        await daemon_fixture.service.load_model("tiny-x4", "", None)
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(job)


async def test_a_worker_without_work_and_model_gives_its_memory_back(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(idle_worker_seconds=0.2, keep_alive_seconds=0.0)
    await daemon_fixture.done(await daemon_fixture.submit("a"))
    worker = daemon_fixture.service._scheduler.workers[0]
    async with asyncio.timeout(20):
        while worker.pid is not None or daemon_fixture.service._media._children:
            await asyncio.sleep(0.001)
    await daemon_fixture.done(await daemon_fixture.submit("b"))


async def test_a_worker_with_a_warm_model_stays(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(idle_worker_seconds=0.05, keep_alive_seconds=-1.0)
    await daemon_fixture.done(await daemon_fixture.submit("a"))
    worker = daemon_fixture.service._scheduler.workers[0]
    pid = worker.pid
    async with asyncio.timeout(20):
        while daemon_fixture.service._media._children:
            await asyncio.sleep(0.001)
    await worker.end_if_idle()
    assert worker.pid == pid is not None


async def test_work_that_comes_while_an_idle_worker_ends_is_done(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(idle_worker_seconds=0.05, keep_alive_seconds=0.0)
    for index in range(8):
        await daemon_fixture.done(await daemon_fixture.submit(f"a{index}"))
        for _ in range(index * 40):
            await asyncio.sleep(0.001)


async def test_old_jobs_are_forgotten_by_age_and_number(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.set(history_jobs=2)
    jobs = [await daemon_fixture.submit(name) for name in "abcd"]
    await daemon_fixture.done(*jobs[2:])
    await daemon_fixture.done(*jobs)
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.maintenance._FIRST_PRUNE_SECONDS", 0.0)
    await daemon_fixture.restart()
    async with asyncio.timeout(20):
        while (await daemon_fixture.service.list([], 10, "")).total != 2:
            await asyncio.sleep(0.001)
    left = [job.label for job in (await daemon_fixture.service.list([], 10, "")).jobs]
    assert len(left) == 2
    assert all(Path(job.output).exists() for job in jobs), "what was delivered is the user's"


async def test_a_clock_that_was_wrong_while_jobs_ended_forgets_none(daemon_fixture: DaemonFixture) -> None:
    """A machine without a clock battery boots in 2000, works, and gets the time from the network."""
    daemon_fixture.set(history_jobs=2)
    daemon_fixture.clock = -26 * 365 * 86400.0
    daemon_fixture.clip("failed", faults={"chunk-2": ["fail"]})
    for name in ("oldest", "done"):
        await daemon_fixture.done(await daemon_fixture.submit(name))
    failed = await daemon_fixture.until(await daemon_fixture.submit("failed"))
    daemon_fixture.clock = 0.0
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.maintenance._FIRST_PRUNE_SECONDS", 0.0)
    await daemon_fixture.restart()
    async with asyncio.timeout(20):
        while (await daemon_fixture.service.list([], 10, "")).total == 3:
            await asyncio.sleep(0.001)
    assert {job.label for job in (await daemon_fixture.service.list([], 10, "")).jobs} == {"done.mov", "failed.mov"}
    assert len(list(daemon_fixture.scratch(failed).glob("chunk-*.nut"))) == 2
    await daemon_fixture.service.retry(failed.id)
    await daemon_fixture.done(failed)
    assert daemon_fixture.visits(failed, "chunk-0") == 1, "what was finished was kept"


async def test_what_takes_long_to_count_does_not_hold_up_an_answer(daemon_fixture: DaemonFixture) -> None:
    release = threading.Event()

    def count(folder: Path) -> int:
        release.wait(20)
        return 7

    await daemon_fixture.open()
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.info._used_bytes", count)
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.info._COUNT_SECONDS", 0.01)
    assert [disk.used_bytes for disk in (await daemon_fixture.service.info()).disks] == [0, 0, 0]
    release.set()
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.info._COUNT_SECONDS", 20.0)
    assert [disk.used_bytes for disk in (await daemon_fixture.service.info()).disks] == [7, 7, 7]
