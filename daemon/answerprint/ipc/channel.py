"""The child's end of the two pipes between it and the parent; standard library only.

channel = ChildChannel.open()       first of all: before any library can print or read
message = channel.request()         what to do
channel.emit(events.progress(...))  what happens
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import NoReturn

from answerprint.errors import CancelledError
from answerprint.ipc.messages import Message, MessageReader, MessageWriter

__all__ = ["ChildChannel"]


class ChildChannel:
    """Messages from the parent, and events to it."""

    def __init__(self, reader: MessageReader, writer: MessageWriter) -> None:
        self._reader = reader
        self._writer = writer

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
        """Return the next message. Raises CancelledError when the parent is gone, MessageError on garbage."""
        message = self._reader.receive()
        if message is None:
            raise CancelledError("The job was cancelled.")
        return message

    def emit(self, event: Mapping[str, object]) -> None:
        """Send an event; once nobody reads, events are dropped."""
        with contextlib.suppress(OSError):
            self._writer.send(event)


def _raise_cancelled(signum: int, frame: FrameType | None) -> NoReturn:
    raise CancelledError("The job was cancelled.")
