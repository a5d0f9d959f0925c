"""The child's end of the two pipes between it and the parent; standard library only.

channel = ChildChannel.open()       first of all: before any library can print or read
message = channel.request()         what to do
channel.watch()                     from here on a cancellation is noticed
channel.check()                     between two steps: raises CancelledError when the parent asked, or is gone
channel.emit(events.progress(...))  what happens
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import NoReturn

from ..errors import CancelledError
from .messages import Message, MessageError, MessageReader, MessageWriter

__all__ = ["CANCEL", "ChildChannel"]

CANCEL: Message = {"type": "cancel"}


class ChildChannel:
    """Messages from the parent, events to it, and whether it still wants the result."""

    def __init__(self, reader: MessageReader, writer: MessageWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._unwanted = threading.Event()

    @classmethod
    def open(cls) -> ChildChannel:
        """Take standard input and output for messages.

        What libraries print afterwards, from Python or from C, goes to standard error; they read nothing.
        SIGTERM then raises CancelledError in the main thread, wherever it is, so that `finally` clauses run.
        """
        sys.stdout.flush()
        # Raw streams: a thread that waits in a buffered one at exit would stop the interpreter from ending.
        # They last as long as the process, so nobody closes them.
        source = io.FileIO(os.dup(0), "rb", closefd=False)
        sink = io.FileIO(os.dup(1), "wb", closefd=False)
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _raise_cancelled)
        return cls(MessageReader(source), MessageWriter(sink))

    def request(self) -> Message:
        """Return the first message. Raises CancelledError when the parent is gone, MessageError on garbage."""
        message = self._reader.receive()
        if message is None or message == CANCEL:
            raise CancelledError("The job was cancelled.")
        return message

    def watch(self) -> None:
        """Start to listen for a cancellation, until the end of the process."""
        # A daemon thread: it waits for the parent, which may wait for the end of this process.
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def check(self) -> None:
        """Raise CancelledError when the parent has asked for the end, or is gone."""
        if self._unwanted.is_set():
            raise CancelledError("The job was cancelled.")

    @property
    def cancelled(self) -> bool:
        """Whether `check` would raise."""
        return self._unwanted.is_set()

    def emit(self, event: Mapping[str, object]) -> None:
        """Send an event. Once nobody reads, events are dropped and `check` raises."""
        try:
            self._writer.send(event)
        except OSError:
            self._unwanted.set()

    def _listen(self) -> None:
        try:
            while (message := self._reader.receive()) is not None and message != CANCEL:
                pass
        except (MessageError, OSError):
            pass  # a parent that sends garbage is no parent: the same as a closed pipe
        self._unwanted.set()


def _raise_cancelled(signum: int, frame: FrameType | None) -> NoReturn:
    raise CancelledError("The job was cancelled.")
