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
from scheduler.house import House


def left() -> list[Path]:
    """Pictures that nobody has fetched."""
    folder = run_folder() / "pictures"
    return list(folder.iterdir()) if folder.is_dir() else []


async def test_finished_frames_of_a_running_job_are_shown_and_others_are_not_yet(house: House) -> None:
    house.clip("a", faults={"chunk-1": ["hold"]})
    job = await house.submit("a")
    await house.at(job, "chunk-1")
    picture = await house.service.frame(job.id, 1, "restored", "png", (0, 0))
    assert picture.path.read_bytes() == pictures("a", b"", 0)[0]
    assert (picture.media_type, picture.bytes) == ("image/png", picture.path.stat().st_size)
    house.service.forget(picture)
    with pytest.raises(NotYetError, match="Frame 2 is not restored yet"):
        await house.service.frame(job.id, 2, "restored", "png", (0, 0))
    source = await house.service.frame(job.id, 5, "source", "jpeg", (100, 100))
    assert source.path.read_bytes() == Path(job.input).read_bytes()
    house.service.forget(source)
    with pytest.raises(NotFoundError, match="not in the clip"):
        await house.service.frame(job.id, 6, "source", "png", (0, 0))
    house.go(job, "chunk-1")
    await house.done(job)
    assert left() == []


async def test_frames_of_a_job_that_is_done_come_from_its_deliverable(house: House) -> None:
    job = await house.submit("a")
    await house.done(job)
    picture = await house.service.frame(job.id, 3, "restored", "png", (0, 0))
    assert picture.path.read_bytes() == whole("a", house.scripts["a"])
    house.service.forget(picture)


async def test_a_job_that_becomes_done_while_a_frame_is_looked_for_shows_it(house: House) -> None:
    house.clip("a", faults={"mux": ["hold"], "frame": ["hold"]})
    job = await house.submit("a")
    await house.at(job, "mux")
    asked = asyncio.create_task(house.service.frame(job.id, 0, "restored", "png", (0, 0)))
    async with asyncio.timeout(20):
        while not house.visits(job, "frame"):
            await asyncio.sleep(0.001)
    house.go(job, "mux")
    await house.done(job)
    house.go(job, "frame")
    picture = await asked
    assert picture.path.read_bytes() == whole("a", house.scripts["a"])
    house.service.forget(picture)


async def test_what_will_never_be_shown_is_said_so(house: House) -> None:
    waiting = await house.submit("later", not_before=4e9)
    with pytest.raises(NotYetError, match="has not started"):
        await house.service.frame(waiting.id, 0, "source", "png", (0, 0))
    house.clip("a", faults={"chunk-1": ["hold"]})
    job = await house.submit("a")
    await house.at(job, "chunk-1")
    await house.service.cancel(job.id)
    await house.settled(job)
    with pytest.raises(NotFoundError, match="was cancelled"):
        await house.service.frame(job.id, 0, "restored", "png", (0, 0))
    preview = await house.preview("look")
    await house.until(preview, JobState.DONE)
    with pytest.raises(NotFoundError, match="written to a folder"):
        await house.service.frame(preview.id, 0, "restored", "png", (0, 0))


async def test_a_deliverable_that_was_taken_away_is_an_error_and_no_loop(house: House) -> None:
    house.clip("a", faults={"frame": ["refuse"]})
    job = await house.submit("a")
    await house.done(job)
    with pytest.raises(RemoteError, match="no film"):
        await house.service.frame(job.id, 0, "restored", "png", (0, 0))


async def test_a_picture_that_nobody_waits_for_any_more_is_not_left(house: House) -> None:
    house.clip("a", faults={"frame": ["hold"]})
    job = await house.submit("a")
    await house.done(job)
    asked = asyncio.create_task(house.service.frame(job.id, 0, "restored", "png", (0, 0)))
    async with asyncio.timeout(20):
        while not house.visits(job, "frame"):
            await asyncio.sleep(0.001)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    house.go(job, "frame")
    other = await house.service.frame(job.id, 0, "source", "png", (0, 0))
    assert left() == [other.path]
    house.service.forget(other)
