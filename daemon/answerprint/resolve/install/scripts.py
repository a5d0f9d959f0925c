"""The scripts in Resolve's menus, and their text with what they have to know of this program.

Where this program is, in the words that another program needs to start it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from answerprint import __version__
from answerprint.errors import InputError
from answerprint.resolve.bridge.attach import bridge_file

__all__ = ["LUA", "MENU", "MenuScript", "Program", "files", "this_program"]


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


@dataclass(frozen=True, slots=True)
class MenuScript:
    """A script. path: below Resolve's folder Scripts, whose folders are pages (Utility: all)."""

    path: PurePosixPath
    action: str


_OURS = PurePosixPath("Utility/Answerprint")

MENU: tuple[MenuScript, ...] = (
    MenuScript(_OURS / "Restore Selected Clips.py", "selected"),
    MenuScript(_OURS / "Restore In-Out Range.py", "range"),
    MenuScript(_OURS / "Restore Clip Under Playhead.py", "playhead"),
    MenuScript(_OURS / "Restore Settings.py", "settings"),
    MenuScript(_OURS / "Restore Queue.py", "queue"),
    MenuScript(_OURS / "Bring Back Finished.py", "finish"),
    # Resolve offers what is in Deliver for the start and the end of a render job.
    MenuScript(PurePosixPath("Deliver/Answerprint - Restore Rendered File.py"), "rendered"),
)
"""What `answerprint resolve menu ACTION` has to know."""

LUA = _OURS / "Answerprint.lua"
"""For a Resolve that lists no Python."""


def files(program: Program) -> dict[PurePosixPath, bytes]:
    """The content of every script by its path. Raises InputError when the program's own files are not complete."""
    menu = Path(program.folder) / "menu"
    try:
        python, lua = (menu / "script.py").read_text("utf-8"), (menu / "Answerprint.lua").read_text("utf-8")
    except OSError as error:
        raise InputError(
            f"Answerprint is not complete: {error.filename} cannot be read.", "Install Answerprint again."
        ) from error
    installed = {
        "program": list(program.command),
        "folder": program.folder,
        "home": program.home,
        "version": program.version,
    }
    filled = {
        entry.path: _fill(python, {"ACTION = ": ascii(entry.action), "INSTALLED = ": ascii(installed)})
        for entry in MENU
    }
    command = ", ".join(map(_lua, program.command))
    filled[LUA] = _fill(lua, {"local PROGRAM = ": f"{{ {command} }}", "local HOME = ": _lua(program.home)})
    return {path: text.encode() for path, text in filled.items()}


def _fill(text: str, values: dict[str, str]) -> str:
    """Replace what follows each start of a line; every start is there once."""
    lines = text.splitlines(keepends=True)
    for start, value in values.items():
        (number,) = (number for number, line in enumerate(lines) if line.startswith(start))
        lines[number] = f"{start}{value}\n"
    return "".join(lines)


def _lua(text: str) -> str:
    """A literal of Lua's, in ASCII: bytes by their numbers, as a file name may have any."""
    data = text.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03d}" for b in data) + '"'
