"""The device worker: a child that keeps models in memory and restores what the parent asks for.

It speaks length-prefixed messages (see `frames.messages`), and nothing else: no arguments, no gRPC.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

# Before anything of the model libraries is imported: they must never look for a network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from answerprint.errors import AnswerprintError, JobFailedError
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel
from answerprint.ipc.messages import MessageError
from answerprint.worker.requests import Inbox

__all__ = ["main"]


def main(argv: Sequence[str] = ()) -> int:
    """Serve until the parent says so, or is gone; returns the exit code."""
    channel = ChildChannel.open()
    try:
        hello = channel.request()
        inbox = Inbox(channel)
        inbox.listen()
        # Imported here, so that the end of the parent is noticed while torch loads.
        from answerprint.worker.server import WorkerServer

        return WorkerServer(channel, inbox, hello).run()
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(JobFailedError(f"The request did not arrive whole: {error}.")))
        return JobFailedError.exit_code
    except MemoryError:
        channel.emit(events.error(JobFailedError("Memory ran out.", "Choose a smaller --chunk or a smaller --size.")))
        return JobFailedError.exit_code
