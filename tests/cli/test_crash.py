"""A worker that is lost: the daemon tries again, then says in plain words what happened; the workers are stand-ins."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.daemons import daemon_at, next_worker, steering_in
from cli.program import Program, error_lines
from fakes.steering import Steering


@pytest.fixture(scope="module")
def steering(tmp_path_factory: pytest.TempPathFactory) -> Steering:
    return steering_in(tmp_path_factory.mktemp("control"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, steering: Steering) -> Iterator[Path]:
    """Of a daemon whose workers play scenes."""
    folder = tmp_path_factory.mktemp("h")
    with daemon_at(folder, steering):
        yield folder


@pytest.fixture
def stage(program: Program, home: Path) -> Program:
    """The program before that daemon."""
    program.home = home
    return program


def restore(stage: Program, scene: str, *more: str) -> tuple[str, ...]:
    (stage.folder / f"{scene}.mov").touch()
    return "restore", f"{scene}.mov", "out.mov", *more


@pytest.mark.parametrize(
    ("scene", "code", "says", "as_json"),
    [
        ("bad", 2, "That is no film.", False),
        ("crash", 4, "something broke", False),
        ("crash", 4, "something broke", True),
        ("silent", 4, "exit code 0", False),
        ("killed", 4, "SIGKILL", True),
        ("aborted", 4, "SIGABRT", False),
    ],
)
def test_a_failure_is_told_in_plain_words(scene: str, code: int, says: str, as_json: bool, stage: Program) -> None:
    result = stage.run(*restore(stage, scene, *(["--json"] if as_json else [])))
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
        assert ("Trying again (3 of 3)" in result.stderr) == (code == 4)
    assert stage.files() == {f"{scene}.mov"}


def test_what_a_crashed_worker_said_is_kept_in_a_log(stage: Program) -> None:
    result = stage.run(*restore(stage, "crash"))
    named = re.findall(r"\S+\.log", error_lines(result.stderr)[1])
    assert "something broke" in Path(named[0].rstrip(".")).read_text()


def test_a_failed_job_is_retried_by_its_number(stage: Program) -> None:
    stage.run(*restore(stage, "bad"))
    job = json.loads(stage.run("jobs", "list", "--state", "failed", "--json").stdout)[0]
    assert stage.run("jobs", "retry", str(job["number"])).returncode == 0
    watched = stage.run("jobs", "watch", str(job["number"]))
    assert watched.returncode == 2
    assert error_lines(watched.stderr)[0] == "answerprint: That is no film."


def test_ctrl_c_stops_the_worker_and_leaves_nothing_behind(stage: Program, steering: Steering) -> None:
    process = stage.start(*restore(stage, "patient", "--json"))
    worker = next_worker(process, steering)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert stage.files() == {"patient.mov"}
    again = stage.start(*restore(stage, "patient", "--json"))
    assert next_worker(again, steering) == worker, "a worker that heard the cancellation takes the next job"
    again.terminate()
    again.communicate(timeout=30)
    assert again.returncode == 5


def test_a_worker_that_was_killed_is_replaced_and_the_job_goes_on(stage: Program, steering: Steering) -> None:
    process = stage.start(*restore(stage, "patient", "--json"))
    first = next_worker(process, steering)
    os.kill(first, signal.SIGKILL)
    assert next_worker(process, steering) != first
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
