"""What a waiting person sees."""

from __future__ import annotations

import contextlib
import os
import pty
import termios
from collections.abc import Callable
from dataclasses import replace

import pytest

from answerprint.api.job import JobState
from answerprint.cli.console import Console
from answerprint.cli.progress import ProgressLines
from answerprint.ipc import events
from cli.program import Program
from fakes.daemon import FakeDaemon
from server.harness import Running, await_until


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    lines = ProgressLines(Console(), every_seconds=10, clock=lambda: now)
    lines.show(events.stage("load"))
    for second in range(25):
        now = float(second)
        lines.show(events.progress("denoise", second, 25, seconds_per_frame=1.0, eta_seconds=25.0 - second))
    assert capsys.readouterr().err.splitlines() == [
        "loading the model",
        "restoring: 10/25 frames, 1.00 s/frame, 15 s left",
        "restoring: 20/25 frames, 1.00 s/frame, 5 s left",
    ]


def read_terminal(ours: int, heard: Callable[[str], None]) -> str:
    """Read what goes to a terminal until its other side is closed; `heard` sees all of it whenever there is more."""
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal says that its other side is closed
        while part := os.read(ours, 4096):
            seen += part
            heard(seen.decode(errors="replace"))
    os.close(ours)
    return seen.decode()


@pytest.mark.usefixtures("clip")
def test_a_terminal_gets_a_bar_that_goes_when_the_job_is_done(program: Program, memory_daemon: Running) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with program.start("restore", "clip.mov", "out.mov", stderr=theirs) as process:
        os.close(theirs)
        await_until(lambda: "watch" in memory_daemon.daemon.calls)
        (job,) = memory_daemon.daemon.jobs
        progress = events.progress("denoise", 4, 4, seconds_per_frame=0.5, eta_seconds=9.0, step=1, steps=2)
        memory_daemon.call(memory_daemon.daemon.tell, job, progress)
        shown = read_terminal(
            ours, lambda seen: memory_daemon.call(finish, memory_daemon.daemon, job) if "9 s left" in seen else None
        )
        out, _ = process.communicate(timeout=60)
    assert "4/4 frames" in shown
    assert "0.50 s/frame" in shown
    assert "\n" not in shown.strip()
    assert out.splitlines()[-1] == "4 frames in 2 s, 0.50 s/frame"


@pytest.mark.usefixtures("clip")
def test_a_terminal_gets_a_table_that_renews_itself_until_all_jobs_have_ended(
    program: Program, memory_daemon: Running
) -> None:
    assert program.run("queue", "add", "clip.mov").returncode == 0
    (job,) = memory_daemon.daemon.jobs
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 60))
    with program.start("jobs", "watch", stdout=theirs) as process:
        os.close(theirs)
        shown = read_terminal(
            ours, lambda seen: memory_daemon.call(finish, memory_daemon.daemon, job) if "queued" in seen else None
        )
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    before, after = shown.split("\x1b[2F\x1b[J")
    assert ("queued" in before, "done" in after) == (True, True)
    assert all(len(line) <= 60 for line in before.splitlines())


def finish(daemon: FakeDaemon, job: str) -> None:
    """Let a job be done, once."""
    if daemon.jobs[job].state is not JobState.DONE:
        daemon.jobs[job] = replace(daemon.jobs[job], state=JobState.DONE)
        counts: events.FlowCounts = {"hits": 1, "misses": 2}
        daemon.tell(job, events.done(daemon.jobs[job].output, 4, 2.0, flow_cache=counts, peak_memory_bytes=10))
