"""What a waiting person sees."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

import pytest

from answerprint.cli.console import Console
from answerprint.cli.progress import ProgressLines, duration
from answerprint.frames import events

from .program import SCRIPTED, Program


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_times_are_said_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


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


@pytest.mark.usefixtures("clip")
def test_a_terminal_gets_a_bar_that_goes_when_the_job_is_done(program: Program) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, str(SCRIPTED), "done", "restore", "clip.mov", "out.mov"]
    environment = {**os.environ, "ANSWERPRINT_HOME": str(program.home), "TERM": "xterm"}
    with subprocess.Popen(
        command, cwd=program.folder, env=environment, stderr=theirs, stdout=subprocess.PIPE, text=True
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # how a terminal says that its other side is closed
            pass
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    shown = seen.decode()
    assert "4/4 frames" in shown
    assert "0.50 s/frame" in shown
    assert "9 s left" in shown
    assert "\n" not in shown.strip()
    assert out.splitlines()[-1] == "4 frames in 2 s, 0.50 s/frame"
