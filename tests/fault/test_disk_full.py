"""A disk that is really full pauses a job with what it needs and where; with room it goes on by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.ipc.messages import Message
from fault.conftest import Truth
from fault.daemon import DaemonProcess, await_value
from fault.material import decode, litter, new_job, small
from fault.promise import Watch, broken_promises
from fault.small_disk import NoDiskError, SmallDisk

pytestmark = pytest.mark.fault


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """8 MiB."""
    try:
        with SmallDisk(tmp_path / "disk") as small_one:
            yield small_one
    except NoDiskError as error:
        pytest.skip(str(error))


def daemon_on(disk: SmallDisk, home: Path, **env: str) -> DaemonProcess:
    return DaemonProcess(home, env=env, wrapper=disk.wrapper, root=disk.root)


def assert_waits_for_room(problem: Message, folder: Path) -> None:
    """A pause that says how much is needed, and where."""
    assert problem["code"] == "disk_full", problem
    assert problem["needed_bytes"] > 0, problem
    assert str(problem["folder"]).startswith(str(folder)), problem
    assert problem["remedy"]


def assert_stays_paused(watch: Watch) -> None:
    """Several looks at the disk later."""
    before = len(watch.events)
    with pytest.raises(AssertionError):
        await_value(lambda: len(watch.events) > before, 1.0)


def test_scratch_without_room_pauses_the_job_until_there_is_some(
    disk: SmallDisk, home: Path, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    request = small(clips / "pan.mkv", tmp_path / "out.mkv", codec="ffv1")
    with daemon_on(disk, home, ANSWERPRINT_SCRATCH=str(disk.folder / "s")).start() as daemon:
        with daemon.client() as client:
            watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 2)
        disk.fill()
        assert_waits_for_room(watch.until("paused")["problem"], disk.folder)
        assert_stays_paused(watch)
        assert not litter(disk.seen)
        assert not daemon.verify().errors
        assert not broken_promises(daemon, [watch]).lost

        disk.make_room()
        watch.until("done")
        assert not daemon.verify().errors
        assert not litter(disk.seen)
    assert decode(request.output) == truth.pan


def test_a_job_that_cannot_fit_says_so_before_its_first_chunk(
    disk: SmallDisk, home: Path, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    request = small(clips / "pan.mkv", tmp_path / "out.mkv", codec="ffv1")
    disk.fill(leave=300_000)
    with daemon_on(disk, home, ANSWERPRINT_SCRATCH=str(disk.folder / "s")).start() as daemon:
        with daemon.client() as client:
            watch = Watch(daemon, client.submit(new_job(request))[0].id)
        assert_waits_for_room(watch.until("paused")["problem"], disk.folder)
        assert not watch.of("chunk")

        disk.make_room()
        watch.until("done")
    assert decode(request.output) == truth.pan


def test_an_output_folder_without_room_costs_no_chunk(disk: SmallDisk, home: Path, clips: Path, truth: Truth) -> None:
    request = small(clips / "pan.mkv", disk.folder / "out.mkv", codec="ffv1")
    with daemon_on(disk, home).start() as daemon:
        with daemon.client() as client:
            watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 1)
        disk.fill(leave=20_000)
        assert_waits_for_room(watch.until("paused")["problem"], disk.folder)
        assert_stays_paused(watch)
        assert not litter(disk.seen)
        assert not daemon.verify().errors
        computed = len(watch.of("chunk"))

        disk.make_room()
        watch.until("done")
        assert len(watch.of("chunk")) == computed
        assert decode(str(disk.seen / "out.mkv")) == truth.pan
        assert not litter(disk.seen)


def test_a_journal_without_room_loses_nothing_and_goes_on(
    home: Path, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    request = small(clips / "pan.mkv", tmp_path / "out.mkv", codec="ffv1")
    try:
        disk = SmallDisk(home / "state")
    except NoDiskError as error:
        pytest.skip(str(error))
    with disk, daemon_on(disk, home).start() as daemon, daemon.client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 1)
        disk.fill()
        problems = await_value(lambda: client.info().problems)
        assert any("journal" in problem and "full" in problem for problem in problems), problems

        disk.make_room()
        watch.until("done")
        assert await_value(lambda: not client.info().problems)
        numbers = [chunk.chunk for chunk in watch.chunks()]
        assert numbers == sorted(set(numbers)), "a chunk was reported twice"
        doctor = subprocess.run(
            [*disk.wrapper, sys.executable, "-m", "answerprint", "doctor", "--verify"],
            env={**os.environ, "ANSWERPRINT_HOME": str(home)},
            capture_output=True,
            text=True,
        )
        assert doctor.returncode == 0, doctor.stdout
    assert decode(request.output) == truth.pan
