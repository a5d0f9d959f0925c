"""Pause, resume, cancel, retry and delete: in every state, and at every moment of a job's life."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import NotFoundError, StateError
from answerprint.errors import InputError, OutputError, RemoteError
from answerprint.scheduler import submissions
from fakes.steering import whole
from scheduler.daemon_fixture import DaemonFixture, kinds

HEARD = (
    *("probe", "understood", "load", "chunk-0", "chunk-0-denoise", "chunk-1", "chunk-1-denoise"),
    *("mux", "mux-0", "mux-1", "mux-publish"),
)
"""Steps at which a child hears a wish to stop."""
DEAF = ("chunk-0-segment", "chunk-0-carry", "chunk-0-receipt", "chunk-0-told", "chunk-1-receipt", "rendered")
"""Steps at which it goes on first."""
MOMENTS = HEARD + DEAF


async def held(daemon_fixture: DaemonFixture, moment: str) -> JobRecord:
    """A job that is at a moment of its life."""
    daemon_fixture.clip(moment, chunks=2, faults={moment: ["hold"]})
    job = await daemon_fixture.submit(moment)
    await daemon_fixture.at(job, moment)
    return job


async def test_a_job_that_is_cancelled_at_any_moment_leaves_nothing(daemon_fixture: DaemonFixture) -> None:
    for moment in MOMENTS:
        job = await held(daemon_fixture, moment)
        assert (await daemon_fixture.service.cancel(job.id)).state is JobState.CANCELLED, moment
        if moment in DEAF:
            daemon_fixture.go(job, moment)
        await daemon_fixture.settled(job)
        assert await daemon_fixture.state(job) is JobState.CANCELLED, moment
        assert not daemon_fixture.scratch(job).exists(), moment
        assert not Path(job.output).exists(), moment
        assert daemon_fixture.visits(job, "chunk-1-segment") == (moment.startswith("mux") or moment in MOMENTS[-2:]), (
            moment
        )
    await daemon_fixture.done(await daemon_fixture.submit("after"))


async def test_a_cancelled_job_has_no_deliverable_even_if_its_turn_was_about_to_begin(
    daemon_fixture: DaemonFixture,
) -> None:
    await daemon_fixture.open()
    for index in range(20):
        job = await daemon_fixture.submit(f"c{index}")
        for _ in range(index):
            await asyncio.sleep(0)
        await daemon_fixture.service.cancel(job.id)
        await daemon_fixture.settled(job)
        assert await daemon_fixture.state(job) is JobState.CANCELLED
        assert not daemon_fixture.scratch(job).exists()
    await daemon_fixture.done(await daemon_fixture.submit("after"))
    assert not list((daemon_fixture.folder / "out").glob("c*"))


async def test_a_deliverable_waits_for_its_slot_and_can_be_cancelled_there(daemon_fixture: DaemonFixture) -> None:
    for name in "abc":
        daemon_fixture.clip(name, faults={"mux": ["hold"]})
    jobs = [await daemon_fixture.submit(name) for name in "abc"]
    await daemon_fixture.at(jobs[0], "mux")
    await daemon_fixture.at(jobs[1], "mux")
    await daemon_fixture.until(jobs[2], JobState.MUXING)
    await daemon_fixture.service.cancel(jobs[2].id)
    daemon_fixture.go(jobs[0], "mux")
    daemon_fixture.go(jobs[1], "mux")
    await daemon_fixture.done(jobs[0], jobs[1])
    await daemon_fixture.settled(jobs[2])
    assert not Path(jobs[2].output).exists()
    assert daemon_fixture.visits(jobs[2], "mux") == 0


async def test_a_job_that_is_paused_at_any_moment_goes_on_to_the_same_result(daemon_fixture: DaemonFixture) -> None:
    for moment in MOMENTS:
        job = await held(daemon_fixture, moment)
        assert (await daemon_fixture.service.pause(job.id)).state is JobState.PAUSED
        daemon_fixture.go(job, moment)
        await daemon_fixture.settled(job)
        paused = await daemon_fixture.service.get(job.id)
        assert paused.state is JobState.PAUSED, moment
        assert (await daemon_fixture.service.resume(job.id)).state is JobState.QUEUED
        await daemon_fixture.done(job)
        for chunk in range(paused.frames_done // 2):
            assert daemon_fixture.visits(job, f"chunk-{chunk}") == 1, f"{moment}: a finished chunk was made again"


async def test_pause_and_resume_without_a_breath_between_them_lose_nothing(daemon_fixture: DaemonFixture) -> None:
    for moment in MOMENTS:
        job = await held(daemon_fixture, moment)
        for _ in range(3):
            await daemon_fixture.service.pause(job.id)
            await daemon_fixture.service.resume(job.id)
        daemon_fixture.go(job, moment)
        await daemon_fixture.done(job)


async def test_cancel_and_retry_without_a_breath_between_them_do_the_job(daemon_fixture: DaemonFixture) -> None:
    for moment in MOMENTS:
        job = await held(daemon_fixture, moment)
        await daemon_fixture.service.cancel(job.id)
        daemon_fixture.go(job, moment)
        await daemon_fixture.service.retry(job.id)
        await daemon_fixture.done(job)
        events = await kinds(daemon_fixture, job)
        assert "warning" not in events, f"{moment}: what was cancelled is not lost"


async def test_what_is_steered_from_all_sides_at_once_ends_in_one_state(daemon_fixture: DaemonFixture) -> None:
    for moment in ("chunk-0", "chunk-0-receipt", "mux-0"):
        job = await held(daemon_fixture, moment)
        steer = daemon_fixture.service
        asked = [steer.pause, steer.cancel, steer.resume, steer.pause, steer.retry, steer.cancel, steer.delete]
        await asyncio.gather(*(ask(job.id) for ask in asked), return_exceptions=True)
        daemon_fixture.go(job, moment)
        try:
            await daemon_fixture.settled(job)
            await daemon_fixture.until(job, JobState.CANCELLED, JobState.DONE, JobState.PAUSED)
            await daemon_fixture.service.cancel(job.id)
        except (NotFoundError, StateError):
            pass
        await daemon_fixture.settled(job)
        assert not daemon_fixture.scratch(job).exists()
    await daemon_fixture.done(await daemon_fixture.submit("after"))


async def test_a_retried_job_keeps_its_finished_chunks(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-2": ["fail"]})
    job = await daemon_fixture.submit("a")
    failed = await daemon_fixture.until(job)
    assert failed.state is JobState.FAILED
    assert failed.problem is not None
    assert (failed.problem["code"], failed.problem["remedy"]) == ("job_failed", "Try another way.")
    assert failed.ended is not None
    again = await daemon_fixture.service.retry(job.id)
    assert (again.state, again.problem, again.ended, again.failures) == (JobState.QUEUED, None, None, 0)
    await daemon_fixture.done(job)
    assert [daemon_fixture.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [1, 1, 2]


async def test_a_retried_job_keeps_its_finished_chunks_over_a_restart(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-2": ["fail"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.until(job)
    await daemon_fixture.restart()
    await daemon_fixture.service.retry(job.id)
    await daemon_fixture.done(job)
    assert [daemon_fixture.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [1, 1, 2]


async def test_a_job_is_deleted_with_all_it_has(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-2": ["fail"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.until(job)
    assert daemon_fixture.scratch(job).exists()
    assert await daemon_fixture.service.delete(job.id) > 0
    assert not daemon_fixture.scratch(job).exists()
    with pytest.raises(NotFoundError):
        await daemon_fixture.service.get(job.id)


async def test_a_deliverable_stays_when_its_job_is_deleted(daemon_fixture: DaemonFixture) -> None:
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    await daemon_fixture.service.delete(job.id)
    assert Path(job.output).read_bytes() == whole("a", daemon_fixture.scripts["a"])


async def _in_state(daemon_fixture: DaemonFixture, state: JobState, number: int) -> JobRecord:
    name = f"{state.value}-{number}"
    holds = {JobState.RUNNING: "chunk-1", JobState.PAUSED: "chunk-1", JobState.MUXING: "mux"}
    faults = {holds[state]: ["hold"]} if state in holds else {"chunk-0": ["fail"]} if state is JobState.FAILED else {}
    daemon_fixture.clip(name, chunks=2, faults=faults)
    job = await daemon_fixture.submit(name, not_before=4e9 if state is JobState.QUEUED else None)
    if state in holds:
        await daemon_fixture.at(job, holds[state])
    if state is JobState.PAUSED:
        await daemon_fixture.service.pause(job.id)
    if state is JobState.CANCELLED:
        await daemon_fixture.service.cancel(job.id)
    return await daemon_fixture.until(job, state)


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
async def test_every_wish_is_granted_or_refused_by_the_state(daemon_fixture: DaemonFixture, wish: str) -> None:
    for number, state in enumerate(JobState):
        job = await _in_state(daemon_fixture, state, number)
        ask = getattr(daemon_fixture.service, wish)
        arguments = {"priority": -1} if wish == "move" else {}
        if state not in AFTER[wish]:
            with pytest.raises(StateError):
                await ask(job.id, **arguments)
            assert await daemon_fixture.state(job) is state, f"{wish} when {state}"
        else:
            answer = await ask(job.id, **arguments)
            expected = AFTER[wish][state]
            assert (answer.state if isinstance(answer, JobRecord) else None) is expected, f"{wish} when {state}"
        for step in ("chunk-1", "mux"):
            daemon_fixture.go(job, step)


async def test_a_pause_of_a_job_that_waits_for_room_outlasts_the_wait(daemon_fixture: DaemonFixture) -> None:
    room = {"bytes": 0}
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.disk_space.room", lambda folder: room["bytes"])
    job = await daemon_fixture.submit("a")
    paused = await daemon_fixture.until(job, JobState.PAUSED)
    assert paused.problem is not None and paused.problem["code"] == "disk_full"
    assert (await daemon_fixture.service.pause(job.id)).problem is None
    room["bytes"] = 1 << 40
    await daemon_fixture.done(await daemon_fixture.submit("b"))
    assert await daemon_fixture.state(job) is JobState.PAUSED
    await daemon_fixture.service.resume(job.id)
    await daemon_fixture.done(job)


async def test_two_unfinished_jobs_never_write_the_same_file(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-0": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-0")
    with pytest.raises(OutputError, match="Job 1 already writes") as refused:
        await daemon_fixture.service.submit(daemon_fixture.new("b", output="a.mov", request={"overwrite": True}))
    assert refused.value.remedy == "Choose another name, or cancel that job first."
    results = await asyncio.gather(
        *(daemon_fixture.service.submit(daemon_fixture.new("c", output="same.mov")) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, OutputError) for result in results) == 7
    await daemon_fixture.service.cancel(job.id)
    other = await daemon_fixture.submit("b", output="a.mov")
    with pytest.raises(OutputError, match=f"Job {other.number}"):
        await daemon_fixture.service.retry(job.id)
    await daemon_fixture.until(other)


async def test_parts_of_one_sequence_may_be_made_by_two_jobs(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open(work=False)
    await daemon_fixture.submit("a", output="f.%04d.png", request={"range": "0:2"})
    await daemon_fixture.submit("a", output="f.%04d.png", request={"range": "2:4"})
    with pytest.raises(OutputError):
        await daemon_fixture.submit("a", output="f.%04d.png", request={"range": "2:4"})


async def test_a_device_that_is_none_is_refused_and_one_that_is_not_there_fails_the_job(
    daemon_fixture: DaemonFixture,
) -> None:
    await daemon_fixture.open()
    with pytest.raises(InputError, match="Unknown device"):
        await daemon_fixture.submit("a", request={"device": "cuda:100"})
    job = await daemon_fixture.submit("a", request={"device": "cuda:99"})
    failed = await daemon_fixture.until(job)
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert failed.problem["message"] == "Device 'cuda:99' is not available."
    await daemon_fixture.done(await daemon_fixture.submit("b"))


async def test_what_cannot_be_done_becomes_no_job(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("broken", faults={"look": ["refuse", "refuse"]})
    await daemon_fixture.open()
    for new in (daemon_fixture.new("broken"), daemon_fixture.new_preview("broken")):
        with pytest.raises(RemoteError, match="That is no film") as refusal:
            await daemon_fixture.service.submit(new)
        assert refusal.value.exit_code == InputError.exit_code
    assert (await daemon_fixture.service.list((), 10, "")).total == 0
    known = await daemon_fixture.submit("known", not_before=4e9)
    assert known.frames_total == 6, "its frames were counted before it was taken"
    shown = await daemon_fixture.preview("shown")
    assert shown.frames_total == 2


async def test_media_that_take_long_to_read_fail_their_job_when_they_were_read(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "_PROBE_SECONDS", 0.05)
    daemon_fixture.clip("slow", faults={"look": ["hold"], "chunk-0": ["hold"]})
    job = await daemon_fixture.submit("slow", not_before=4e9)
    assert job.frames_total == 0
    daemon_fixture.go(job, "look")
    async with asyncio.timeout(20):
        while (await daemon_fixture.service.get(job.id)).frames_total != 6:
            await asyncio.sleep(0.001)
    assert daemon_fixture.visits(job, "look") == 1, "it was read twice"


async def test_media_that_cannot_be_read_fail_their_job_at_once_and_not_at_its_turn(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "_PROBE_SECONDS", 0.0)
    daemon_fixture.clip("slow", faults={"chunk-0": ["hold"]})
    daemon_fixture.clip(
        "broken", faults={"look": ["refuse", "refuse"]}
    )  # the look that is given up may come to its end
    slow = await daemon_fixture.submit("slow")
    await daemon_fixture.at(slow, "chunk-0")
    failed = await daemon_fixture.until(await daemon_fixture.submit("broken"))
    assert failed.problem is not None and failed.problem["message"] == "That is no film."
    known = await daemon_fixture.submit("known")
    while (await daemon_fixture.service.get(known.id)).frames_total != 6:
        await asyncio.sleep(0.001)
    daemon_fixture.go(slow, "chunk-0")
    await daemon_fixture.done(slow, known)


async def test_a_job_that_goes_before_its_media_were_looked_at_disturbs_nobody(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("first", faults={"look": ["hold"], "chunk-0": ["hold"]})
    first = await daemon_fixture.submit("first")
    gone = await daemon_fixture.submit("gone")
    await daemon_fixture.service.cancel(gone.id)
    await daemon_fixture.service.delete(gone.id)
    daemon_fixture.go(first, "look")
    daemon_fixture.go(first, "chunk-0")
    last = await daemon_fixture.submit("last", not_before=4e9)
    while (await daemon_fixture.service.get(last.id)).frames_total != 6:
        await asyncio.sleep(0.001)
    await daemon_fixture.done(first)


async def test_a_deliverable_that_is_resumed_before_it_had_stopped_does_not_wait_for_the_device(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("first", faults={"mux-0": ["hold"]})
    daemon_fixture.clip("slow", faults={"chunk-0": ["hold"]})
    first, slow = await daemon_fixture.submit("first"), await daemon_fixture.submit("slow")
    await daemon_fixture.at(first, "mux-0")
    await daemon_fixture.at(slow, "chunk-0")
    await daemon_fixture.service.pause(first.id)
    await daemon_fixture.service.resume(first.id)
    await daemon_fixture.done(first)
    assert await daemon_fixture.state(slow) is JobState.RUNNING
    daemon_fixture.go(slow, "chunk-0")
    await daemon_fixture.done(slow)
