"""The folder of an output is made where it is missing; whoever sits at a terminal is asked first, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.errors import InputError
from cli.program import Program
from cli.runner import CliRunner
from media.makers import make_movie
from server.harness import Running

pytestmark = pytest.mark.usefixtures("clip")


@pytest.fixture
def clips(runner: CliRunner) -> list[str]:
    return [str(make_movie(runner.folder / f"{name}.mov", 2)) for name in ("one", "two")]


def test_a_queue_for_a_folder_that_is_missing_makes_it_and_says_so(runner: CliRunner, clips: list[str]) -> None:
    said = runner("queue", "add", *clips, "--output-folder", str(runner.folder / "restored"))
    assert said.code == 0
    assert said.err.count("Created the folder") == 1
    assert {Path(job.output).parent for job in runner.daemon.jobs.values()} == {runner.folder / "restored"}
    assert (runner.folder / "restored").is_dir()


def test_pictures_get_their_folder_too(runner: CliRunner, clips: list[str]) -> None:
    assert runner("restore", clips[0], str(runner.folder / "shot" / "out.%04d.png"), "--detach").code == 0
    assert (runner.folder / "shot").is_dir()


def test_no_folder_is_made_for_what_cannot_be_done(runner: CliRunner, clips: list[str]) -> None:
    said = runner("queue", "add", clips[0], "absent.mov", "--output-folder", str(runner.folder / "restored"))
    assert said.code == 2
    assert not (runner.folder / "restored").exists()


def test_a_folder_goes_again_if_the_daemon_refuses_all(
    runner: CliRunner, clips: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = InputError("The picture is damaged.")

    def refuse(self: Client, new: NewJob) -> NoReturn:
        raise refusal

    monkeypatch.setattr(Client, "submit", refuse)
    monkeypatch.setattr(Client, "submit_all", lambda self, jobs: [refusal for _ in jobs])
    assert runner("restore", clips[0], str(runner.folder / "shot" / "out.mov"), "--detach").code == 2
    assert runner("queue", "add", *clips, "--output-folder", str(runner.folder / "more")).code == 2
    assert not (runner.folder / "shot").exists()
    assert not (runner.folder / "more").exists()


def test_a_folder_that_is_a_file_is_refused(runner: CliRunner, clips: list[str]) -> None:
    said = runner("restore", clips[0], str(Path(clips[1]) / "out.mov"), "--detach")
    assert said.code == 2
    assert "is not a folder" in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of Unix")
@pytest.mark.parametrize(("answer", "code", "made"), [("\n", 0, True), ("yes\n", 0, True), ("n\n", 5, False)])
def test_at_a_terminal_the_user_is_asked_once(
    answer: str, code: int, made: bool, program: Program, memory_daemon: Running
) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "answerprint", "queue", "add", "clip.mov", "--output-folder", "restored"]
    environment = program.environment()
    with subprocess.Popen(command, cwd=program.folder, env=environment, stdin=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"[Y/n]" not in said:
            said += os.read(ours, 1000)
        os.write(ours, answer.encode())
        assert process.wait(60) == code
    os.close(ours)
    assert said.count(b"does not exist. Create it?") == 1
    assert (program.folder / "restored").is_dir() == made
    assert bool(memory_daemon.daemon.jobs) == made
