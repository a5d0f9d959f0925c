"""A terminal for real: a program on a pseudo-terminal, and what a person types when it asks."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["CTRL_C", "CTRL_D", "Said", "talk"]

CTRL_C, CTRL_D = "\x03", "\x04"
_SECONDS = 60

# The session's own terminal: only so is Ctrl-C a signal.
_START = "import fcntl, os, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"


class Said:
    """What was on the screen, and what the program gave as its result."""

    def __init__(self, screen: str, result: str) -> None:
        self.screen, self.result = screen, result


def talk(program: str, talking: Sequence[tuple[str, str]]) -> Said:
    """Run Python text on a terminal; whenever its prompt ends so, type this. Its result is what it writes to fd 3.

    Raises AssertionError when a prompt does not come.
    """
    controller, terminal = os.openpty()
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", f"{_START}os.dup2({write}, 3)\n{program}"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        pass_fds=[write],
        start_new_session=True,
    )
    os.close(terminal)
    os.close(write)
    screen = ""
    with process, os.fdopen(controller, "wb", buffering=0) as keyboard, os.fdopen(read) as result:
        try:
            for prompt, typed in talking:
                seen = len(screen)
                while not screen[seen:].endswith(prompt):
                    ready, _, _ = select.select([keyboard], [], [], _SECONDS)
                    assert ready, f"{prompt!r} did not come: {screen}"
                    screen += os.read(keyboard.fileno(), 4096).decode()
                keyboard.write(typed.encode())
            screen += _rest(keyboard.fileno())
            return Said(screen, result.read())
        finally:
            process.kill()


def _rest(descriptor: int) -> str:
    text = b""
    try:
        while part := os.read(descriptor, 4096):
            text += part
    except OSError:  # the other side is closed
        pass
    return text.decode()
