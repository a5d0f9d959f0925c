"""A disk that fails to write, once and again, at each place on the way of a chunk to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.errors import AnswerprintError
from answerprint.store.failpoints import VARIABLE
from fault.crashes import few_frames
from fault.daemon import DaemonProcess, await_value
from fault.material import Decoded, decode, litter, new_job
from fault.promise import Watch, broken_promises

pytestmark = pytest.mark.fault

ON_DISK = (
    "segment_before_fsync", "segment_after_rename", "carry_after_rename", "before_receipt", "after_receipt",
)  # fmt: skip


def submit(daemon: DaemonProcess, clips: Path, output: Path) -> Watch:
    with daemon.client() as client:
        return Watch(daemon, client.submit(new_job(few_frames(clips, output)))[0].id)


@pytest.mark.parametrize("point", ON_DISK)
def test_a_write_that_fails_once_is_done_again_in_a_new_file(
    point: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = f"{point}:raise-eio:1"
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("done")
    assert "paused" not in watch.kinds()
    assert decode(str(tmp_path / "out.mkv")) == expected
    assert not litter(daemon.home, tmp_path)


@pytest.mark.parametrize("point", ON_DISK)
def test_a_write_that_fails_twice_pauses_the_job_and_the_user_resumes_it(
    point: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = f"{point}:raise-eio:1,{point}:raise-eio:2"
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    problem = watch.until("paused")["problem"]
    assert problem["code"] == "storage", problem
    assert problem["remedy"]
    assert not litter(daemon.home, tmp_path)
    assert not daemon.verify().errors

    with daemon.client() as client:  # a third failure does not come
        client.resume(watch.job)
    watch.until("done")
    assert not broken_promises(daemon, [watch]).lost
    assert decode(str(tmp_path / "out.mkv")) == expected


@pytest.mark.parametrize("point", ON_DISK)
def test_a_disk_that_was_full_for_a_moment_pauses_the_job_for_a_moment(
    point: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = f"{point}:raise-enospc:2"
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    problem = watch.until("paused")["problem"]
    assert (problem["code"], problem["needed_bytes"] > 0) == ("disk_full", True), problem
    assert problem["folder"] == str(daemon.scratch / watch.job)
    watch.until("done")  # there is room: nobody has to ask
    assert decode(str(tmp_path / "out.mkv")) == expected
    assert not litter(daemon.home, tmp_path)


@pytest.mark.parametrize("nth", range(2, 10))
@pytest.mark.parametrize("action", ["raise-eio", "raise-enospc"])
def test_a_journal_that_cannot_be_written_for_a_moment_stops_no_job_for_good(
    nth: int, action: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = f"journal_before_commit:{action}:{nth}"
    watch = submit_somehow(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("done")
    assert not broken_promises(daemon, [watch]).lost
    assert not daemon.verify().errors
    with daemon.client() as client:
        assert await_value(lambda: not client.info().problems)
        assert client.get(watch.job).state is JobState.DONE
    assert decode(str(tmp_path / "out.mkv")) == expected
    assert not litter(daemon.home, tmp_path)


def submit_somehow(daemon: DaemonProcess, clips: Path, output: Path) -> Watch:
    """Submit again where it was refused, as a user does."""
    job = new_job(few_frames(clips, output))
    with daemon.client() as client:
        try:
            client.submit(job)
        except AnswerprintError as error:
            assert error.code in ("journal", "disk_full"), error
            client.submit(job)
    return Watch(daemon, job.id)
