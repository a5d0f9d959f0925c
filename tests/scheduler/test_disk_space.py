"""Disks that are full, that fail or that lie; sources that change; and a journal that cannot be written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.errors import DiskFullError, JournalError
from answerprint.home import state_folder
from answerprint.scheduler.disk_space import find_shortage
from answerprint.store.journal import Journal
from answerprint.store.receipts import segment_path
from scheduler.daemon_fixture import DaemonFixture, kinds


@pytest.fixture
def room(daemon_fixture: DaemonFixture) -> dict[str, int]:
    """What every disk has free, for the daemon."""
    free = {"bytes": 1 << 40}
    daemon_fixture.monkeypatch.setattr("answerprint.scheduler.disk_space.room", lambda folder: free["bytes"])
    return free


@pytest.mark.parametrize("moment", ["chunk-1", "mux-1"])
async def test_a_full_disk_pauses_the_job_and_it_goes_on_by_itself(
    daemon_fixture: DaemonFixture, room: dict[str, int], moment: str
) -> None:
    folder = str(daemon_fixture.folder / "out")
    daemon_fixture.clip("a", needed_bytes=5 << 20, folder=folder, faults={"load": ["hold"], moment: ["full"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "load")
    room["bytes"] = (5 << 20) - 1
    daemon_fixture.go(job, "load")
    paused = await daemon_fixture.until(job, JobState.PAUSED, JobState.DONE)
    assert paused.problem is not None
    assert (paused.problem["code"], paused.problem["needed_bytes"], paused.problem["folder"]) == (
        "disk_full", 5 << 20, folder,
    )  # fmt: skip
    other = await daemon_fixture.submit("other", not_before=4e9)
    for _ in range(3):
        await daemon_fixture.service._maintenance._resume_waiting()
    assert await daemon_fixture.state(job) is JobState.PAUSED
    room["bytes"] = 1 << 30
    await daemon_fixture.done(job)
    assert daemon_fixture.visits(job, "chunk-0") == 1
    await daemon_fixture.service.cancel(other.id)


async def test_a_job_that_waits_for_room_holds_up_no_other(daemon_fixture: DaemonFixture, room: dict[str, int]) -> None:
    daemon_fixture.clip("big", needed_bytes=1 << 50, folder=str(daemon_fixture.folder), faults={"chunk-0": ["full"]})
    big, small = await daemon_fixture.submit("big"), await daemon_fixture.submit("small")
    await daemon_fixture.until(big, JobState.PAUSED)
    await daemon_fixture.done(small)


async def test_a_job_waits_for_room_over_a_restart(daemon_fixture: DaemonFixture, room: dict[str, int]) -> None:
    daemon_fixture.clip("a", needed_bytes=1 << 50, folder=str(daemon_fixture.folder), faults={"chunk-1": ["full"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.until(job, JobState.PAUSED)
    await daemon_fixture.restart()
    assert await daemon_fixture.state(job) is JobState.PAUSED
    room["bytes"] = 1 << 51
    await daemon_fixture.done(job)
    assert daemon_fixture.visits(job, "chunk-0") == 1


async def test_a_disk_that_is_full_each_time_is_tried_less_and_less(
    daemon_fixture: DaemonFixture, room: dict[str, int]
) -> None:
    daemon_fixture.clip("a", needed_bytes=1, folder=str(daemon_fixture.folder), faults={"chunk-0": ["full"] * 6})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    assert daemon_fixture.service._maintenance._attempts[job.id][1] >= 1.0


async def test_a_job_that_will_not_fit_does_not_begin(daemon_fixture: DaemonFixture, room: dict[str, int]) -> None:
    daemon_fixture.clip("big", scratch_bytes=10 << 30, faults={"load": ["hold"]})
    room["bytes"] = 9 << 30
    job = await daemon_fixture.submit("big")
    paused = await daemon_fixture.until(job, JobState.PAUSED)
    assert paused.problem is not None and paused.problem["needed_bytes"] > 10 << 30
    assert paused.problem["folder"] == str(daemon_fixture.config.scratch_folder)
    await daemon_fixture.settled(job)
    assert daemon_fixture.visits(job, "chunk-0-segment") == 0
    room["bytes"] = 12 << 30
    daemon_fixture.go(job, "load")
    await daemon_fixture.done(job)


def _job(output: Path, done: int = 0) -> JobRecord:
    request = {"input": "/a.mov", "output": str(output)}
    return JobRecord("", 1, "restore", "", JobState.RUNNING, request, frames_total=10, frames_done=done)


def test_chunks_and_result_count_together_on_one_disk_and_apart_on_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {tmp_path: 100 << 20, Path("/dev/shm"): 30 << 20}  # noqa: S108 - another disk
    monkeypatch.setattr("answerprint.scheduler.disk_space.room", lambda folder: free[folder])
    monkeypatch.setattr("answerprint.scheduler.disk_space.spare_room", lambda folder: 0)
    estimate = {"scratch_bytes": 80 << 20, "output_bytes": 40 << 20}
    together = find_shortage(_job(tmp_path / "a.mov"), estimate, tmp_path)
    assert isinstance(together, DiskFullError) and together.needed_bytes == 120 << 20
    assert find_shortage(_job(tmp_path / "a.mov", done=5), estimate, tmp_path) is None, "half of it is there"
    apart = find_shortage(_job(Path("/dev/shm/a.mov")), estimate, tmp_path)  # noqa: S108
    assert isinstance(apart, DiskFullError)
    assert (apart.needed_bytes, apart.folder) == (40 << 20, "/dev/shm")  # noqa: S108
    free[Path("/dev/shm")] = 40 << 20  # noqa: S108
    assert find_shortage(_job(Path("/dev/shm/a.mov")), estimate, tmp_path) is None  # noqa: S108


async def test_a_disk_that_fails_pauses_the_job_until_the_user_resumes_it(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["storage"]})
    job = await daemon_fixture.submit("a")
    paused = await daemon_fixture.until(job, JobState.PAUSED)
    assert paused.problem is not None
    assert (paused.problem["code"], paused.problem["remedy"]) == ("storage", "Check the disk.")
    await daemon_fixture.done(await daemon_fixture.submit("other"))
    assert await daemon_fixture.state(job) is JobState.PAUSED
    await daemon_fixture.service.resume(job.id)
    await daemon_fixture.done(job)
    assert daemon_fixture.visits(job, "chunk-0") == 1


async def test_a_scratch_folder_that_cannot_be_used_pauses_the_job(daemon_fixture: DaemonFixture) -> None:
    await daemon_fixture.open()
    daemon_fixture.config.scratch_folder.parent.mkdir(parents=True, exist_ok=True)
    daemon_fixture.config.scratch_folder.write_text("not a folder")
    job = await daemon_fixture.submit("a")
    paused = await daemon_fixture.until(job, JobState.PAUSED)
    assert paused.problem is not None and paused.problem["code"] == "storage"
    daemon_fixture.config.scratch_folder.unlink()
    await daemon_fixture.service.resume(job.id)
    await daemon_fixture.done(job)


async def test_a_source_that_changed_is_restored_from_its_first_frame(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-2": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-2")
    await daemon_fixture.service.pause(job.id)
    await daemon_fixture.settled(job)
    Path(job.input).write_bytes(b"another film")
    await daemon_fixture.service.resume(job.id)
    await daemon_fixture.done(job)
    warning = await daemon_fixture.event(job, lambda event: event["event"] == "warning")
    assert warning.event["message"] == "The clip has changed. Restoring again from chunk 1."
    assert [daemon_fixture.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [2, 2, 2]


async def test_a_source_that_changed_before_the_final_write_is_restored_from_its_first_frame(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("a", faults={"mux": ["changed"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    warning = await daemon_fixture.event(job, lambda event: event["event"] == "warning")
    assert warning.event["message"] == "The clip has changed. Restoring again from chunk 1."
    assert [daemon_fixture.visits(job, f"chunk-{chunk}") for chunk in range(3)] == [2, 2, 2]


async def test_a_source_that_is_still_being_written_ends_the_job_and_a_retry_restores_it(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.clip("a", faults={"mux": ["changed"] * 4})
    job = await daemon_fixture.submit("a")
    record = await daemon_fixture.until(job)
    assert record.state is JobState.FAILED
    assert record.problem is not None
    assert "keeps changing" in record.problem["message"]
    assert "retry" in record.problem["remedy"]
    await daemon_fixture.service.retry(job.id)
    await daemon_fixture.done(job)


async def test_a_damaged_chunk_that_is_found_while_writing_is_made_again(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"mux": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "mux")
    path = segment_path(daemon_fixture.scratch(job), 1)
    data = bytearray(path.read_bytes())
    data[7] ^= 1
    path.write_bytes(data)
    daemon_fixture.go(job, "mux")
    await daemon_fixture.done(job)
    assert "warning" in await kinds(daemon_fixture, job)


async def test_what_the_worker_finds_damaged_is_made_again(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-2": ["damaged:1"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)


async def test_a_disk_that_damages_all_it_gets_fails_the_job(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"mux": ["damaged:0"] * 9})
    job = await daemon_fixture.submit("a")
    failed = await daemon_fixture.until(job)
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert "Check the disk of" in failed.problem["remedy"]
    assert daemon_fixture.visits(job, "mux") == 4
    await daemon_fixture.done(await daemon_fixture.submit("b"))


# The journal


@contextmanager
def broken(daemon_fixture: DaemonFixture, error: Exception, *, names: tuple[str, ...]) -> Iterator[None]:
    """Let methods of the journal fail."""

    def fail(*args: Any, **fields: Any) -> Any:  # noqa: ANN401 - of several methods
        raise error

    with daemon_fixture.monkeypatch.context() as patch:
        for name in names:
            patch.setattr(Journal, name, fail)
        yield


FAULTS = [JournalError("It cannot be written."), DiskFullError("The disk is full.", folder="/")]


@pytest.mark.parametrize("fault", FAULTS, ids=["journal", "full"])
@pytest.mark.parametrize("moment", ["chunk-1", "mux-1"])
async def test_a_journal_that_fails_in_a_turn_costs_no_job_and_no_finished_frame(
    daemon_fixture: DaemonFixture, moment: str, fault: Exception
) -> None:
    daemon_fixture.clip("a", faults={moment: ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, moment)
    with broken(daemon_fixture, fault, names=("change", "commit_chunk", "append", "add")):
        daemon_fixture.go(job, moment)
        async with asyncio.timeout(20):
            while not (await daemon_fixture.service.info()).problems:
                await asyncio.sleep(0.001)
        assert "cannot be written" in str(fault) or "full" in str(fault)
        with pytest.raises(type(fault)):
            await daemon_fixture.service.submit(daemon_fixture.new("b"))
        with pytest.raises(type(fault)):
            await daemon_fixture.service.cancel(job.id)
    await daemon_fixture.done(job)
    *finished, last = (daemon_fixture.visits(job, f"chunk-{chunk}") for chunk in range(3))
    assert finished == [1, 1]
    # The worker may have begun the last chunk when the turn is lost; what is begun is no finished frame.
    assert last == 1 or (moment == "chunk-1" and last == 2)
    await daemon_fixture.done(await daemon_fixture.submit("b"))
    assert (await daemon_fixture.service.info()).problems == []


async def test_a_journal_that_cannot_even_be_read_leaves_the_daemon_alive(daemon_fixture: DaemonFixture) -> None:
    names = ("ready", "next_wakeup", "expired", "in_states", "get", "find", "page", "counts")
    await daemon_fixture.open()
    with broken(daemon_fixture, JournalError("It cannot be read."), names=names):
        daemon_fixture.service._scheduler.wake()
        async with asyncio.timeout(20):
            while not daemon_fixture.service._scheduler.problem:
                await asyncio.sleep(0.001)
        with pytest.raises(JournalError):
            await daemon_fixture.service.list([], 10, "")
    await daemon_fixture.done(await daemon_fixture.submit("a"))


async def test_a_journal_that_is_read_only_for_a_while_is_used_again(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    journal_thread = daemon_fixture.service._journal_thread
    connection: sqlite3.Connection = journal_thread.journal._connection._sqlite
    await journal_thread.run(connection.execute, "PRAGMA query_only = ON")
    daemon_fixture.go(job, "chunk-1")
    async with asyncio.timeout(20):
        while not (await daemon_fixture.service.info()).problems:
            await asyncio.sleep(0.001)
    with pytest.raises(JournalError):
        await daemon_fixture.service.submit(daemon_fixture.new("b"))
    await journal_thread.run(connection.execute, "PRAGMA query_only = OFF")
    await daemon_fixture.done(job)
    assert (state_folder() / "journal.db").exists()


async def test_a_defect_ends_one_job_and_not_the_queue(daemon_fixture: DaemonFixture) -> None:
    def confused(*args: Any) -> Any:  # noqa: ANN401
        raise KeyError("confused")

    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    with daemon_fixture.monkeypatch.context() as patch:
        patch.setattr("answerprint.scheduler.event_sink.ChunkReceipt.from_json", confused)
        daemon_fixture.go(job, "chunk-1")
        failed = await daemon_fixture.until(job)
    assert failed.state is JobState.FAILED and failed.problem is not None
    assert "KeyError" in failed.problem["message"]
    await daemon_fixture.done(await daemon_fixture.submit("b"))
    await daemon_fixture.service.retry(job.id)
    await daemon_fixture.done(job)
