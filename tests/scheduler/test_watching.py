"""Watchers hear everything once and in order, and slow nobody down."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from answerprint.api.job import JobEvent, JobRecord, JobState
from answerprint.api.types import BusyError
from answerprint.errors import NoDaemonError
from answerprint.scheduler.event_hub import MOST_BEHIND, EventHub
from scheduler.daemon_fixture import DaemonFixture

LIVE = ("stage", "progress")


async def watch(daemon_fixture: DaemonFixture, job: JobRecord, after: int = 0) -> list[JobEvent]:
    """All that a watcher hears to the end of a job."""
    async with aclosing(daemon_fixture.happenings(job, after)) as happenings:
        return [happening async for happening in happenings]


def _has_done(frames: int, event: dict[str, Any]) -> bool:
    return bool(event.get("frames_done", frames) >= frames)


def kept(heard: list[JobEvent]) -> list[JobEvent]:
    return [happening for happening in heard if happening.event["event"] not in LIVE]


async def test_whoever_watches_from_whenever_hears_the_same_history_without_gap_or_repetition(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("a", chunks=30, steps=20)
    job = await daemon_fixture.submit("a")
    watchers = []
    for turn in range(20):
        watchers.append(asyncio.create_task(watch(daemon_fixture, job)))
        await daemon_fixture.event(job, partial(_has_done, turn * 2))
    await daemon_fixture.done(job)
    heard = [kept(await task) for task in watchers] + [kept(await watch(daemon_fixture, job))]
    last = (await daemon_fixture.service.get(job.id)).last_sequence
    for each in heard:
        assert [happening.sequence for happening in each] == list(range(1, last + 1))
        assert [happening.event for happening in each] == [happening.event for happening in heard[-1]]


async def test_a_watch_goes_on_from_any_number(daemon_fixture: DaemonFixture) -> None:
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    all_of_it = kept(await watch(daemon_fixture, job))
    for after in range(len(all_of_it) + 1):
        assert kept(await watch(daemon_fixture, job, after)) == all_of_it[after:]


async def test_progress_and_stages_are_heard_while_they_happen_and_can_be_left_out(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("a", steps=5)
    job = await daemon_fixture.submit("a")
    loud = asyncio.create_task(watch(daemon_fixture, job))
    async with aclosing(daemon_fixture.service.watch(job.id, 0, progress=False)) as quiet:
        heard = [happening async for happening in quiet]
    assert not [happening for happening in heard if happening.event["event"] in LIVE]
    stages = {happening.event["stage"] for happening in await loud if happening.event["event"] == "stage"}
    assert {"probe", "load", "mux"} <= stages


async def test_who_comes_late_hears_at_once_where_the_job_stands(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1-denoise": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1-denoise")
    await daemon_fixture.event(job, lambda event: event["event"] == "progress" and event["chunk"] == 1)
    progress = daemon_fixture.service.progress(job.id)
    assert progress is not None and progress["frames_done"] == 2
    daemon_fixture.go(job, "chunk-1-denoise")
    await daemon_fixture.done(job)
    assert daemon_fixture.service.progress(job.id) is None


async def test_an_event_of_a_chunk_names_its_segment(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    chunk = (await daemon_fixture.event(job, lambda event: event["event"] == "chunk")).event
    assert chunk["segment"] == str(daemon_fixture.scratch(job) / "chunk-000000.nut")
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(job)


async def test_a_watch_ends_with_its_job_and_follows_a_retried_one(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["fail"]})
    job = await daemon_fixture.submit("a")
    first = kept(await watch(daemon_fixture, job))
    assert first[-1].event["state"] == "failed"
    await daemon_fixture.service.retry(job.id)
    second = kept(await watch(daemon_fixture, job, first[-1].sequence))
    assert second[0].sequence == first[-1].sequence + 1
    assert second[-1].event["event"] == "done"


async def test_a_stalled_watcher_is_cut_off_at_a_thousand_and_can_come_back(daemon_fixture: DaemonFixture) -> None:
    job = await daemon_fixture.submit("a", not_before=4e9)
    async with aclosing(daemon_fixture.service.watch(job.id, 0)) as stalled:
        assert (await anext(stalled)).sequence == 1
        waiting = asyncio.ensure_future(anext(stalled))
        await asyncio.sleep(0)
        for number in range(MOST_BEHIND + 10):
            await daemon_fixture.service._tracker.append(job.id, {"event": "warning", "message": str(number)})
            if number == 0:
                assert (await waiting).sequence == 2
        heard = []
        with pytest.raises(BusyError, match="too far behind"):
            async for happening in stalled:
                heard.append(happening.sequence)
    assert heard == list(range(3, 3 + MOST_BEHIND))
    async with aclosing(daemon_fixture.service.watch(job.id, heard[-1])) as again:
        assert (await anext(again)).sequence == heard[-1] + 1


async def test_stalled_watchers_do_not_slow_a_job(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", chunks=20, steps=50)
    job = await daemon_fixture.submit("a", not_before=4e9)
    stalled = [daemon_fixture.service.watch(job.id, 0) for _ in range(100)]
    for each in stalled:
        await anext(each)
    await daemon_fixture.service.move(job.id, not_before=0)
    await daemon_fixture.done(job)
    for each in stalled:
        await each.aclose()
    assert daemon_fixture.service._hub.watchers == 0


async def test_a_hundred_watchers_do_not_keep_a_cancel_waiting(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", chunks=200, steps=20)
    job = await daemon_fixture.submit("a")
    watchers = [asyncio.create_task(watch(daemon_fixture, job)) for _ in range(100)]
    await daemon_fixture.event(job, lambda event: event["event"] == "chunk")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await daemon_fixture.service.cancel(job.id)
    assert loop.time() - began < 2.0
    assert {kept(await each)[-1].event["state"] for each in watchers} == {"cancelled"}
    await daemon_fixture.settled(job)
    assert not daemon_fixture.scratch(job).exists()


async def test_watchers_are_told_that_the_daemon_ends(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    task = asyncio.create_task(watch(daemon_fixture, job))
    await asyncio.sleep(0)
    await daemon_fixture.close()
    with pytest.raises(NoDaemonError):
        await task
    await daemon_fixture.open()
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(job)


async def test_the_daemon_keeps_nothing_of_jobs_that_have_ended(daemon_fixture: DaemonFixture) -> None:
    for name in "abc":
        await daemon_fixture.done(await daemon_fixture.submit(name))
    service = daemon_fixture.service
    assert (service._hub._running, service._hub._watchers) == ({}, {})
    assert (service._scheduler._turns, service._scheduler._deliveries, dict(service._file_locks)) == ({}, {}, {})
    assert not service._clearing
    assert len(service._media._children) <= 1


async def test_a_live_event_takes_the_place_of_an_older_one_and_keeps_its_own() -> None:
    hub = EventHub()

    def happening(sequence: int, kind: str, value: int = 0) -> JobEvent:
        return JobEvent(sequence, 0.0, {"event": kind, "value": value})

    with hub.watching("a") as watcher:
        hub.track("a", 1)
        hub.publish("a", happening(1, "progress", 1))
        hub.publish("a", happening(1, "stage", 2))
        hub.publish("a", happening(2, "chunk"))
        hub.publish("a", happening(2, "progress", 3))
        heard = [await watcher.next() for _ in range(3)]
    assert [(each.event["event"], each.event["value"]) for each in heard] == [
        ("stage", 2),
        ("chunk", 0),
        ("progress", 3),
    ]
    with hub.watching("a") as late:
        assert {(await late.next()).event["value"] for _ in range(2)} == {2, 3}


async def test_a_paused_job_is_watched_on_until_its_end(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    task = asyncio.create_task(watch(daemon_fixture, job))
    await daemon_fixture.at(job, "chunk-1")
    await daemon_fixture.service.pause(job.id)
    await daemon_fixture.until(job, JobState.PAUSED)
    await daemon_fixture.service.resume(job.id)
    states = [happening.event.get("state") for happening in kept(await task)]
    assert [state for state in states if state] == ["queued", "running", "paused", "queued", "running", "muxing"]
