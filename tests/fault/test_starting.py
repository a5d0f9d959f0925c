"""Many daemons at once, after an end that nobody cleaned up behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from answerprint.child import command
from fault.daemon import DaemonProcess
from fault.measure_jobs import measure_daemons_at_once

MANY = 20
ALREADY_RUNNING = 6


@pytest.mark.fault
@pytest.mark.parametrize("killed_before", [False, True])
def test_of_many_daemons_at_once_one_serves_and_no_other_touches_its_socket(killed_before: bool, home: Path) -> None:
    if killed_before:
        with DaemonProcess(home) as first:
            first.start()
        assert (home / "run" / "d.sock").exists(), "it left its socket behind"
    figures = measure_daemons_at_once(home.parent, MANY)
    assert all(figure.met for figure in figures), figures


def test_a_second_daemon_ends_with_6_and_the_first_serves_on(daemon: DaemonProcess) -> None:
    daemon.start()
    socket = (daemon.run / "d.sock").lstat()
    with DaemonProcess(daemon.home) as second:
        code, said = second.refused()
    assert code == ALREADY_RUNNING
    assert str(daemon.pid) in said
    assert (daemon.run / "d.sock").lstat().st_ino == socket.st_ino
    assert daemon.serves()


def test_a_killed_daemon_leaves_nothing_that_keeps_the_next_from_serving(daemon: DaemonProcess) -> None:
    for _ in range(3):
        daemon.start()
        daemon.kill()
    daemon.start()


def test_a_home_that_is_no_folder_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "h").write_text("a file")
    done = subprocess.run(
        command("daemon"),
        env={"ANSWERPRINT_HOME": str(tmp_path / "h"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (2, 3, 4)
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "h") in done.stderr
