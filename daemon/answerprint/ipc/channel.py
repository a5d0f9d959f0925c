"""The child's end of the pipes to its parent. Standard library only.

channel = ChildChannel.open()       call first, before any library prints or reads
message = channel.request()         receive a request
channel.emit(events.progress(...))  send an event
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
    """Receives messages from the parent and sends events to it."""

    def __init__(self, reader: MessageReader, writer: MessageWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    def open(cls) -> ChildChannel:
        """Use standard input and output for messages.

        Afterwards, output of libraries, from Python or C, goes to standard error, and their input is empty. SIGTERM
        raises CancelledError in the main thread, so that `finally` blocks run.
        """
        sys.stdout.flush()
        # Raw streams: a thread blocked in a buffered one would keep the interpreter from exiting. They are never
        # closed, as they last as long as the process.
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
        """Return the next message. Raises CancelledError if the parent is gone, MessageError for an invalid message."""
        message = self._reader.receive()
        if message is None:
            raise CancelledError("The job was cancelled.")
        return message

    def emit(self, event: Mapping[str, object]) -> None:
        """Send an event; events are dropped if the parent is gone."""
        with contextlib.suppress(OSError):
            self._writer.send(event)


def _raise_cancelled(signum: int, frame: FrameType | None) -> NoReturn:
    raise CancelledError("The job was cancelled.")
