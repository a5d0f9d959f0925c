"""Run one job in a child and show it, to its end or to the user's."""

from __future__ import annotations

from collections.abc import Mapping

from answerprint.errors import CancelledError, JobFailedError
from answerprint.frames.messages import Message, MessageError
from answerprint.home import logs_folder
from answerprint.jobs.log import create_log
from answerprint.jobs.process import ChildProcess

from .context import Context
from .progress import Presenter, choose_presenter

__all__ = ["ask", "follow"]


def follow(request: Mapping[str, object], context: Context, *, program: str = "device") -> Message:
    """Return the final event of the job, `done` or `error`, when all its events were shown.

    Raises JobFailedError when the child is lost. KeyboardInterrupt and CancelledError pass through once the child has
    ended and cleaned up; a second Ctrl-C ends it at once.
    """
    presenter = choose_presenter(context.console)
    try:
        with _start(program, request, context) as child:
            try:
                for event in child.events():
                    presenter.show(event)
                return event
            except (KeyboardInterrupt, CancelledError) as interruption:
                return _cancel(child, presenter, context, interruption)
    finally:
        presenter.close()


def ask(program: str, context: Context) -> Message:
    """Return the final event of a child that has one question to answer, showing none. Raises JobFailedError."""
    with _start(program, {"type": "ask"}, context) as child:
        for event in child.events():  # noqa: B007 - the last one is the answer
            pass
        return event


def _start(program: str, request: Mapping[str, object], context: Context) -> ChildProcess:
    try:
        log = create_log(logs_folder(), program)
    except OSError as error:
        raise JobFailedError(
            f"No log can be written to {logs_folder()} ({error.strerror}).",
            "Make the folder writable, or set ANSWERPRINT_HOME to one that is.",
        ) from error
    try:
        return ChildProcess(context.child_command(program), request, log)
    except MessageError as error:
        raise JobFailedError(f"The request is {error}.", "Give shorter options.") from error


def _cancel(child: ChildProcess, presenter: Presenter, context: Context, interruption: BaseException) -> Message:
    """End the child. A job that was done before it heard is done; anything else is the interruption."""
    presenter.close()
    if not context.console.json:
        context.console.err("Ending; press Ctrl-C again to end at once.")
    final = child.cancel()
    if final is not None and final["event"] == "done":
        if context.console.json:
            presenter.show(final)
        return final
    raise interruption
