"""Frames of jobs to look at, while they run and when they are done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.api.types import NotFoundError, NotYetError
from answerprint.errors import RemoteError
from answerprint.home import run_folder
from fakes.steering import pictures, whole
from scheduler.daemon_fixture import DaemonFixture


def left() -> list[Path]:
    """Pictures that nobody has fetched."""
    folder = run_folder() / "pictures"
    return list(folder.iterdir()) if folder.is_dir() else []


async def test_finished_frames_of_a_running_job_are_shown_and_others_are_not_yet(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    picture = await daemon_fixture.service.frame(job.id, 1, "restored", "png", (0, 0))
    assert picture.path.read_bytes() == pictures("a", b"", 0)[0]
    assert (picture.media_type, picture.bytes) == ("image/png", picture.path.stat().st_size)
    daemon_fixture.service.forget(picture)
    with pytest.raises(NotYetError, match="Frame 2 is not restored yet"):
        await daemon_fixture.service.frame(job.id, 2, "restored", "png", (0, 0))
    source = await daemon_fixture.service.frame(job.id, 5, "source", "jpeg", (100, 100))
    assert source.path.read_bytes() == Path(job.input).read_bytes()
    daemon_fixture.service.forget(source)
    with pytest.raises(NotFoundError, match="not in the clip"):
        await daemon_fixture.service.frame(job.id, 6, "source", "png", (0, 0))
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(job)
    assert left() == []


async def test_frames_of_a_job_that_is_done_come_from_its_deliverable(daemon_fixture: DaemonFixture) -> None:
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    picture = await daemon_fixture.service.frame(job.id, 3, "restored", "png", (0, 0))
    assert picture.path.read_bytes() == whole("a", daemon_fixture.scripts["a"])
    daemon_fixture.service.forget(picture)


async def test_a_job_that_becomes_done_while_a_frame_is_looked_for_shows_it(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"mux": ["hold"], "frame": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "mux")
    asked = asyncio.create_task(daemon_fixture.service.frame(job.id, 0, "restored", "png", (0, 0)))
    async with asyncio.timeout(20):
        while not daemon_fixture.visits(job, "frame"):
            await asyncio.sleep(0.001)
    daemon_fixture.go(job, "mux")
    await daemon_fixture.done(job)
    daemon_fixture.go(job, "frame")
    picture = await asked
    assert picture.path.read_bytes() == whole("a", daemon_fixture.scripts["a"])
    daemon_fixture.service.forget(picture)


async def test_what_will_never_be_shown_is_said_so(daemon_fixture: DaemonFixture) -> None:
    waiting = await daemon_fixture.submit("later", not_before=4e9)
    with pytest.raises(NotYetError, match="has not started"):
        await daemon_fixture.service.frame(waiting.id, 0, "source", "png", (0, 0))
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    await daemon_fixture.service.cancel(job.id)
    await daemon_fixture.settled(job)
    with pytest.raises(NotFoundError, match="was cancelled"):
        await daemon_fixture.service.frame(job.id, 0, "restored", "png", (0, 0))
    preview = await daemon_fixture.preview("look")
    await daemon_fixture.until(preview, JobState.DONE)
    with pytest.raises(NotFoundError, match="written to a folder"):
        await daemon_fixture.service.frame(preview.id, 0, "restored", "png", (0, 0))


async def test_a_deliverable_that_was_taken_away_is_an_error_and_no_loop(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"frame": ["refuse"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    with pytest.raises(RemoteError, match="no film"):
        await daemon_fixture.service.frame(job.id, 0, "restored", "png", (0, 0))


async def test_a_picture_that_nobody_waits_for_any_more_is_not_left(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"frame": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.done(job)
    asked = asyncio.create_task(daemon_fixture.service.frame(job.id, 0, "restored", "png", (0, 0)))
    async with asyncio.timeout(20):
        while not daemon_fixture.visits(job, "frame"):
            await asyncio.sleep(0.001)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    daemon_fixture.go(job, "frame")
    other = await daemon_fixture.service.frame(job.id, 0, "source", "png", (0, 0))
    assert left() == [other.path]
    daemon_fixture.service.forget(other)
