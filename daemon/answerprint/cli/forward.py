"""Commands whose work is a program of its own: arguments, terminal and exit code are handed through."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from answerprint.errors import JobFailedError

from .context import Context

__all__ = ["forward"]


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
