"""Ends and pauses of processes other than by kill -9: asked for, crashed, out of memory, hung, stopped."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from pathlib import Path

import pytest

from answerprint.store.failpoints import ONCE_VARIABLE, VARIABLE
from fault.conftest import Truth
from fault.daemon import DaemonProcess, await_value
from fault.material import Decoded, decode, litter, make_clip, new_job, small
from fault.promise import Watch, broken_promises

pytestmark = pytest.mark.fault

MOST_SECONDS_TO_END = 10.0
STOPPED_SECONDS = 3.0


def submit(daemon: DaemonProcess, clips: Path, output: Path, name: str = "pan") -> Watch:
    with daemon.client() as client:
        return Watch(daemon, client.submit(new_job(small(clips / f"{name}.mkv", output, codec="ffv1")))[0].id)


def end(daemon: DaemonProcess) -> None:
    """Ask it to end, as a logout or an upgrade does."""
    began = time.monotonic()
    assert daemon.kill(signal.SIGTERM) == 0
    assert time.monotonic() - began < MOST_SECONDS_TO_END


def test_sigterm_ends_a_daemon_at_work_and_the_next_one_goes_on(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    for count in (1, 3, 5):
        watch.until("chunk", count)
        time.sleep(random.uniform(0.0, 0.3))  # noqa: S311 - any moment in a chunk
        end(daemon)
        assert not litter(daemon.home, tmp_path)
        assert not daemon.verify().errors
        daemon.start()
        assert not broken_promises(daemon, [watch]).lost
    watch.until("muxing")
    end(daemon)
    daemon.start()
    watch.until("done")
    assert "failed" not in watch.kinds()
    assert not watch.of("warning"), "an end that was asked for is no loss"
    assert decode(str(tmp_path / "out.mkv")) == truth.pan
    assert not litter(daemon.home, tmp_path)


def test_sigterm_while_the_model_loads_ends_in_time(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv", "few")
    await_value(lambda: daemon.children("device"))
    end(daemon)
    watch_again = daemon.start()
    watch.until("done")
    assert decode(str(tmp_path / "out.mkv")) == expected
    assert not watch_again.verify().errors


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_worker_that_crashes_is_named_and_replaced(
    number: signal.Signals, daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("chunk", 2)
    os.kill(daemon.children("device")[0], number)
    assert number.name in str(watch.until("warning")["message"])
    watch.until("done")
    assert not broken_promises(daemon, [watch]).lost
    assert decode(str(tmp_path / "out.mkv")) == truth.pan
    assert not litter(daemon.home, tmp_path)


def test_a_daemon_that_aborts_is_as_one_that_was_killed(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("chunk", 2)
    assert daemon.kill(signal.SIGABRT) == -signal.SIGABRT
    daemon.start()
    watch.until("done")
    assert not broken_promises(daemon, [watch]).lost
    assert decode(str(tmp_path / "out.mkv")) == truth.pan


def test_a_worker_without_memory_says_so_and_goes_on_when_there_is_some(daemon: DaemonProcess, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", 8)
    request = small(clip, tmp_path / "out.mkv", codec="ffv1")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 1)
        worker = daemon.children("device")[0]
        _, hard = resource.prlimit(worker, resource.RLIMIT_AS)
        resource.prlimit(worker, resource.RLIMIT_AS, (1 << 20, hard))  # no allocation from the system succeeds
        said = await_value(lambda: watch.of("adapted") or watch.of("warning") or watch.of("failed") or watch.of("done"))
        if watch.of("done"):
            pytest.skip("it had all the memory that it needed already")
        assert "emory" in str(said[-1]), said
        assert not daemon.verify().errors

        if worker in daemon.children("device"):
            resource.prlimit(worker, resource.RLIMIT_AS, (hard, hard))
        await_value(lambda: watch.of("done") or watch.of("failed"))
        if watch.of("failed"):
            client.retry(watch.job)
            watch.again()
            watch.until("done")
    assert not broken_promises(daemon, [watch]).lost
    assert len(decode(request.output).frames) == 8
    assert not litter(daemon.home, tmp_path)


def test_a_worker_that_hangs_is_ended_and_replaced(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    once = tmp_path / "once"
    once.touch()
    daemon.env |= {VARIABLE: "after_decode:hang:2", ONCE_VARIABLE: str(once), "ANSWERPRINT_HANG_SECONDS": "30"}
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv", "few")
    assert "did not answer" in str(watch.until("warning")["message"])
    watch.until("done")
    assert decode(str(tmp_path / "out.mkv")) == expected


@pytest.mark.parametrize("who", ["daemon", "device"])
def test_a_process_that_was_stopped_for_a_while_goes_on(
    who: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("chunk", 1)
    pid = daemon.pid if who == "daemon" else daemon.children("device")[0]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)
    os.kill(pid, signal.SIGCONT)
    watch.until("done")
    assert not watch.of("warning")
    assert not broken_promises(daemon, [watch]).lost
    assert decode(str(tmp_path / "out.mkv")) == truth.pan


def test_the_workers_of_a_killed_daemon_end_by_themselves(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv", "few")
    watch.until("started")
    orphans = [*daemon.children("device"), *daemon.children("media")]
    assert orphans
    daemon.kill()
    await_value(lambda: not any(alive(pid) for pid in orphans), 5.0)
    daemon.start()
    watch.until("done")
    assert decode(str(tmp_path / "out.mkv")) == expected


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie: nobody may wait for an orphan here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
