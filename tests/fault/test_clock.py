"""A wall clock that is set by a day while jobs run: no order, no limit and no kept model depends on it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.api.types import NewJob
from fault.daemon import DaemonProcess
from fault.material import Decoded, decode, new_job, small
from fault.promise import Watch

pytestmark = pytest.mark.fault

DAY = 86400.0
PROGRAM = [sys.executable, "-P", str(Path(__file__).with_name("shifted_daemon.py"))]


@pytest.mark.parametrize("shift", [DAY, -DAY])
def test_a_clock_that_is_set_while_jobs_run_changes_nothing(
    shift: float, home: Path, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    with DaemonProcess(home, env={"SHIFT_FILE": str(clock)}, program=PROGRAM).start() as daemon:
        with daemon.client() as client:
            requests = [small(clips / "few.mkv", tmp_path / f"{n}.mkv", codec="ffv1") for n in range(3)]
            watches = [Watch(daemon, client.submit(new_job(request))[0].id) for request in requests]
            watches[0].until("chunk", 1)
            clock.write_text(str(shift))
            for watch in watches:
                watch.until("done")
            assert [model.model for model in client.info().warm_models] == ["tiny-x4"], "it was kept for 5 minutes"
            assert client.list([JobState.DONE]).total == 3, "none was forgotten as too old"
        assert not any(watch.of("warning") for watch in watches)
        assert not daemon.verify().errors
    assert [decode(request.output) for request in requests] == [expected] * 3


def test_a_job_that_waits_for_an_hour_begins_when_the_clock_says_so(
    home: Path, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    request = small(clips / "few.mkv", tmp_path / "out.mkv", codec="ffv1")
    shifted = DaemonProcess(home, env={"SHIFT_FILE": str(clock)}, program=PROGRAM)
    with shifted.start() as daemon, daemon.client() as client:
        job = new_job(request)
        later = NewJob(job.id, job.kind, job.request, not_before=time.time() + DAY / 2)
        watch = Watch(daemon, client.submit(later)[0].id)
        assert client.get(job.id).state is JobState.QUEUED
        clock.write_text(str(DAY))
        watch.until("done")  # it looks at the clock twice a minute
    assert decode(request.output) == expected
