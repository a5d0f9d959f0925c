"""Where this program is, in the words that another program needs to start it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from answerprint import __version__

from ..link.attach import bridge_file

__all__ = ["Program", "this_program"]


@dataclass(frozen=True, slots=True)
class Program:
    """What a menu script has to know. command: the start of a command line of `answerprint`.

    folder: has the launcher and the bridge. home: ANSWERPRINT_HOME, "" for the usual one.
    """

    command: tuple[str, ...]
    folder: str
    home: str
    version: str


def this_program(environ: Mapping[str, str] | None = None, *, all_users: bool = False) -> Program:
    """The program that runs. all_users: each user then has a home of their own."""
    environ = os.environ if environ is None else environ
    home = environ.get("ANSWERPRINT_HOME", "")
    return Program(
        tuple(_command()),
        str(bridge_file().parent.absolute()),
        # Resolve is not started from a shell, and so would not know.
        "" if all_users or not home else str(Path(home).expanduser().absolute()),
        __version__,
    )


def _command() -> list[str]:
    executable = Path(sys.executable).absolute()  # not resolved: the link is what makes it the Python of a venv
    if not getattr(sys, "frozen", False):
        return [str(executable), "-P", "-m", "answerprint"]
    name = "answerprint.exe" if os.name == "nt" else "answerprint"
    return [str(executable.with_name(name))]
