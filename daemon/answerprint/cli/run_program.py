"""Commands whose work is a program of its own: arguments, terminal and exit code are handed through.

One question to a child that has no part in the daemon's work.
"""

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
    """Run a child program in the foreground; returns its exit code, 4 when it was killed.

    A Ctrl-C reaches both processes, which share the terminal; this one waits until the other has cleaned up.
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
