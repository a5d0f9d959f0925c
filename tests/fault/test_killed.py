"""Kill -9, at moments that were chosen and at moments that nobody chose."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from answerprint.store.failpoints import VARIABLE
from fault.conftest import Truth
from fault.crashes import POINTS, crash_at, few_frames
from fault.daemon import DaemonProcess, await_value
from fault.killer import run
from fault.material import Decoded, Untouched, decode, litter, new_job, small
from fault.promise import Watch, broken_promises


def test_nothing_reported_is_lost_when_daemon_worker_and_muxer_are_killed(
    daemon: DaemonProcess, clips: Path, tmp_path: Path
) -> None:
    untouched = Untouched(clips)
    watches = []
    with daemon.start().client() as client:
        for name in ("killed", "spared"):
            request = few_frames(clips, tmp_path / f"{name}.mkv")
            watches.append(Watch(daemon, client.submit(new_job(request))[0].id))
    watches[0].until("chunk", 1)
    daemon.kill()
    daemon.start()
    watches[0].until("chunk", 2)
    os.kill(await_value(lambda: daemon.children("device"))[0], signal.SIGKILL)
    watches[0].until("muxing")
    os.kill(await_value(lambda: daemon.children("media"))[-1], signal.SIGKILL)
    watches[0].until("done")
    assert not broken_promises(daemon, watches).lost
    assert not daemon.verify().errors
    watches[1].until("done")
    assert daemon.kill(signal.SIGTERM) == 0

    assert any("SIGKILL" in event["message"] for event in watches[0].of("warning"))
    assert decode(str(tmp_path / "killed.mkv")) == decode(str(tmp_path / "spared.mkv"))
    assert not litter(daemon.home, tmp_path)
    assert not list(daemon.scratch.iterdir())
    untouched.check()


@pytest.mark.fault
def test_nothing_is_lost_by_kills_at_random(tmp_path_factory: pytest.TempPathFactory) -> None:
    seed = random.randrange(2**32)  # noqa: S311 - new moments each time, named where they find something
    killed = run(20, seed, tmp_path_factory.mktemp("k"))
    assert killed.clean, (seed, killed)


@pytest.mark.fault
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_on_the_way_to_the_disk_loses_nothing(
    point: str, tmp_path_factory: pytest.TempPathFactory, expected: Decoded
) -> None:
    nth = 1
    while (crashed := crash_at(point, nth, tmp_path_factory.mktemp("c") / "x", expected)).crashes:  # type: ignore[arg-type]
        assert crashed.clean, (nth, crashed)
        nth += 1
    assert crashed.clean, crashed
    assert nth > 1, "the place was never reached"


@pytest.mark.fault
def test_the_third_loss_in_one_chunk_fails_the_job_and_a_retry_keeps_what_is_done(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = "after_denoise:kill:2"  # a new worker always gets one chunk further
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(few_frames(clips, tmp_path / "out.mkv")))[0].id)
        watch.until("done")
        daemon.kill()

        daemon.env[VARIABLE] = "carry_after_rename:kill:1"  # and now none gets anywhere
        daemon.start()
        job = new_job(few_frames(clips, tmp_path / "second.mkv"))
        watch = Watch(daemon, client.submit(job)[0].id)
        problem = watch.until("failed")["problem"]
        assert "3 times" in problem["message"], problem
        assert "SIGKILL" in problem["message"], problem
        assert not litter(daemon.home, tmp_path)
        assert not daemon.verify().errors
        daemon.kill()

        del daemon.env[VARIABLE]
        daemon.start()
        client.retry(job.id)
    watch.again()
    watch.until("done")
    assert decode(str(tmp_path / "out.mkv")) == decode(str(tmp_path / "second.mkv")) == expected


@pytest.mark.fault
def test_chunks_of_a_failed_job_are_used_when_it_is_tried_again(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    request = small(clips / "pan.mkv", tmp_path / "out.mkv", codec="ffv1")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 2)
        while not watch.of("failed"):
            for pid in daemon.children("device"):
                os.kill(pid, signal.SIGKILL)
        before = len(watch.chunks())
        assert before >= 2
        assert not daemon.verify().errors
        client.retry(watch.job)
        watch.again()
        watch.until("done")
    assert not broken_promises(daemon, [watch]).lost  # none was reported twice
    assert decode(request.output) == truth.pan
