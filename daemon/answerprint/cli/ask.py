"""One question to a child that has no part in the daemon's work."""

from __future__ import annotations

from answerprint.errors import JobFailedError
from answerprint.frames.messages import Message
from answerprint.home import logs_folder
from answerprint.jobs.log import create_log
from answerprint.jobs.process import ChildProcess

from .context import Context

__all__ = ["ask"]


def ask(program: str, context: Context) -> Message:
    """Return the final event of a child that has one question to answer, showing none. Raises JobFailedError."""
    try:
        log = create_log(logs_folder(), program)
    except OSError as error:
        raise JobFailedError(
            f"No log can be written to {logs_folder()} ({error.strerror}).",
            "Make the folder writable, or set ANSWERPRINT_HOME to one that is.",
        ) from error
    with ChildProcess(context.child_command(program), {"type": "ask"}, log) as child:
        for event in child.events():  # noqa: B007 - the last one is the answer
            pass
        return event
