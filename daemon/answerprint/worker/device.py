"""The device worker: a child that loads a model and restores what the parent asks for.

It speaks length-prefixed messages (see `frames.messages`), and nothing else: no arguments, no gRPC.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

# Before anything of the model libraries is imported: they must never look for a network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from answerprint.errors import AnswerprintError, InputError, JobFailedError
from answerprint.frames import events
from answerprint.frames.channel import ChildChannel
from answerprint.frames.messages import MessageError
from answerprint.frames.request import PreviewRequest, RestoreRequest

from .inbox import Inbox

__all__ = ["main"]


def main(argv: Sequence[str] = ()) -> int:
    """Serve: one request for whoever waits for it, or many for a parent that says so first.

    The exit code is that of the final event, 0 for a worker that was told to end.
    """
    channel = ChildChannel.open()
    try:
        message = channel.request()
        if message.get("type") == "serve":
            return _serve(channel, message)
        channel.watch()
        _once(channel, message)
    except AnswerprintError as error:
        channel.emit(events.error(error))
        return error.exit_code
    except MessageError as error:
        channel.emit(events.error(JobFailedError(f"The request did not arrive whole: {error}.")))
        return JobFailedError.exit_code
    except MemoryError:
        channel.emit(events.error(JobFailedError("Memory ran out.", "Choose a smaller --chunk or a smaller --size.")))
        return JobFailedError.exit_code
    return 0


def _serve(channel: ChildChannel, message: dict[str, object]) -> int:
    """Serve until the parent says so, or is gone."""
    inbox = Inbox(channel)
    inbox.listen()
    # Imported here, so that the end of the parent is noticed while torch loads.
    from answerprint.worker.serve import Server

    return Server(channel, inbox, message).run()


def _once(channel: ChildChannel, message: dict[str, object]) -> None:
    """Run the job that `message` names by its type."""
    kind = message.pop("type", None)
    # Imported here, so that a cancellation is noticed while torch loads.
    from answerprint.worker.jobs import preview, restore
    from answerprint.worker.loading import LoadedOnce

    if kind == "restore":
        final = restore(RestoreRequest.from_json(message), channel, LoadedOnce())
    elif kind == "preview":
        final = preview(PreviewRequest.from_json(message), channel, LoadedOnce())
    else:
        raise InputError(f"There is no job of type {kind!r}.")
    channel.emit(final)
