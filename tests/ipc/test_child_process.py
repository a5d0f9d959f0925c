"""A child that ends in any way at all leaves the parent with a plain answer, and nothing running."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from answerprint.errors import JobFailedError
from answerprint.ipc.child_process import ChildProcess, EndTimeouts
from answerprint.ipc.messages import Message

SCRIPT = Path(__file__).parents[1] / "fakes" / "child_script.py"
QUICK = EndTimeouts(after_terminate_seconds=1.0, after_final_seconds=1.0)
KIND = EndTimeouts(after_terminate_seconds=30.0, after_final_seconds=30.0)


def start(scene: str, tmp_path: Path, patience: EndTimeouts = QUICK) -> ChildProcess:
    request = {"type": "restore", "output": str(tmp_path / "out.mov")}
    return ChildProcess([sys.executable, str(SCRIPT), scene], request, tmp_path / "child.log", timeouts=patience)


def play(scene: str, tmp_path: Path) -> list[Message]:
    with start(scene, tmp_path, KIND) as child:
        return list(child.events())


def until_progress(child: ChildProcess) -> None:
    for event in child.events():
        if event["event"] == "progress":
            return


def is_running(child: ChildProcess) -> bool:
    return child._process.poll() is None


def test_events_arrive_whole_and_in_order(tmp_path: Path) -> None:
    events = play("done", tmp_path)
    assert [event["event"] for event in events] == ["stage", "progress", "progress", "done"]
    assert [event["frames_done"] for event in events[1:3]] == [1, 4]
    assert events[-1]["seconds_per_frame"] == 0.5
    assert not (tmp_path / "child.log").exists(), "an empty log is kept"


def test_the_request_arrives_as_it_was_sent(tmp_path: Path) -> None:
    request = {"type": "restore", "output": "\udcff läuft 映画.mov", "options": {"a": "b"}, "size": [3, 4]}
    with ChildProcess([sys.executable, str(SCRIPT), "echo"], request, tmp_path / "log", timeouts=KIND) as child:
        events = list(child.events())
    assert events[1]["message"] == repr(sorted(request.items()))


def test_what_libraries_print_goes_to_the_log_and_not_among_the_events(tmp_path: Path) -> None:
    assert play("prints", tmp_path)[-1]["event"] == "done"
    log = (tmp_path / "child.log").read_text()
    assert log.splitlines() == ["a library talks", "a C library talks", "a grandchild talks"]


def test_libraries_that_read_standard_input_take_no_messages(tmp_path: Path) -> None:
    assert play("reads", tmp_path)[1]["message"] == "''"


def test_an_error_of_the_child_is_its_last_event(tmp_path: Path) -> None:
    last = play("error", tmp_path)[-1]
    assert last == {
        "event": "error",
        "code": "bad_media",
        "message": "The clip is a poem.",
        "remedy": "Film something.",
        "exit_code": 2,
    }


@pytest.mark.parametrize(
    ("scene", "says"),
    [
        ("crash", "exit code 1: RuntimeError: the lens cap was on"),
        ("silent", "exit code 0"),
        ("segv", "SIGSEGV"),
        ("killed", "SIGKILL"),
        ("garbage", "sent an invalid event"),
        ("not_json", "not JSON"),
        ("no_event", "picnic"),
        ("truncated", "of 500 bytes"),
    ],
)
def test_a_lost_child_is_a_failed_job_with_a_reason(scene: str, says: str, tmp_path: Path) -> None:
    with start(scene, tmp_path, KIND) as child, pytest.raises(JobFailedError) as failure:
        list(child.events())
    assert says in failure.value.message
    assert failure.value.remedy
    assert not is_running(child)


def test_a_program_that_does_not_exist_is_a_failed_job(tmp_path: Path) -> None:
    with pytest.raises(JobFailedError, match="Cannot start"):
        ChildProcess([str(tmp_path / "absent")], {}, tmp_path / "log")


def test_a_cancelled_child_cleans_up_and_says_so(tmp_path: Path) -> None:
    with start("patient", tmp_path, KIND) as child:
        until_progress(child)
        assert (tmp_path / "out.mov.partial").exists()
        final = child.cancel()
    assert final is not None
    assert (final["event"], final["code"]) == ("error", "cancelled")
    assert not (tmp_path / "out.mov.partial").exists()


def test_leaving_the_block_cancels_the_child(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), start("patient", tmp_path, KIND) as child:
        until_progress(child)
        raise KeyboardInterrupt
    assert not is_running(child)
    assert not (tmp_path / "out.mov.partial").exists()


def test_work_that_was_done_before_the_cancellation_is_done(tmp_path: Path) -> None:
    with start("too_late", tmp_path, KIND) as child:
        until_progress(child)
        final = child.cancel()
    assert final is not None
    assert final["event"] == "done"


@pytest.mark.parametrize("scene", ["deaf", "flood"])
def test_a_child_that_does_not_end_is_killed_in_time(scene: str, tmp_path: Path) -> None:
    with start(scene, tmp_path, EndTimeouts(0.3, 0.3)) as child:
        until_progress(child)
        began = time.monotonic()
        child.cancel()
        assert time.monotonic() - began < 5
    assert not is_running(child)


def test_a_finished_job_is_done_although_its_process_lingers(tmp_path: Path) -> None:
    with start("lingers", tmp_path) as child:
        assert list(child.events())[-1]["event"] == "done"
    assert not is_running(child)
