"""No more files can be opened: jobs wait for better times, and nothing is blamed on the disk or on them."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.descriptors import are_free, most_open, raise_limit
from answerprint.errors import StorageError, TooManyFilesError
from answerprint.store.quota import storage_error
from scheduler.daemon_fixture import DaemonFixture

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")


@contextmanager
def all_but(spare: int) -> Iterator[None]:
    """A process that may open so many files more."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (max(int(each.name) for each in Path("/dev/fd").iterdir()) + 40, before[1])
        )
        opened: list[int] = []
        try:
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            assert error.errno == errno.EMFILE
        for descriptor in opened[:spare]:
            os.close(descriptor)
        for descriptor in opened[spare:]:
            stack.callback(os.close, descriptor)
        yield


@pytest.mark.parametrize("spare", [0, 2, 5])
async def test_a_job_that_cannot_open_files_waits_and_goes_on_by_itself(
    daemon_fixture: DaemonFixture, spare: int
) -> None:
    await daemon_fixture.open()
    job = await daemon_fixture.submit("a", not_before=4e9)
    await daemon_fixture.until(job, JobState.QUEUED)
    with all_but(spare):
        await daemon_fixture.service.move(job.id, not_before=0)
        record = await daemon_fixture.until(job, JobState.PAUSED)
        problem = record.problem or {}
        assert problem["code"] == TooManyFilesError.code
        assert "too many files" in problem["message"]
        assert "disk" not in problem["message"] + problem["remedy"]
        await asyncio.sleep(5 * daemon_fixture.config.disk_poll_seconds)
        assert await daemon_fixture.state(job) is JobState.PAUSED
    await daemon_fixture.done(job)
    assert not daemon_fixture.service._scheduler.suspended, "it holds up no other job"


async def test_a_deliverable_waits_too(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.clip("a", faults={"chunk-2": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-2")
    with all_but(6):
        daemon_fixture.go(job, "chunk-2")
        assert ((await daemon_fixture.until(job, JobState.PAUSED)).problem or {})["code"] == TooManyFilesError.code
    await daemon_fixture.done(job)


def test_what_cannot_be_opened_for_want_of_files_is_not_said_to_be_the_disk(tmp_path: Path) -> None:
    for number in (errno.EMFILE, errno.ENFILE):
        assert isinstance(storage_error(OSError(number, os.strerror(number)), tmp_path), TooManyFilesError)
    assert type(storage_error(OSError(errno.EIO, "broken"), tmp_path)) is StorageError


def test_a_process_is_let_open_what_the_system_lets_it() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        assert most_open() == 256
        assert raise_limit() == min(4096, before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (5000, before[1]))
        assert raise_limit() == 5000, "never less than there is"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert are_free(8)
    with all_but(3):
        assert not are_free(8)
        assert are_free(2)
