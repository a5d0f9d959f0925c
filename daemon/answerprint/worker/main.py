"""The device worker: a child that keeps models in memory and restores clips for the parent.

It talks to the parent by length-prefixed messages only (see `ipc.messages`): no arguments, no gRPC.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

# Set before any model library is imported: they must never use the network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from answerprint.errors import AnswerprintError, JobFailedError
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import MessageError
from answerprint.worker.requests import Inbox

__all__ = ["main"]


def main(argv: Sequence[str] = ()) -> int:
    """Serve until the parent sends `exit` or goes away; returns the exit code."""
    channel = ChildChannel.open()
    try:
        hello = channel.request()
        inbox = Inbox(channel)
        inbox.listen()
        # Imported here, so that the inbox notices the parent's end while torch loads.
        from answerprint.worker.server import WorkerServer

        return WorkerServer(channel, inbox, hello).run()
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(JobFailedError(f"The request could not be read: {error}.")))
        return JobFailedError.exit_code
    except MemoryError:
        channel.emit(events.error(JobFailedError("Out of memory.", "Choose a smaller --chunk or a smaller --size.")))
        return JobFailedError.exit_code
