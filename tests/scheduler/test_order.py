"""Whose turn it is."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import NewJob
from answerprint.scheduler import service
from answerprint.scheduler.outputs import Claim, Outputs
from fakes.steering import Script
from scheduler.house import House


async def started_order(house: House, jobs: list[JobRecord]) -> list[str]:
    """Labels in the order in which the jobs began."""
    records = [await house.service.get(job.id) for job in jobs]
    return [record.label for record in sorted(records, key=lambda record: record.started or 0)]


async def test_a_job_is_done_and_leaves_nothing_but_its_deliverable(house: House) -> None:
    job = await house.submit("a")
    await house.done(job)
    record = await house.service.get(job.id)
    assert (record.frames_done, record.frames_total, record.failures) == (6, 6, 0)
    assert record.result["flow_cache"] == {"hits": 3, "misses": 6}


async def test_the_larger_priority_goes_first_and_among_equals_the_earlier(house: House) -> None:
    await house.open(work=False)
    priorities = {"a": 0, "b": 5, "c": 0, "d": 5}
    jobs = [await house.submit(name, label=name, priority=priority) for name, priority in priorities.items()]
    house.service.start()
    await house.done(*jobs)
    assert await started_order(house, jobs) == ["b", "d", "a", "c"]


async def test_jobs_stand_as_they_were_asked_for_however_long_each_is_looked_at(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open(work=False)
    looked_at, seconds = service._check, iter((0.2, 0.0, 0.1, 0.0))

    def check(new: NewJob, outputs: Outputs) -> tuple[str, Claim]:
        time.sleep(next(seconds))
        return looked_at(new, outputs)

    monkeypatch.setattr(service, "_check", check)
    jobs = await asyncio.gather(*(house.submit(name) for name in "abcd"))
    assert [job.number for job in jobs] == sorted(job.number for job in jobs)


async def test_a_share_that_hangs_keeps_no_other_job_out_of_the_queue(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open(work=False)
    looked_at, answers = service._check, threading.Event()

    def check(new: NewJob, outputs: Outputs) -> tuple[str, Claim]:
        if new.label == "hangs":
            answers.wait(30)
        return looked_at(new, outputs)

    monkeypatch.setattr(service, "_check", check)
    hangs = asyncio.create_task(house.submit("a", label="hangs"))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        other = await house.submit("b")
    assert not hangs.done()
    answers.set()
    assert (await hangs).number > other.number


async def test_a_moved_job_takes_its_new_place(house: House) -> None:
    await house.open(work=False)
    jobs = [await house.submit(name, label=name) for name in "abc"]
    await house.service.move(jobs[2].id, place="first")
    await house.service.move(jobs[0].id, place="last")
    house.service.start()
    await house.done(*jobs)
    assert await started_order(house, jobs) == ["c", "b", "a"]


async def test_a_preview_goes_ahead_at_the_next_border_and_the_job_goes_on_after_it(house: House) -> None:
    house.clip("long", chunks=4, faults={"chunk-1": ["hold"]})
    long = await house.submit("long")
    await house.at(long, "chunk-1")
    preview = await house.preview("look")
    await house.wished(long)
    house.go(long, "chunk-1")
    await house.until(preview, JobState.DONE)
    assert (await house.service.get(long.id)).frames_done == 4, "it stopped at the border, not before and not later"
    await house.done(long)
    assert [house.visits(long, f"chunk-{chunk}") for chunk in range(4)] == [1, 1, 1, 1]


async def test_a_more_urgent_job_goes_ahead_at_the_next_border(house: House) -> None:
    house.clip("slow", chunks=3, faults={"chunk-0": ["hold"]})
    slow = await house.submit("slow")
    await house.at(slow, "chunk-0")
    equal = await house.submit("equal")
    urgent = await house.submit("urgent", priority=1)
    await house.wished(slow)
    house.go(slow, "chunk-0")
    await house.done(slow, equal, urgent)
    wanted = ["slow chunk-0-told", "urgent chunk-2-told", "slow chunk-1", "slow chunk-2-told", "equal chunk-0"]
    assert [step for step in house.steering.order if step in wanted] == wanted


async def test_a_wish_to_give_way_is_not_lost_while_the_worker_starts(house: House) -> None:
    house.steering.write("worker", Script(faults={"start": ["hold"]}))
    long = await house.submit("long")
    async with asyncio.timeout(20):
        while not house.steering.visits("worker", "start"):
            await asyncio.sleep(0.001)
    preview = await house.preview("look")
    house.steering.go("worker", "start")
    await house.until(preview, JobState.DONE)
    record = await house.service.get(long.id)
    assert record.frames_done <= 2
    await house.done(long)


async def test_a_raised_priority_of_the_running_job_counts(house: House) -> None:
    house.clip("slow", faults={"chunk-0": ["hold"], "chunk-1": ["hold"]})
    slow = await house.submit("slow")
    await house.at(slow, "chunk-0")
    await house.service.move(slow.id, priority=9)
    other = await house.submit("other", priority=5)
    house.go(slow, "chunk-0")
    await house.at(slow, "chunk-1")
    assert await house.state(slow) is JobState.RUNNING
    house.go(slow, "chunk-1")
    await house.done(slow, other)
    assert house.visits(slow, "probe") == 1, "its turn was never interrupted"


async def test_a_job_waits_for_its_time(house: House) -> None:
    await house.open()
    later = await house.submit("later", not_before=time.time() + 3600)
    other = await house.submit("other")
    await house.done(other)
    assert await house.state(later) is JobState.QUEUED
    house.clock = 3601.0
    house.service._scheduler.wake()
    await house.done(later)


async def test_a_job_begins_by_itself_when_its_time_has_come(house: House) -> None:
    job = await house.submit("soon", not_before=time.time() + 0.2)
    record = await house.until(job, JobState.DONE)
    assert record.not_before is not None and record.started is not None
    assert record.started >= record.not_before


async def test_two_devices_work_at_the_same_time(house: House) -> None:
    house.devices = "cpu,cuda:0"
    house.clip("gpu", faults={"chunk-1": ["hold"]})
    house.clip("cpu", faults={"chunk-1": ["hold"]})
    jobs = [await house.submit("gpu"), await house.submit("cpu", request={"device": "cpu"})]
    for job in jobs:
        await house.at(job, "chunk-1")
    for job in jobs:
        house.go(job, "chunk-1")
    await house.done(*jobs)
    assert {(await house.service.get(job.id)).facts["device"] for job in jobs} == {"cpu", "cuda:0"}


async def test_auto_and_the_device_it_turned_out_to_be_have_one_worker(house: House) -> None:
    for names in (["auto", "cpu", "auto"], ["cpu", "auto", "cpu"]):
        house.devices = "cpu"
        jobs = [await house.submit(f"{names[0]}{index}", request={"device": name}) for index, name in enumerate(names)]
        await house.done(*jobs)
        assert len(house.service._scheduler.workers) == 1
        await house.close()


async def test_eight_submits_at_once_are_eight_jobs(house: House) -> None:
    await house.open()
    records = await asyncio.gather(*(house.service.submit(house.new(f"c{index}")) for index in range(8)))
    assert sorted(record.number for record, _ in records) == list(range(1, 9))
    await house.done(*(record for record, _ in records))


async def test_the_same_submit_twice_is_one_job_also_after_a_restart(house: House) -> None:
    house.clip("a", faults={"chunk-1": ["hold"]})
    new = house.new("a")
    await house.open()
    results = await asyncio.gather(*(house.service.submit(new) for _ in range(5)))
    assert sum(created for _, created in results) == 1
    job = results[0][0]
    await house.at(job, "chunk-1")
    await house.restart()
    again, created = await house.service.submit(new)
    assert (again.id, created) == (job.id, False)
    house.go(job, "chunk-1")
    await house.done(job)
    assert (await house.service.submit(new))[1] is False, "though its output is there by now"
