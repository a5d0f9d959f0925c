"""The daemon is started, looked at and stopped; jobs outlive it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from answerprint import __version__
from cli.daemons import daemon_at, next_worker, steering_in
from cli.program import Program, error_lines
from cli.runner import CliRunner


@pytest.fixture
def lone(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program in a home without a daemon; one that it starts is ended."""
    program.home = tmp_path_factory.mktemp("h")  # short: it will have a socket in it
    yield program
    program.run("daemon", "stop")


def test_a_daemon_is_started_once_looked_at_and_stopped(lone: Program) -> None:
    for action in ("status", "stop"):
        nothing = lone.run("daemon", action)
        assert nothing.returncode == 3
        assert "answerprint daemon start" in error_lines(nothing.stderr)[1]
    began = json.loads(lone.run("daemon", "start", "--json").stdout)
    assert (began["state"], began["started"]) == ("serving", True)
    again = lone.run("daemon", "start")
    assert (again.returncode, f"is already running (process {began['pid']})" in again.stdout) == (0, True)
    status = json.loads(lone.run("daemon", "status", "--json").stdout)
    assert (status["pid"], status["version"], status["suspended"]) == (began["pid"], __version__, False)
    stopped = lone.run("daemon", "stop")
    assert (stopped.returncode, f"process {began['pid']}" in stopped.stdout) == (0, True)
    assert not (lone.home / "run" / "session.json").exists()
    assert lone.run("daemon", "status", "--json").returncode == 3


def test_a_command_that_needs_a_daemon_starts_one_and_says_so(lone: Program, clip: object) -> None:
    added = lone.run("queue", "add", "clip.mov", "--not-before", "+2h")
    assert added.returncode == 0, added.stderr
    assert "Started the daemon" in added.stderr
    assert "answerprint daemon stop" in added.stderr
    stopped = lone.run("daemon", "stop")
    assert (stopped.returncode, "1 job is waiting" in stopped.stdout) == (0, True), stopped
    journal = lone.home / "state" / "journal.db"
    before = sorted((each.name, each.stat().st_mtime_ns) for each in journal.parent.iterdir())
    for arguments in (["jobs", "list"], ["queue", "show"], ["jobs", "show", "1"]):
        shown = lone.run(*arguments)
        assert (shown.returncode, "clip.mov" in shown.stdout) == (0, True), shown.stderr
        assert "No daemon is running. 1 job is waiting for it." in shown.stderr
        (as_json,) = [json.loads(line.strip(" [,]")) for line in lone.run(*arguments, "--json").stdout.splitlines()]
        assert as_json["state"] == "queued"
    assert sorted((each.name, each.stat().st_mtime_ns) for each in journal.parent.iterdir()) == before
    assert "1 job is waiting for it" in lone.run("daemon", "status").stderr
    woken = lone.run("jobs", "move", "1", "--priority", "5")
    assert (woken.returncode, "Started the daemon" in woken.stderr) == (0, True)
    (job,) = json.loads(lone.run("jobs", "list", "--json").stdout)
    assert (job["number"], job["state"], job["label"]) == (1, "queued", "clip.mov")


@pytest.mark.parametrize(
    ("written", "said", "remedy"),
    [
        ('threads = "few"', "line 2: threads must be a whole number, not 'few'.", "Give one, such as 4."),
        ("threads = ", "line 2, cannot be read (Invalid value): 'threads ='.", "Write each setting as NAME = VALUE"),
    ],
)
def test_a_mistake_in_the_settings_is_said_by_whatever_starts_the_daemon(
    written: str, said: str, remedy: str, lone: Program, clip: object
) -> None:
    file = lone.home / "config.toml"
    file.write_text(f"# ours\n{written}\n")
    result = lone.run("daemon", "start")
    assert result.returncode == 3
    message, way_out = error_lines(result.stderr)
    assert message == f"answerprint: The daemon did not start: {file}, {said}"
    assert way_out.strip().startswith(remedy)
    queued = lone.run("queue", "add", "clip.mov")
    assert queued.returncode in (2, 3)
    assert f"{file}, {said}" in queued.stderr
    looked = lone.run("doctor")
    assert looked.returncode == 4
    assert f"PROBLEM  settings: {file}, {said}\n         {remedy}" in looked.stdout


@pytest.mark.parametrize("protocol", [0, 99], ids=["older", "newer"])
def test_a_daemon_of_another_version_is_stopped_all_the_same(protocol: int, lone: Program) -> None:
    process = json.loads(lone.run("daemon", "start", "--json").stdout)["pid"]
    file = lone.home / "run" / "session.json"
    os.kill(process, signal.SIGSTOP)  # it would write its own session file again
    file.write_text(json.dumps(json.loads(file.read_text()) | {"protocol": protocol}))
    refused = lone.run("daemon", "start")
    os.kill(process, signal.SIGCONT)
    assert (refused.returncode, "answerprint daemon stop" in error_lines(refused.stderr)[1]) == (3, True)
    assert f"has stopped (process {process})" in lone.run("daemon", "stop").stdout
    again = json.loads(lone.run("daemon", "start", "--json").stdout)
    assert again["started"]
    assert again["pid"] != process


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_is_watched_on_when_its_daemon_was_ended_and_started_again(
    end: signal.Signals, lone: Program, tmp_path: Path
) -> None:
    (lone.folder / "patient.mov").touch()
    steering = steering_in(tmp_path / "control")
    with ExitStack() as stack:
        daemon = stack.enter_context(daemon_at(lone.home, steering))
        watching = stack.enter_context(lone.start("restore", "patient.mov", "out.mov", "--json"))
        stack.callback(watching.kill)
        first = next_worker(watching, steering)
        daemon.send_signal(end)
        daemon.wait(20)
        stack.enter_context(daemon_at(lone.home, steering))
        assert next_worker(watching, steering) != first
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert err == ""
    assert json.loads(out.splitlines()[-1])["code"] == "interrupted"


def test_the_status_says_what_is_warm_and_what_is_wrong(runner: CliRunner) -> None:
    runner("models", "load", "tiny-x4", "--keep-alive", "forever")
    runner("queue", "suspend", "--reason", "rendering")
    said = runner("daemon", "status").out
    for says in (
        "version 1.2.3",
        f"this program is version {__version__}",
        "tiny-x4 on cpu, 1.0 MiB, kept until unloaded",
        "yes (rendering)",
        "cpu: 2 cores, 1.0 GiB, 512.0 MiB free",
        "64.0 MiB of memory",
    ):
        assert says in said
    data = runner("daemon", "status", "--json").json
    assert (data["event"], data["suspend_reason"], data["warm_models"][0]["bytes"]) == ("daemon", "rendering", 1 << 20)


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200.0), ("0", 0.0), ("forever", -1.0)])
def test_models_are_loaded_to_stay_for_so_long_and_unloaded(text: str, seconds: float, runner: CliRunner) -> None:
    loaded = runner("models", "load", "tiny-x4", "--device", "cpu", "--keep-alive", text)
    assert loaded.code == 0, loaded.err
    assert f"load tiny-x4 cpu {seconds}" in runner.daemon.calls
    assert "tiny-x4 is loaded: 1.0 MiB on cpu, loaded in 0.5 s" in loaded.out
    assert runner("models", "unload", "tiny-x4").out == "1 model unloaded.\n"
    assert runner("models", "unload", "--json").json == {"event": "unloaded", "models": 0}


def test_only_models_that_are_here_are_loaded_and_only_for_spans(runner: CliRunner) -> None:
    for arguments, says in ((["ldm-sr-x4"], "ldm-sr-x4"), (["tiny-x4", "--keep-alive", "long"], "10m")):
        refused = runner("models", "load", *arguments)
        assert refused.code == 2
        assert re.search(says, refused.err)
    assert not runner.daemon.warm


@pytest.mark.parametrize("gone", ["run", "socket", "session"])
def test_a_daemon_whose_way_was_removed_comes_back_and_stays_the_only_one(gone: str, lone: Program) -> None:
    run = lone.home / "run"
    with daemon_at(lone.home) as daemon:
        if gone == "run":
            shutil.rmtree(run)
        else:
            (run / {"socket": "d.sock", "session": "session.json"}[gone]).unlink()
        again = json.loads(lone.run("daemon", "start", "--json").stdout)
        assert (again["pid"], daemon.poll()) == (daemon.pid, None)
        assert lone.run("daemon", "stop").returncode == 0
        assert daemon.wait(20) == 0


def test_a_daemon_that_cannot_be_reached_is_stopped_by_its_lock(lone: Program) -> None:
    """Something else stands where its folder was: it cannot come back by itself."""
    with daemon_at(lone.home) as daemon:
        shutil.rmtree(lone.home / "run")
        (lone.home / "run").write_text("mine")
        stopped = lone.run("daemon", "stop")
        assert (stopped.returncode, f"process {daemon.pid}" in stopped.stdout) == (0, True), stopped.stderr
        assert daemon.wait(20) == 0
    assert (lone.home / "run").read_text() == "mine"
    (lone.home / "run").unlink()


def test_a_daemon_whose_journal_folder_was_removed_ends(lone: Program) -> None:
    with daemon_at(lone.home) as daemon:
        shutil.rmtree(lone.home / "state")
        assert daemon.wait(20) == 0
