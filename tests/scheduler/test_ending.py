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
from scheduler.house import House, kinds

MOMENTS = (
    *("probe", "understood", "load", "chunk-0", "chunk-0-segment", "chunk-0-receipt", "chunk-0-told", "chunk-1"),
    *("rendered", "mux", "mux-0", "mux-publish", "mux-published"),
)


async def test_a_daemon_that_ends_at_any_moment_goes_on_there_at_the_next_start(house: House) -> None:
    loop = asyncio.get_running_loop()
    for moment in MOMENTS:
        house.clip(moment, chunks=2, faults={moment: ["hold"]})
        job = await house.submit(moment)
        await house.at(job, moment)
        began = loop.time()
        await house.close()
        assert loop.time() - began < house.config.stop_seconds, moment
        await house.open(work=False)
        assert await house.state(job) is JobState.QUEUED, moment
        house.go(job, moment)
        house.service.start()
        await house.done(job)
        if moment in ("chunk-0-receipt", "chunk-0-told", "chunk-1", "rendered") or moment.startswith("mux"):
            assert house.visits(job, "chunk-0") == 1, f"{moment}: a finished chunk was made again"
        assert (await house.service.get(job.id)).failures == 0


async def test_a_child_that_does_not_end_is_ended(house: House) -> None:
    house.set(stop_seconds=1.0)
    house.clip("deaf", faults={"chunk-1": ["hold"]})
    job = await house.submit("deaf")
    await house.at(job, "chunk-1")
    pid = house.service._scheduler.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await house.restart()
    assert loop.time() - began < 4.0
    await house.done(job)


async def test_an_end_while_a_worker_starts_leaves_no_process(house: House) -> None:
    house.steering.write("worker", Script(faults={"start": ["hang"]}))
    job = await house.submit("a")
    async with asyncio.timeout(20):
        while not house.steering.visits("worker", "start"):
            await asyncio.sleep(0.001)
    await house.close()
    await house.open()
    await house.done(job)
    assert "warning" not in await kinds(house, job)


async def test_an_end_right_after_a_submit_leaves_no_process(house: House) -> None:
    for index in range(10):
        job = await house.submit(f"a{index}")
        for _ in range(index * 3):
            await asyncio.sleep(0)
        await house.close()
    await house.open()
    for record in (await house.service.list([], 100, "")).jobs:
        await house.done(record)
    assert await house.state(job) is JobState.DONE


async def test_after_the_end_every_call_is_told_so(house: House) -> None:
    service = await house.open()
    await house.close()
    with pytest.raises(NoDaemonError, match="ending"):
        await service.list([], 10, "")


async def test_a_suspended_daemon_begins_no_chunk_and_goes_on_when_it_may(house: House) -> None:
    house.clip("a", faults={"chunk-1": ["hold"]})
    job = await house.submit("a")
    await house.at(job, "chunk-1")
    await house.service.suspend("Resolve renders.", unload=False)
    house.go(job, "chunk-1")
    await house.until(job, JobState.QUEUED)
    await house.settled(job)
    other = await house.submit("b")
    info = await house.service.info()
    assert (info.suspended, info.suspend_reason) == (True, "Resolve renders.")
    assert (await house.service.get(job.id)).frames_done == 4
    assert await house.state(other) is JobState.QUEUED
    assert [model.model for model in info.warm_models] == [DEFAULT_MODELS["standard"]]
    await house.service.resume_work()
    await house.done(job, other)


async def test_a_held_queue_is_held_after_a_restart_until_it_may_go_on(house: House) -> None:
    await house.open()
    await house.service.suspend("Resolve renders.", unload=False)
    await house.restart()
    job = await house.submit("a")
    info = await house.service.info()
    assert (info.suspended, info.suspend_reason) == (True, "Resolve renders.")
    assert await house.state(job) is JobState.QUEUED
    await house.service.resume_work()
    await house.restart()
    assert not (await house.service.info()).suspended
    await house.done(job)


async def test_a_suspension_frees_the_models_if_asked(house: House) -> None:
    await house.done(await house.submit("a"))
    assert (await house.service.info()).warm_models
    await house.service.suspend("Resolve renders.", unload=True)
    async with asyncio.timeout(20):
        while (await house.service.info()).warm_models:
            await asyncio.sleep(0.001)
    await house.service.resume_work()
    await house.done(await house.submit("b"))


async def test_a_suspension_while_a_turn_begins_is_not_lost(house: House) -> None:
    await house.open()
    for index in range(12):
        job = await house.submit(f"a{index}")
        for _ in range(index * 2):
            await asyncio.sleep(0)
        await house.service.suspend("now", unload=False)
        await house.settled(job)
        async with asyncio.timeout(20):
            while house.service._scheduler._turns:
                await asyncio.sleep(0.001)
        done = (await house.service.get(job.id)).frames_done
        assert done <= 2
        await house.service.resume_work()
        await house.done(job)


async def test_the_second_job_finds_its_model_warm_in_the_same_process(house: House) -> None:
    await house.done(await house.submit("a"))
    pid = house.service._scheduler.workers[0].pid
    await house.done(await house.submit("b"))
    assert house.service._scheduler.workers[0].pid == pid is not None
    warm = (await house.service.info()).warm_models[0]
    assert (warm.model, warm.device, warm.bytes) == (DEFAULT_MODELS["standard"], "cpu", 1 << 20)
    assert 0 < warm.remaining_seconds <= 300


async def test_a_model_is_loaded_and_freed_on_request(house: House) -> None:
    await house.open()
    warm = await house.service.load_model("tiny-x4", "", -1.0)
    assert (warm.remaining_seconds, warm.device) == (-1.0, "cpu")
    assert await house.service.unload_models("") == 1
    async with asyncio.timeout(20):
        while (await house.service.info()).warm_models:
            await asyncio.sleep(0.001)
    for model, device in (("no-such", ""), ("tiny-x4", "gpu")):
        with pytest.raises(InputError):
            await house.service.load_model(model, device, None)


async def test_a_model_that_cannot_be_loaded_is_an_answer_and_no_loss(house: House) -> None:
    house.steering.write("worker", Script(faults={"load": ["fail"]}))
    await house.open()
    with pytest.raises(RemoteError, match="did not work"):
        await house.service.load_model("tiny-x4", "", None)
    assert (await house.service.load_model("tiny-x4", "", None)).model == "tiny-x4"
    await house.done(await house.submit("a"))


async def test_no_model_is_loaded_beside_a_job(house: House) -> None:
    house.clip("a", faults={"chunk-1": ["hold"]})
    job = await house.submit("a")
    await house.at(job, "chunk-1")
    with pytest.raises(BusyError):
        await house.service.load_model("tiny-x4", "", None)
    house.go(job, "chunk-1")
    await house.done(job)


async def test_a_worker_without_work_and_model_gives_its_memory_back(house: House) -> None:
    house.set(idle_worker_seconds=0.2, keep_alive_seconds=0.0)
    await house.done(await house.submit("a"))
    worker = house.service._scheduler.workers[0]
    async with asyncio.timeout(20):
        while worker.pid is not None or house.service._media._children:
            await asyncio.sleep(0.001)
    await house.done(await house.submit("b"))


async def test_a_worker_with_a_warm_model_stays(house: House) -> None:
    house.set(idle_worker_seconds=0.05, keep_alive_seconds=-1.0)
    await house.done(await house.submit("a"))
    worker = house.service._scheduler.workers[0]
    pid = worker.pid
    async with asyncio.timeout(20):
        while house.service._media._children:
            await asyncio.sleep(0.001)
    await worker.end_if_idle()
    assert worker.pid == pid is not None


async def test_work_that_comes_while_an_idle_worker_ends_is_done(house: House) -> None:
    house.set(idle_worker_seconds=0.05, keep_alive_seconds=0.0)
    for index in range(8):
        await house.done(await house.submit(f"a{index}"))
        for _ in range(index * 40):
            await asyncio.sleep(0.001)


async def test_old_jobs_are_forgotten_by_age_and_number(house: House) -> None:
    house.set(history_jobs=2)
    jobs = [await house.submit(name) for name in "abcd"]
    await house.done(*jobs[2:])
    await house.done(*jobs)
    house.monkeypatch.setattr("answerprint.scheduler.maintenance._FIRST_PRUNE_SECONDS", 0.0)
    await house.restart()
    async with asyncio.timeout(20):
        while (await house.service.list([], 10, "")).total != 2:
            await asyncio.sleep(0.001)
    left = [job.label for job in (await house.service.list([], 10, "")).jobs]
    assert len(left) == 2
    assert all(Path(job.output).exists() for job in jobs), "what was delivered is the user's"


async def test_a_clock_that_was_wrong_while_jobs_ended_forgets_none(house: House) -> None:
    """A machine without a clock battery boots in 2000, works, and gets the time from the network."""
    house.set(history_jobs=2)
    house.clock = -26 * 365 * 86400.0
    house.clip("failed", faults={"chunk-2": ["fail"]})
    for name in ("oldest", "done"):
        await house.done(await house.submit(name))
    failed = await house.until(await house.submit("failed"))
    house.clock = 0.0
    house.monkeypatch.setattr("answerprint.scheduler.maintenance._FIRST_PRUNE_SECONDS", 0.0)
    await house.restart()
    async with asyncio.timeout(20):
        while (await house.service.list([], 10, "")).total == 3:
            await asyncio.sleep(0.001)
    assert {job.label for job in (await house.service.list([], 10, "")).jobs} == {"done.mov", "failed.mov"}
    assert len(list(house.scratch(failed).glob("chunk-*.mkv"))) == 2
    await house.service.retry(failed.id)
    await house.done(failed)
    assert house.visits(failed, "chunk-0") == 1, "what was finished was kept"


async def test_what_takes_long_to_count_does_not_hold_up_an_answer(house: House) -> None:
    release = threading.Event()

    def count(folder: Path) -> int:
        release.wait(20)
        return 7

    await house.open()
    house.monkeypatch.setattr("answerprint.scheduler.info._used_bytes", count)
    house.monkeypatch.setattr("answerprint.scheduler.info._COUNT_SECONDS", 0.01)
    assert [disk.used_bytes for disk in (await house.service.info()).disks] == [0, 0, 0]
    release.set()
    house.monkeypatch.setattr("answerprint.scheduler.info._COUNT_SECONDS", 20.0)
    assert [disk.used_bytes for disk in (await house.service.info()).disks] == [7, 7, 7]
