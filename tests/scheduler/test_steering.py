"""Pause, resume, cancel, retry and delete: in every state, and at every moment of a job's life."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import NotFoundError, StateError
from answerprint.errors import InputError, OutputError, RemoteError
from answerprint.scheduler import service
from fakes.steering import whole
from scheduler.house import House, kinds

HEARD = (
    *("probe", "understood", "load", "chunk-0", "chunk-0-denoise", "chunk-1", "chunk-1-denoise"),
    *("mux", "mux-0", "mux-1", "mux-publish"),
)
"""Steps at which a child hears a wish to stop."""
DEAF = ("chunk-0-segment", "chunk-0-carry", "chunk-0-receipt", "chunk-0-told", "chunk-1-receipt", "rendered")
"""Steps at which it goes on first."""
MOMENTS = HEARD + DEAF


async def held(house: House, moment: str) -> JobRecord:
    """A job that is at a moment of its life."""
    house.clip(moment, chunks=2, faults={moment: ["hold"]})
    job = await house.submit(moment)
    await house.at(job, moment)
    return job


async def test_a_job_that_is_cancelled_at_any_moment_leaves_nothing(house: House) -> None:
    for moment in MOMENTS:
        job = await held(house, moment)
        assert (await house.service.cancel(job.id)).state is JobState.CANCELLED, moment
        if moment in DEAF:
            house.go(job, moment)
        await house.settled(job)
        assert await house.state(job) is JobState.CANCELLED, moment
        assert not house.scratch(job).exists(), moment
        assert not Path(job.output).exists(), moment
        assert house.visits(job, "chunk-1-segment") == (moment.startswith("mux") or moment in MOMENTS[-2:]), moment
    await house.done(await house.submit("after"))


async def test_a_cancelled_job_has_no_deliverable_even_if_its_turn_was_about_to_begin(house: House) -> None:
    await house.open()
    for index in range(20):
        job = await house.submit(f"c{index}")
        for _ in range(index):
            await asyncio.sleep(0)
        await house.service.cancel(job.id)
        await house.settled(job)
        assert await house.state(job) is JobState.CANCELLED
        assert not house.scratch(job).exists()
    await house.done(await house.submit("after"))
    assert not list((house.folder / "out").glob("c*"))


async def test_a_deliverable_waits_for_its_slot_and_can_be_cancelled_there(house: House) -> None:
    for name in "abc":
        house.clip(name, faults={"mux": ["hold"]})
    jobs = [await house.submit(name) for name in "abc"]
    await house.at(jobs[0], "mux")
    await house.at(jobs[1], "mux")
    await house.until(jobs[2], JobState.MUXING)
    await house.service.cancel(jobs[2].id)
    house.go(jobs[0], "mux")
    house.go(jobs[1], "mux")
    await house.done(jobs[0], jobs[1])
    await house.settled(jobs[2])
    assert not Path(jobs[2].output).exists()
    assert house.visits(jobs[2], "mux") == 0


async def test_a_job_that_is_paused_at_any_moment_goes_on_to_the_same_result(house: House) -> None:
    for moment in MOMENTS:
        job = await held(house, moment)
        assert (await house.service.pause(job.id)).state is JobState.PAUSED
        house.go(job, moment)
        await house.settled(job)
        paused = await house.service.get(job.id)
        assert paused.state is JobState.PAUSED, moment
        assert (await house.service.resume(job.id)).state is JobState.QUEUED
        await house.done(job)
        for chunk in range(paused.frames_done // 2):
            assert house.visits(job, f"chunk-{chunk}") == 1, f"{moment}: a finished chunk was made again"


async def test_pause_and_resume_without_a_breath_between_them_lose_nothing(house: House) -> None:
    for moment in MOMENTS:
        job = await held(house, moment)
        for _ in range(3):
            await house.service.pause(job.id)
            await house.service.resume(job.id)
        house.go(job, moment)
        await house.done(job)


async def test_cancel_and_retry_without_a_breath_between_them_do_the_job(house: House) -> None:
    for moment in MOMENTS:
        job = await held(house, moment)
        await house.service.cancel(job.id)
        house.go(job, moment)
        await house.service.retry(job.id)
        await house.done(job)
        events = await kinds(house, job)
        assert "warning" not in events, f"{moment}: what was cancelled is not lost"


async def test_what_is_steered_from_all_sides_at_once_ends_in_one_state(house: House) -> None:
    for moment in ("chunk-0", "chunk-0-receipt", "mux-0"):
        job = await held(house, moment)
        steer = house.service
        asked = [steer.pause, steer.cancel, steer.resume, steer.pause, steer.retry, steer.cancel, steer.delete]
        await asyncio.gather(*(ask(job.id) for ask in asked), return_exceptions=True)
        house.go(job, moment)
        try:
            await house.settled(job)
            await house.until(job, JobState.CANCELLED, JobState.DONE, JobState.PAUSED)
            await house.service.cancel(job.id)
        except (NotFoundError, StateError):
            pass
        await house.settled(job)
        assert not house.scratch(job).exists()
    await house.done(await house.submit("after"))


async def test_a_retried_job_keeps_its_finished_chunks(house: House) -> None:
    house.clip("a", faults={"chunk-2": ["fail"]})
    job = await house.submit("a")
    failed = await house.until(job)
    assert failed.state is JobState.FAILED
    assert failed.problem is not None
    assert (failed.problem["code"], failed.problem["remedy"]) == ("job_failed", "Try another way.")
    assert failed.ended is not None
    again = await house.service.retry(job.id)
    assert (again.state, again.problem, again.ended, again.failures) == (JobState.QUEUED, None, None, 0)
    await house.done(job)
    assert [house.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [1, 1, 2]


async def test_a_retried_job_keeps_its_finished_chunks_over_a_restart(house: House) -> None:
    house.clip("a", faults={"chunk-2": ["fail"]})
    job = await house.submit("a")
    await house.until(job)
    await house.restart()
    await house.service.retry(job.id)
    await house.done(job)
    assert [house.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [1, 1, 2]


async def test_a_job_is_deleted_with_all_it_has(house: House) -> None:
    house.clip("a", faults={"chunk-2": ["fail"]})
    job = await house.submit("a")
    await house.until(job)
    assert house.scratch(job).exists()
    assert await house.service.delete(job.id) > 0
    assert not house.scratch(job).exists()
    with pytest.raises(NotFoundError):
        await house.service.get(job.id)


async def test_a_deliverable_stays_when_its_job_is_deleted(house: House) -> None:
    job = await house.submit("a")
    await house.done(job)
    await house.service.delete(job.id)
    assert Path(job.output).read_bytes() == whole("a", house.scripts["a"])


async def _in_state(house: House, state: JobState, number: int) -> JobRecord:
    name = f"{state.value}-{number}"
    holds = {JobState.RUNNING: "chunk-1", JobState.PAUSED: "chunk-1", JobState.MUXING: "mux"}
    faults = {holds[state]: ["hold"]} if state in holds else {"chunk-0": ["fail"]} if state is JobState.FAILED else {}
    house.clip(name, chunks=2, faults=faults)
    job = await house.submit(name, not_before=4e9 if state is JobState.QUEUED else None)
    if state in holds:
        await house.at(job, holds[state])
    if state is JobState.PAUSED:
        await house.service.pause(job.id)
    if state is JobState.CANCELLED:
        await house.service.cancel(job.id)
    return await house.until(job, state)


Q, R, P, M = JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.MUXING
D, F, C = JobState.DONE, JobState.FAILED, JobState.CANCELLED
AFTER: dict[str, dict[JobState, JobState | None]] = {
    "pause": {Q: P, R: P, P: P, M: P},
    "resume": {Q: Q, R: R, P: Q, M: M},
    "cancel": {Q: C, R: C, P: C, M: C, C: C},
    "retry": {Q: Q, F: Q, C: Q},
    "delete": {D: None, F: None, C: None},
    "move": {Q: Q, R: R, P: P, M: M},
}
"""What each wish makes of each state; what is not named is refused, and changes nothing."""


@pytest.mark.parametrize("wish", AFTER)
async def test_every_wish_is_granted_or_refused_by_the_state(house: House, wish: str) -> None:
    for number, state in enumerate(JobState):
        job = await _in_state(house, state, number)
        ask = getattr(house.service, wish)
        arguments = {"priority": -1} if wish == "move" else {}
        if state not in AFTER[wish]:
            with pytest.raises(StateError):
                await ask(job.id, **arguments)
            assert await house.state(job) is state, f"{wish} when {state}"
        else:
            answer = await ask(job.id, **arguments)
            expected = AFTER[wish][state]
            assert (answer.state if isinstance(answer, JobRecord) else None) is expected, f"{wish} when {state}"
        for step in ("chunk-1", "mux"):
            house.go(job, step)


async def test_a_pause_of_a_job_that_waits_for_room_outlasts_the_wait(house: House) -> None:
    room = {"bytes": 0}
    house.monkeypatch.setattr("answerprint.scheduler.disk_space.room", lambda folder: room["bytes"])
    job = await house.submit("a")
    paused = await house.until(job, JobState.PAUSED)
    assert paused.problem is not None and paused.problem["code"] == "disk_full"
    assert (await house.service.pause(job.id)).problem is None
    room["bytes"] = 1 << 40
    await house.done(await house.submit("b"))
    assert await house.state(job) is JobState.PAUSED
    await house.service.resume(job.id)
    await house.done(job)


async def test_two_unfinished_jobs_never_write_the_same_file(house: House) -> None:
    house.clip("a", faults={"chunk-0": ["hold"]})
    job = await house.submit("a")
    await house.at(job, "chunk-0")
    with pytest.raises(OutputError, match="Job 1 already writes") as refused:
        await house.service.submit(house.new("b", output="a.mov", request={"overwrite": True}))
    assert refused.value.remedy == "Choose another name, or cancel that job first."
    results = await asyncio.gather(
        *(house.service.submit(house.new("c", output="same.mov")) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(result, OutputError) for result in results) == 7
    await house.service.cancel(job.id)
    other = await house.submit("b", output="a.mov")
    with pytest.raises(OutputError, match=f"Job {other.number}"):
        await house.service.retry(job.id)
    await house.until(other)


async def test_parts_of_one_sequence_may_be_made_by_two_jobs(house: House) -> None:
    await house.open(work=False)
    await house.submit("a", output="f.%04d.png", request={"range": "0:2"})
    await house.submit("a", output="f.%04d.png", request={"range": "2:4"})
    with pytest.raises(OutputError):
        await house.submit("a", output="f.%04d.png", request={"range": "2:4"})


async def test_a_device_that_is_none_is_refused_and_one_that_is_not_there_fails_the_job(house: House) -> None:
    await house.open()
    with pytest.raises(InputError, match="no device"):
        await house.submit("a", request={"device": "cuda:100"})
    job = await house.submit("a", request={"device": "cuda:99"})
    failed = await house.until(job)
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert failed.problem["message"] == "Device 'cuda:99' is not available."
    await house.done(await house.submit("b"))


async def test_what_cannot_be_done_becomes_no_job(house: House) -> None:
    house.clip("broken", faults={"look": ["refuse", "refuse"]})
    await house.open()
    for new in (house.new("broken"), house.new_preview("broken")):
        with pytest.raises(RemoteError, match="That is no film") as refusal:
            await house.service.submit(new)
        assert refusal.value.exit_code == InputError.exit_code
    assert (await house.service.list((), 10, "")).total == 0
    known = await house.submit("known", not_before=4e9)
    assert known.frames_total == 6, "its frames were counted before it was taken"
    shown = await house.preview("shown")
    assert shown.frames_total == 2


async def test_media_that_take_long_to_read_fail_their_job_when_they_were_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PROBE_SECONDS", 0.05)
    house.clip("slow", faults={"look": ["hold"], "chunk-0": ["hold"]})
    job = await house.submit("slow", not_before=4e9)
    assert job.frames_total == 0
    house.go(job, "look")
    async with asyncio.timeout(20):
        while (await house.service.get(job.id)).frames_total != 6:
            await asyncio.sleep(0.001)
    assert house.visits(job, "look") == 1, "it was read twice"


async def test_media_that_cannot_be_read_fail_their_job_at_once_and_not_at_its_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PROBE_SECONDS", 0.0)
    house.clip("slow", faults={"chunk-0": ["hold"]})
    house.clip("broken", faults={"look": ["refuse", "refuse"]})  # the look that is given up may come to its end
    slow = await house.submit("slow")
    await house.at(slow, "chunk-0")
    failed = await house.until(await house.submit("broken"))
    assert failed.problem is not None and failed.problem["message"] == "That is no film."
    known = await house.submit("known")
    while (await house.service.get(known.id)).frames_total != 6:
        await asyncio.sleep(0.001)
    house.go(slow, "chunk-0")
    await house.done(slow, known)


async def test_a_job_that_goes_before_its_media_were_looked_at_disturbs_nobody(house: House) -> None:
    house.clip("first", faults={"look": ["hold"], "chunk-0": ["hold"]})
    first = await house.submit("first")
    gone = await house.submit("gone")
    await house.service.cancel(gone.id)
    await house.service.delete(gone.id)
    house.go(first, "look")
    house.go(first, "chunk-0")
    last = await house.submit("last", not_before=4e9)
    while (await house.service.get(last.id)).frames_total != 6:
        await asyncio.sleep(0.001)
    await house.done(first)


async def test_a_deliverable_that_is_resumed_before_it_had_stopped_does_not_wait_for_the_device(house: House) -> None:
    house.clip("first", faults={"mux-0": ["hold"]})
    house.clip("slow", faults={"chunk-0": ["hold"]})
    first, slow = await house.submit("first"), await house.submit("slow")
    await house.at(first, "mux-0")
    await house.at(slow, "chunk-0")
    await house.service.pause(first.id)
    await house.service.resume(first.id)
    await house.done(first)
    assert await house.state(slow) is JobState.RUNNING
    house.go(slow, "chunk-0")
    await house.done(slow)
