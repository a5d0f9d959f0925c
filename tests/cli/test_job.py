"""How the command tells of a job, whatever becomes of its child; the child is scripted."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator

import pytest

from .program import Program, error_lines

RESTORE = ("restore", "clip.mov", "out.mov")

pytestmark = pytest.mark.usefixtures("clip")


def until_progress(process: subprocess.Popen[str]) -> int:
    """Read JSON events up to the first progress; returns the child's pid, which the script tells."""
    assert process.stdout is not None
    pid = 0
    for line in process.stdout:
        event = json.loads(line)
        found = re.fullmatch(r"pid (\d+)", str(event.get("message", "")))
        pid = int(found[1]) if found else pid
        if event["event"] == "progress":
            return pid
    raise AssertionError("no progress")


def wait_for_end(pid: int, seconds: float) -> None:
    """Wait until a process that is no child of ours has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], seconds)[0], f"process {pid} still runs"
    finally:
        os.close(handle)


@pytest.fixture
def patient(program: Program) -> Iterator[subprocess.Popen[str]]:
    process = program.start(*RESTORE, "--json", scene="patient")
    yield process
    process.kill()
    process.communicate()


def test_events_are_json_lines_and_the_last_is_done(program: Program) -> None:
    result = program.run(*RESTORE, "--json", scene="done")
    assert result.returncode == 0
    assert result.stderr == ""
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["stage", "progress", "progress", "done"]
    assert events[-1]["output"] == str(program.folder / "out.mov")


def test_a_job_ends_with_the_path_of_its_output_and_the_speed(program: Program) -> None:
    result = program.run(*RESTORE, scene="done")
    assert result.returncode == 0
    assert result.stdout == f"{program.folder / 'out.mov'}\n4 frames in 2 s, 0.50 s/frame\n"


def test_settings_reach_the_child(program: Program) -> None:
    result = program.run(
        *RESTORE, "--json", "--seed", "7", "--scale", "3/2", "--no-consistency", "--option", "eta=1", scene="echo"
    )
    message = json.loads(result.stdout.splitlines()[1])["message"]
    for part in ("('seed', 7)", "('scale', '3/2')", "('consistency', False)", "('options', {'eta': '1'})"):
        assert part in message
    assert f"('input', {str(program.folder / 'clip.mov')!r})" in message


@pytest.mark.parametrize(
    ("scene", "code", "says"),
    [
        ("error", 2, "The clip is a poem."),
        ("crash", 4, "the lens cap was on"),
        ("killed", 4, "SIGKILL"),
        ("segv", 4, "SIGSEGV"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_is_told_in_plain_words(scene: str, code: int, says: str, as_json: bool, program: Program) -> None:
    result = program.run(*RESTORE, *(["--json"] if as_json else []), scene=scene)
    assert result.returncode == code
    assert "Traceback" not in result.stderr + result.stdout
    if as_json:
        last = json.loads(result.stdout.splitlines()[-1])
        assert (last["event"], result.stderr) == ("error", "")
        assert says in last["message"]
        assert last["remedy"]
    else:
        assert len(error_lines(result.stderr)) == 2
        assert says in result.stderr


def test_what_a_crashed_child_said_is_kept_in_a_log(program: Program) -> None:
    result = program.run(*RESTORE, scene="crash")
    (log,) = (program.home / "logs").iterdir()
    assert "lens cap" in log.read_text()
    assert str(log) in result.stderr


def test_ctrl_c_cancels_the_child_and_exits_with_130(program: Program, patient: subprocess.Popen[str]) -> None:
    child = until_progress(patient)
    assert (program.folder / "out.mov.partial").exists()
    os.killpg(patient.pid, signal.SIGINT)
    out, err = patient.communicate(timeout=30)
    assert patient.returncode == 130
    assert json.loads(out.splitlines()[-1])["code"] == "interrupted"
    assert err == ""
    assert not (program.folder / "out.mov.partial").exists()
    wait_for_end(child, 0)


def test_a_request_to_end_cancels_the_child_and_exits_with_5(program: Program, patient: subprocess.Popen[str]) -> None:
    until_progress(patient)
    patient.terminate()
    out, _ = patient.communicate(timeout=30)
    assert patient.returncode == 5
    assert json.loads(out.splitlines()[-1])["code"] == "cancelled"
    assert not (program.folder / "out.mov.partial").exists()


def test_a_child_whose_parent_was_killed_cleans_up_and_ends(program: Program, patient: subprocess.Popen[str]) -> None:
    child = until_progress(patient)
    patient.kill()
    wait_for_end(child, 30)
    assert not (program.folder / "out.mov.partial").exists()


def test_a_child_that_was_killed_is_a_failed_job(program: Program, patient: subprocess.Popen[str]) -> None:
    os.kill(until_progress(patient), signal.SIGKILL)
    out, _ = patient.communicate(timeout=30)
    assert patient.returncode == 4
    assert "SIGKILL" in json.loads(out.splitlines()[-1])["message"]


def test_a_second_ctrl_c_ends_a_deaf_child_at_once(program: Program) -> None:
    process = program.start(*RESTORE, scene="deaf")
    assert process.stderr is not None
    child = 0
    for line in process.stderr:
        if found := re.search(r"pid (\d+)", line):
            child = int(found[1])
            os.killpg(process.pid, signal.SIGINT)
        if "again" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    process.communicate(timeout=8)  # less than the patience with a child that was asked to end
    assert process.returncode == 130
    wait_for_end(child, 0)


def test_a_reader_that_goes_away_ends_the_job_quietly(program: Program) -> None:
    process = program.start(*RESTORE, "--json", scene="talks")
    child = until_progress(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    assert process.wait(timeout=60) == 5
    assert said == ""
    process.stderr.close()
    wait_for_end(child, 0)
