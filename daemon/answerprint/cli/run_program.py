"""Run a child program in the foreground, or ask one a question without the daemon."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from answerprint.cli.context import Context
from answerprint.errors import JobFailedError
from answerprint.home import logs_folder
from answerprint.ipc.child_log import create_log
from answerprint.ipc.child_process import ChildProcess
from answerprint.ipc.messages import Message

__all__ = ["ask", "forward"]


def forward(program: str, arguments: Sequence[str], context: Context) -> int:
    """Run a child program in the foreground and return its exit code. Raises JobFailedError if a signal killed it.

    Ctrl-C reaches both processes, which share the terminal; this one waits until the other has cleaned up.
    """
    with subprocess.Popen([*context.child_command(program), *arguments]) as process:  # noqa: S603 - our own program
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
        except BaseException:
            process.terminate()
            raise
    if code < 0:
        raise JobFailedError(f"The program was killed by signal {-code}.", "Try it on shorter clips.")
    return code


def ask(program: str, context: Context) -> Message:
    """Run a child that answers one question, and return its final event. Raises JobFailedError."""
    try:
        log = create_log(logs_folder(), program)
    except OSError as error:
        raise JobFailedError(
            f"Cannot write a log to {logs_folder()} ({error.strerror}).",
            "Make the folder writable, or set ANSWERPRINT_HOME to another folder.",
        ) from error
    with ChildProcess(context.child_command(program), {"type": "ask"}, log) as child:
        for event in child.events():  # noqa: B007 - the last one is the answer
            pass
        return event
