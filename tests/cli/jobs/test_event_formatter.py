"""What a daemon tells of a job is what `--json` prints: the events of the contract, and no others."""

from __future__ import annotations

from answerprint.api.job import JobEvent
from answerprint.cli.jobs.event_formatter import EventFormatter
from answerprint.ipc import events
from answerprint.ipc.messages import Message

NAMES = {"started", "stage", "progress", "chunk", "warning", "done", "error"}
PROBLEM = {"code": "disk_full", "message": "2 GiB are missing.", "remedy": "Make room.", "exit_code": 4}
FACTS: events.InputFacts = {"path": "/a", "width": 4, "height": 2, "rate": "25", "frames": 9, "range": (0, 9)}
OUTPUT: events.OutputFacts = {"path": "/b", "width": 8, "height": 4, "codec": "ffv1"}
STARTED = events.started(FACTS, OUTPUT, model="m", device="cpu")
DONE = events.done("/b", 9, 3.0, flow_cache={"hits": 1, "misses": 2}, peak_memory_bytes=5)


def state(name: str, problem: Message | None = None) -> Message:
    return {"event": "state", "state": name, "problem": problem}


def told(story: EventFormatter, *happened: Message) -> list[Message]:
    said = [event for n, event in enumerate(happened) for event in story.format(JobEvent(n + 1, 0.0, event))]
    assert {event["event"] for event in said} <= NAMES
    return said


def test_a_job_without_trouble_is_told_as_a_restoration_is() -> None:
    story = EventFormatter("id", 7)
    said = told(story, state("queued"), state("running"), STARTED, events.stage("load"), state("muxing"), DONE)
    assert [event["event"] for event in said] == ["started", "stage"]
    assert (said[0]["job"], said[0]["number"]) == ("id", 7)
    assert story.ending == DONE


def test_a_pause_is_said_with_its_reason_and_is_no_end() -> None:
    story = EventFormatter("id", 7)
    (full, user) = told(story, state("paused", PROBLEM), state("queued"), state("paused"))
    assert "2 GiB are missing. Make room." in full["message"]
    assert "answerprint jobs resume 7" in user["message"]
    assert story.ending is None


def test_a_failure_is_the_end_only_when_nothing_follows() -> None:
    story = EventFormatter("id", 7)
    assert not told(story, state("failed", PROBLEM))
    assert story.ending == {"event": "error", **PROBLEM}
    told(story, state("queued"))
    assert story.ending is None


def test_a_cancelled_job_ends_with_exit_code_5() -> None:
    story = EventFormatter("id", 7)
    told(story, state("cancelled"))
    assert story.ending is not None
    assert (story.ending["code"], story.ending["exit_code"]) == ("cancelled", 5)


def test_a_job_that_made_way_waits_for_its_turn() -> None:
    said = told(EventFormatter("id", 7), STARTED, events.stage("denoise"), state("queued"), state("running"))
    assert (said[-1]["event"], said[-1]["stage"]) == ("stage", "queue")


def test_a_stage_that_is_told_again_after_a_reconnection_is_said_once() -> None:
    said = told(EventFormatter("id", 7), events.stage("mux"), events.stage("mux"), events.stage("verify"))
    assert [event["stage"] for event in said] == ["mux", "verify"]


def test_what_was_adapted_is_a_warning() -> None:
    (said,) = told(EventFormatter("id", 7), events.adapted(2, "Smaller chunks from here on."))
    assert said == events.warning("Smaller chunks from here on.")


def test_a_state_of_a_later_version_says_nothing() -> None:
    assert not told(EventFormatter("id", 7), state(""))
