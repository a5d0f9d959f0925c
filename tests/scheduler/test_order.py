"""Whose turn it is."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from dataclasses import replace

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import BusyError, NewJob
from answerprint.errors import InputError
from answerprint.scheduler import submissions, submit_order
from answerprint.scheduler.outputs import Claim, Outputs
from fakes.steering import Script
from scheduler.daemon_fixture import DaemonFixture


async def started_order(daemon_fixture: DaemonFixture, jobs: list[JobRecord]) -> list[str]:
    """Labels in the order in which the jobs began."""
    records = [await daemon_fixture.service.get(job.id) for job in jobs]
    return [record.label for record in sorted(records, key=lambda record: record.started or 0)]


async def test_a_job_is_done_and_leaves_nothing_but_its_deliverable(daemon_fixture: DaemonFixture) -> None:
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    record = await daemon_fixture.service.get(job.id)
    assert (record.frames_done, record.frames_total, record.failures) == (6, 6, 0)
    assert record.result["flow_cache"] == {"hits": 3, "misses": 6}


async def test_the_larger_priority_goes_first_and_among_equals_the_earlier(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open(work=False)
    priorities = {"a": 0, "b": 5, "c": 0, "d": 5}
    jobs = [await daemon_fixture.submit(name, label=name, priority=priority) for name, priority in priorities.items()]
    daemon_fixture.service.start()
    await daemon_fixture.done(*jobs)
    assert await started_order(daemon_fixture, jobs) == ["b", "d", "a", "c"]


async def test_jobs_stand_as_they_were_asked_for_however_long_each_is_looked_at(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await daemon_fixture.open(work=False)
    looked_at, seconds = submissions._check, iter((0.2, 0.0, 0.1, 0.0))

    def check(new: NewJob, outputs: Outputs) -> tuple[str, Claim]:
        time.sleep(next(seconds))
        return looked_at(new, outputs)

    monkeypatch.setattr(submissions, "_check", check)
    jobs = await asyncio.gather(*(daemon_fixture.submit(name) for name in "abcd"))
    assert [job.number for job in jobs] == sorted(job.number for job in jobs)


async def test_a_job_that_arrives_before_the_one_it_follows_is_queued_after_it(daemon_fixture: DaemonFixture) -> None:
    service = await daemon_fixture.open(work=False)
    first, second, third = (str(uuid.uuid4()) for _ in range(3))
    later = [
        asyncio.create_task(service.submit(daemon_fixture.new(name, job=job, after=after)))
        for name, job, after in (("c", third, second), ("b", second, first))
    ]
    for _ in range(20):
        await service.info()
    assert (await service.info()).jobs.get("queued", 0) == 0
    await service.submit(daemon_fixture.new("a", job=first))
    await asyncio.gather(*later)
    assert [(await service.get(job)).number for job in (first, second, third)] == [1, 2, 3]


async def test_a_job_whose_predecessor_is_refused_is_queued(daemon_fixture: DaemonFixture) -> None:
    service = await daemon_fixture.open(work=False)
    refused = daemon_fixture.new("a", request={"model": "absent-x9"})
    with pytest.raises(InputError):
        await service.submit(refused)
    assert (await service.submit(daemon_fixture.new("b", after=refused.id)))[1]


async def test_a_job_whose_predecessor_does_not_arrive_is_refused_and_so_is_the_next(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit_order, "_SECONDS", 0.05)
    service = await daemon_fixture.open(work=False)
    second = daemon_fixture.new("b", after=str(uuid.uuid4()))
    third = daemon_fixture.new("c", after=second.id)
    refusals = await asyncio.gather(service.submit(second), service.submit(third), return_exceptions=True)
    assert [type(each) for each in refusals] == [BusyError, BusyError]
    assert (await service.submit(replace(second, after="")))[1]
    assert (await service.submit(third))[1]


async def test_a_share_that_hangs_keeps_no_other_job_out_of_the_queue(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await daemon_fixture.open(work=False)
    looked_at, answers = submissions._check, threading.Event()

    def check(new: NewJob, outputs: Outputs) -> tuple[str, Claim]:
        if new.label == "hangs":
            answers.wait(30)
        return looked_at(new, outputs)

    monkeypatch.setattr(submissions, "_check", check)
    hangs = asyncio.create_task(daemon_fixture.submit("a", label="hangs"))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        other = await daemon_fixture.submit("b")
    assert not hangs.done()
    answers.set()
    assert (await hangs).number > other.number


async def test_a_moved_job_takes_its_new_place(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open(work=False)
    jobs = [await daemon_fixture.submit(name, label=name) for name in "abc"]
    await daemon_fixture.service.move(jobs[2].id, place="first")
    await daemon_fixture.service.move(jobs[0].id, place="last")
    daemon_fixture.service.start()
    await daemon_fixture.done(*jobs)
    assert await started_order(daemon_fixture, jobs) == ["c", "b", "a"]


async def test_a_preview_goes_ahead_at_the_next_border_and_the_job_goes_on_after_it(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("long", chunks=4, faults={"chunk-1": ["hold"]})
    long = await daemon_fixture.submit("long")
    await daemon_fixture.at(long, "chunk-1")
    preview = await daemon_fixture.preview("look")
    await daemon_fixture.wished(long)
    daemon_fixture.go(long, "chunk-1")
    await daemon_fixture.until(preview, JobState.DONE)
    assert (await daemon_fixture.service.get(long.id)).frames_done == 4, (
        "it stopped at the border, not before and not later"
    )
    await daemon_fixture.done(long)
    assert [daemon_fixture.visits(long, f"chunk-{chunk}") for chunk in range(4)] == [1, 1, 1, 1]


async def test_a_more_urgent_job_goes_ahead_at_the_next_border(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("slow", chunks=3, faults={"chunk-0": ["hold"]})
    slow = await daemon_fixture.submit("slow")
    await daemon_fixture.at(slow, "chunk-0")
    equal = await daemon_fixture.submit("equal")
    urgent = await daemon_fixture.submit("urgent", priority=1)
    await daemon_fixture.wished(slow)
    daemon_fixture.go(slow, "chunk-0")
    await daemon_fixture.done(slow, equal, urgent)
    wanted = ["slow chunk-0-told", "urgent chunk-2-told", "slow chunk-1", "slow chunk-2-told", "equal chunk-0"]
    assert [step for step in daemon_fixture.steering.order if step in wanted] == wanted


async def test_a_wish_to_give_way_is_not_lost_while_the_worker_starts(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.steering.write("worker", Script(faults={"start": ["hold"]}))
    long = await daemon_fixture.submit("long")
    async with asyncio.timeout(20):
        while not daemon_fixture.steering.visits("worker", "start"):
            await asyncio.sleep(0.001)
    preview = await daemon_fixture.preview("look")
    daemon_fixture.steering.go("worker", "start")
    await daemon_fixture.until(preview, JobState.DONE)
    record = await daemon_fixture.service.get(long.id)
    assert record.frames_done <= 2
    await daemon_fixture.done(long)


async def test_a_raised_priority_of_the_running_job_counts(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("slow", faults={"chunk-0": ["hold"], "chunk-1": ["hold"]})
    slow = await daemon_fixture.submit("slow")
    await daemon_fixture.at(slow, "chunk-0")
    await daemon_fixture.service.move(slow.id, priority=9)
    other = await daemon_fixture.submit("other", priority=5)
    daemon_fixture.go(slow, "chunk-0")
    await daemon_fixture.at(slow, "chunk-1")
    assert await daemon_fixture.state(slow) is JobState.RUNNING
    daemon_fixture.go(slow, "chunk-1")
    await daemon_fixture.done(slow, other)
    assert daemon_fixture.visits(slow, "probe") == 1, "its turn was never interrupted"


async def test_a_job_waits_for_its_time(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open()
    later = await daemon_fixture.submit("later", not_before=time.time() + 3600)
    other = await daemon_fixture.submit("other")
    await daemon_fixture.done(other)
    assert await daemon_fixture.state(later) is JobState.QUEUED
    daemon_fixture.clock = 3601.0
    daemon_fixture.service._scheduler.wake()
    await daemon_fixture.done(later)


async def test_a_job_begins_by_itself_when_its_time_has_come(daemon_fixture: DaemonFixture) -> None:
    job = await daemon_fixture.submit("soon", not_before=time.time() + 0.2)
    record = await daemon_fixture.until(job, JobState.DONE)
    assert record.not_before is not None and record.started is not None
    assert record.started >= record.not_before


async def test_two_devices_work_at_the_same_time(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.devices = "cpu,cuda:0"
    daemon_fixture.clip("gpu", faults={"chunk-1": ["hold"]})
    daemon_fixture.clip("cpu", faults={"chunk-1": ["hold"]})
    jobs = [await daemon_fixture.submit("gpu"), await daemon_fixture.submit("cpu", request={"device": "cpu"})]
    for job in jobs:
        await daemon_fixture.at(job, "chunk-1")
    for job in jobs:
        daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(*jobs)
    assert {(await daemon_fixture.service.get(job.id)).facts["device"] for job in jobs} == {"cpu", "cuda:0"}


async def test_auto_and_the_device_it_turned_out_to_be_have_one_worker(daemon_fixture: DaemonFixture) -> None:
    for names in (["auto", "cpu", "auto"], ["cpu", "auto", "cpu"]):
        daemon_fixture.devices = "cpu"
        jobs = [
            await daemon_fixture.submit(f"{names[0]}{index}", request={"device": name})
            for index, name in enumerate(names)
        ]
        await daemon_fixture.done(*jobs)
        assert len(daemon_fixture.service._scheduler.workers) == 1
        await daemon_fixture.close()


async def test_eight_submits_at_once_are_eight_jobs(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open()
    records = await asyncio.gather(
        *(daemon_fixture.service.submit(daemon_fixture.new(f"c{index}")) for index in range(8))
    )
    assert sorted(record.number for record, _ in records) == list(range(1, 9))
    await daemon_fixture.done(*(record for record, _ in records))


async def test_the_same_submit_twice_is_one_job_also_after_a_restart(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    new = daemon_fixture.new("a")
    await daemon_fixture.open()
    results = await asyncio.gather(*(daemon_fixture.service.submit(new) for _ in range(5)))
    assert sum(created for _, created in results) == 1
    job = results[0][0]
    await daemon_fixture.at(job, "chunk-1")
    await daemon_fixture.restart()
    again, created = await daemon_fixture.service.submit(new)
    assert (again.id, created) == (job.id, False)
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(job)
    assert (await daemon_fixture.service.submit(new))[1] is False, "though its output is there by now"
