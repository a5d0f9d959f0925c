"""How `answerprint restore` tells of its job, and what it does with it, whatever happens; the daemon is in memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from answerprint.api.job import JobState
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from cli.program import Program, error_lines
from server.harness import Running, await_until

RESTORE = ("restore", "clip.mov", "out.mov")
PROBLEM = {"code": "bad_media", "message": "The clip is a poem.", "remedy": "Film something.", "exit_code": 2}

pytestmark = pytest.mark.usefixtures("clip")


class Play:
    """A command at work, and its job in a daemon that does what the test says."""

    def __init__(self, process: subprocess.Popen[str], server: Running) -> None:
        self.process, self._server = process, server
        await_until(lambda: "watch" in server.daemon.calls or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        (self.job,) = server.daemon.jobs

    @property
    def state(self) -> JobState:
        return self._server.daemon.jobs[self.job].state

    def tell(self, event: Message) -> None:
        self._server.call(self._server.daemon.tell, self.job, event)

    def becomes(self, state: JobState, **more: Any) -> None:  # noqa: ANN401
        self._server.call(lambda: self._server.daemon.change(self.job, state, **more))

    def progress(self, done: int) -> None:
        self.tell(events.progress("denoise", done, 4, seconds_per_frame=0.5, eta_seconds=9.0, step=1, steps=2))

    def done(self) -> None:
        daemon = self._server.daemon

        def finish() -> None:
            job = daemon.jobs[self.job] = replace(daemon.jobs[self.job], state=JobState.DONE)
            counts: events.FlowCounts = {"hits": 1, "misses": 2}
            daemon.tell(self.job, events.done(job.output, 4, 2.0, flow_cache=counts, peak_memory_bytes=10))

        self._server.call(finish)

    def until(self, name: str) -> Message:
        """Read JSON events up to one of that name."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: Message = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"no {name}")

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; returns exit code and what else was said."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """What a Ctrl-C in the terminal does."""
        os.killpg(self.process.pid, number)


@pytest.fixture
def play(program: Program, memory_daemon: Running) -> Iterator[Callable[..., Play]]:
    """Start a command and take over its job."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Play:
        processes.append(program.start(*(arguments or RESTORE)))
        return Play(processes[-1], memory_daemon)

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_events_are_json_lines_and_the_last_is_done(play: Callable[..., Play], program: Program) -> None:
    job = play(*RESTORE, "--json")
    job.becomes(JobState.RUNNING)
    job.tell(events.stage("load"))
    job.progress(1)
    assert job.until("progress")["frames_done"] == 1
    job.done()
    code, out, err = job.end()
    assert (code, err) == (0, "")
    (last,) = [json.loads(line) for line in out.splitlines()]
    assert (last["event"], last["output"]) == ("done", str(program.folder / "out.mov"))


def test_a_job_ends_with_the_path_of_its_output_and_the_speed(play: Callable[..., Play], program: Program) -> None:
    job = play()
    job.done()
    assert job.end()[:2] == (0, f"{program.folder / 'out.mov'}\n4 frames in 2 s, 0.50 s/frame\n")


def test_settings_reach_the_daemon(play: Callable[..., Play], program: Program, memory_daemon: Running) -> None:
    job = play(*RESTORE, "--seed", "7", "--scale", "3/2", "--no-consistency", "--model", "tiny-x4", "--option", "eta=1")
    expected = {"seed": 7, "scale": "3/2", "consistency": False, "options": {"eta": "1"}, "chunk": None}
    request = memory_daemon.daemon.jobs[job.job].request
    assert request.items() >= expected.items()
    assert request["input"] == str(program.folder / "clip.mov")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_is_told_in_plain_words(as_json: bool, play: Callable[..., Play]) -> None:
    job = play(*RESTORE, *(["--json"] if as_json else []))
    job.becomes(JobState.FAILED, problem=PROBLEM)
    code, out, err = job.end()
    assert code == 2
    if as_json:
        assert json.loads(out.splitlines()[-1]) == {"event": "error", **PROBLEM}
        assert err == ""
    else:
        assert error_lines(err) == ["answerprint: The clip is a poem.", "  Film something."]


def test_ctrl_c_cancels_the_job_and_exits_with_130(play: Callable[..., Play]) -> None:
    job = play(*RESTORE, "--json")
    job.progress(1)
    job.until("progress")
    job.interrupt()
    code, out, err = job.end()
    assert (code, err) == (130, "")
    assert json.loads(out.splitlines()[-1])["code"] == "interrupted"
    assert job.state is JobState.CANCELLED


def test_ctrl_c_tells_of_detached_jobs(play: Callable[..., Play]) -> None:
    job = play()
    job.interrupt()
    code, _, err = job.end()
    assert (code, job.state) == (130, JobState.CANCELLED)
    assert "--detach" in err


def test_a_job_that_was_done_before_it_could_be_cancelled_is_done(
    play: Callable[..., Play], memory_daemon: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = play(*RESTORE, "--json")
    cancel = memory_daemon.daemon.cancel

    async def too_late(reference: str) -> object:
        daemon = memory_daemon.daemon
        counts: events.FlowCounts = {"hits": 1, "misses": 2}
        found = daemon.jobs[job.job] = replace(daemon.jobs[job.job], state=JobState.DONE)
        daemon.tell(job.job, events.done(found.output, 4, 2.0, flow_cache=counts, peak_memory_bytes=10))
        return await cancel(reference)

    monkeypatch.setattr(memory_daemon.daemon, "cancel", too_late)
    job.interrupt()
    code, out, _ = job.end()
    assert code == 0
    assert json.loads(out.splitlines()[-1])["event"] == "done"


def test_a_request_to_end_cancels_the_job_and_exits_with_5(play: Callable[..., Play]) -> None:
    job = play(*RESTORE, "--json")
    job.process.terminate()
    code, out, _ = job.end()
    assert (code, job.state) == (5, JobState.CANCELLED)
    assert json.loads(out.splitlines()[-1])["code"] == "cancelled"


def test_a_job_goes_on_when_its_terminal_is_killed(play: Callable[..., Play], memory_daemon: Running) -> None:
    job = play()
    job.process.kill()
    job.end()
    await_until(lambda: memory_daemon.daemon.watchers == 0)
    assert job.state is JobState.QUEUED


def test_a_second_ctrl_c_leaves_at_once(
    play: Callable[..., Play], memory_daemon: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = play()
    asked = threading.Event()

    async def deaf(reference: str) -> object:
        asked.set()
        await memory_daemon.daemon.ended.wait()
        return await memory_daemon.daemon.get(reference)

    monkeypatch.setattr(memory_daemon.daemon, "cancel", deaf)
    job.interrupt()
    assert asked.wait(20)
    job.interrupt()
    _, err = job.process.communicate(timeout=3)  # less than the patience with a call
    assert job.process.returncode == 130
    assert "Traceback" not in err
    memory_daemon.call(memory_daemon.daemon.shut_down)


def test_a_reader_that_goes_away_ends_the_job_quietly(play: Callable[..., Play]) -> None:
    job = play(*RESTORE, "--json")
    job.progress(1)
    job.until("progress")
    assert job.process.stdout is not None
    job.process.stdout.close()
    job.progress(2)
    assert job.process.stderr is not None
    said = job.process.stderr.read()
    assert job.process.wait(timeout=30) == 5
    assert said == ""
    assert job.state is JobState.CANCELLED


def test_a_job_that_somebody_else_cancels_exits_with_5(play: Callable[..., Play]) -> None:
    job = play()
    job.becomes(JobState.CANCELLED)
    code, _, err = job.end()
    assert code == 5
    assert error_lines(err) == ["answerprint: Job 1 was cancelled."]


def test_a_paused_job_is_said_and_waited_for(play: Callable[..., Play]) -> None:
    job = play(*RESTORE, "--json")
    full = {**PROBLEM, "code": "disk_full", "message": "2 GiB are missing.", "remedy": "Make room."}
    job.becomes(JobState.PAUSED, problem=full)
    assert job.until("warning")["message"] == "Paused: 2 GiB are missing. Make room."
    job.becomes(JobState.QUEUED, problem=None)
    job.done()
    assert job.end()[0] == 0


def test_a_daemon_that_comes_back_is_followed(play: Callable[..., Play], memory_daemon: Running) -> None:
    job = play(*RESTORE, "--json")
    memory_daemon.restart()
    assert "Lost the connection to the daemon" in job.until("warning")["message"]
    await_until(lambda: "watch" in memory_daemon.daemon.calls)
    job.done()
    code, out, _ = job.end()
    assert code == 0
    assert json.loads(out.splitlines()[-1])["event"] == "done"


def test_a_job_behind_others_says_that_it_waits(
    program: Program, memory_daemon: Running, play: Callable[..., Play]
) -> None:
    assert program.run(*RESTORE, "--detach").returncode == 0
    process = program.start("restore", "clip.mov", "other.mov")
    assert process.stderr is not None
    with process:
        assert process.stderr.readline() == "waiting: 1 job ahead\n"
        process.kill()


def test_a_detached_job_is_told_by_number_and_id_and_goes_on(program: Program, memory_daemon: Running) -> None:
    result = program.run(*RESTORE, "--detach")
    assert result.returncode == 0
    (job,) = memory_daemon.daemon.jobs.values()
    assert result.stdout == f"job 1, {job.id}\n"
    assert "answerprint jobs watch 1" in result.stderr
    event = json.loads(program.run("restore", "clip.mov", "other.mov", "--detach", "--json").stdout)
    assert (event["event"], event["number"], event["output"]) == ("submitted", 2, str(program.folder / "other.mov"))
    assert {each.state for each in memory_daemon.daemon.jobs.values()} == {JobState.QUEUED}
