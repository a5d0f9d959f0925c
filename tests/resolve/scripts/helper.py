"""A program in place of `answerprint`, which a menu script starts: its first argument says how it behaves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.bridge.menu import run_bridge
from answerprint.resolve.errors import ResolveError


def good(bridge: Bridge, arguments: list[str]) -> int:
    """Ask Resolve what it is, and say it, with the arguments."""
    bridge.show(f"{bridge.root.ask('GetProductName')}: {' '.join(arguments)}")
    bridge.show("It is queued.", "done")
    return 0


def environment(bridge: Bridge, arguments: list[str]) -> int:
    """Say what of the environment came through."""
    names = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "PYTHONSTARTUP", "ANSWERPRINT_HOME")
    bridge.show(str({name: os.environ.get(name) for name in names}))
    return 0


def silent(bridge: Bridge, arguments: list[str]) -> int:
    """Do it, and say nothing."""
    return 0


def refusing(bridge: Bridge, arguments: list[str]) -> int:
    """End with a plain error on standard error."""
    sys.stderr.write("a line of no interest\nanswerprint: Nothing is selected.\n  Select clips on the timeline.\n")
    return 2


def saying(bridge: Bridge, arguments: list[str]) -> int:
    """End with an error that was shown, and is also on standard error."""
    bridge.show("Nothing is selected.", "error")
    return refusing(bridge, arguments)


def crashing(bridge: Bridge, arguments: list[str]) -> int:
    """End with a traceback."""
    raise RuntimeError("a programming error")


def killed(bridge: Bridge, arguments: list[str]) -> int:
    """Die in the middle of a conversation."""
    bridge.root.ask("GetProductName")
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def waiting(bridge: Bridge, arguments: list[str]) -> int:
    """Call what does not come back, and give up."""
    try:
        bridge.root.ask("Hang", seconds=1)
    except ResolveError as error:
        sys.stderr.write(f"answerprint: {error.message}\n  {error.remedy}\n")
        return error.exit_code
    return 0


def unicode(bridge: Bridge, arguments: list[str]) -> int:
    """Say what not every console can show."""
    bridge.show("Čapek 映画 \N{FILM FRAMES}")
    return 0


def main() -> int:
    """Behave."""
    behaviour, *arguments = sys.argv[1:]
    if behaviour == "mute":
        sys.stdin.buffer.read()
        return 0
    if behaviour == "rubbish":
        sys.stdout.write("Welcome to the program!\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()
        return 0
    if behaviour == "older":
        sys.stderr.write(
            "answerprint: Argument COMMAND: invalid choice: 'resolve' (choose from 'restore').\n  See --help.\n"
        )
        return 2
    if behaviour == "gone":
        return 3
    behaviours: list[Callable[[Bridge, list[str]], int]] = [
        good,
        environment,
        silent,
        refusing,
        saying,
        crashing,
        killed,
        waiting,
        unicode,
    ]
    act = next(each for each in behaviours if each.__name__ == behaviour)
    with run_bridge() as bridge:
        return act(bridge, arguments)


if __name__ == "__main__":
    sys.exit(main())
