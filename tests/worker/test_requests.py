"""Wishes reach the job that they are meant for, and a child without a parent does not stay."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Iterator

import pytest

from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import Message, MessageReader, MessageWriter, encode_message
from answerprint.worker.requests import Inbox, Request

DEADLINE_SECONDS = 30.0


class Pipe(io.BytesIO):
    """A stream that a test feeds."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: queue.Queue[bytes] = queue.Queue()
        self._rest = b""

    def feed(self, *messages: Message) -> None:
        for message in messages:
            self._parts.put(encode_message(message))

    def end(self, garbage: bytes = b"") -> None:
        if garbage:
            self._parts.put(garbage)
        self._parts.put(b"")

    def read(self, size: int | None = -1) -> bytes:
        if not self._rest:
            self._rest = self._parts.get()
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


class Parent:
    def __init__(self, **more: float) -> None:
        self.pipe = Pipe()
        self.ended = threading.Event()
        self.code: int | None = None
        channel = ChildChannel(MessageReader(self.pipe), MessageWriter(io.BytesIO()))
        self.inbox = Inbox(channel, end=self._end, **more)
        self.inbox.listen()

    def take(self) -> Request:
        letter = self.inbox.take(DEADLINE_SECONDS)
        assert letter is not None
        return letter

    def _end(self, code: int) -> None:
        self.code = code
        self.ended.set()


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent()
    yield parent
    parent.pipe.end()
    assert parent.ended.wait(DEADLINE_SECONDS)


def test_letters_come_in_order(parent: Parent) -> None:
    parent.pipe.feed({"type": "limits"}, {"type": "restore", "job": "a"}, {"type": "exit"})
    assert [parent.take().kind for _ in range(3)] == ["limits", "restore", "exit"]
    assert parent.inbox.take(0.0) is None


def test_a_wish_is_for_the_job_at_work(parent: Parent) -> None:
    parent.pipe.feed({"type": "restore"})
    running = parent.take()
    parent.pipe.feed({"type": "restore"}, {"type": "yield"}, {"type": "stop"})
    assert running.controls.stop.wait(DEADLINE_SECONDS)
    assert running.controls.give_way.is_set()
    waiting = parent.take()
    assert not waiting.controls.stop.is_set()
    assert not waiting.controls.give_way.is_set()


def test_a_wish_that_comes_before_the_job_is_taken_is_for_that_job(parent: Parent) -> None:
    """The parent sends both at once; the worker must not lose the second."""
    parent.pipe.feed({"type": "load"}, {"type": "preview"}, {"type": "stop"}, {"type": "unload"})
    assert parent.take().kind == "load"
    job = parent.take()
    assert job.controls.stop.wait(DEADLINE_SECONDS)


def test_a_wish_for_a_job_that_has_ended_is_for_nobody(parent: Parent) -> None:
    parent.pipe.feed({"type": "restore"})
    ended = parent.take()
    assert parent.inbox.take(0.0) is None
    parent.pipe.feed({"type": "stop"}, {"type": "restore"})
    assert not parent.take().controls.stop.is_set()
    assert not ended.controls.stop.is_set()


def test_some_letters_are_taken_while_a_job_is_at_work(parent: Parent) -> None:
    parent.pipe.feed({"type": "restore"}, {"type": "unload"}, {"type": "preview"}, {"type": "limits"}, {"type": "stop"})
    job = parent.take()
    assert job.controls.stop.wait(DEADLINE_SECONDS)
    taken = parent.inbox.take_all({"unload", "limits"})
    assert [letter.kind for letter in taken] == ["unload", "limits"]
    assert parent.take().kind == "preview"


@pytest.mark.parametrize("garbage", [b"", b"\x00\x00\x00\x02no"], ids=["closed", "garbage"])
def test_without_a_parent_the_job_stops_and_the_process_ends(garbage: bytes) -> None:
    parent = Parent()
    parent.pipe.feed({"type": "restore"})
    job = parent.take()
    parent.pipe.end(garbage)
    assert job.controls.stop.wait(DEADLINE_SECONDS)
    assert parent.take().kind == "exit"
    assert parent.ended.wait(DEADLINE_SECONDS)
    assert parent.code == 0


def test_a_job_that_must_clean_up_has_the_time_for_it() -> None:
    """On a busy machine, half a second was too short, and part of a deliverable stayed in the user's folder."""
    parent = Parent(last_seconds=600.0)
    parent.pipe.feed({"type": "mux"})
    job = parent.take()
    parent.pipe.end()
    assert job.controls.stop.wait(DEADLINE_SECONDS)
    assert parent.take().kind == "exit"
    assert not parent.ended.wait(0.7)
