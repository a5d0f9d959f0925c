"""The scripts in Resolve's menus: their paths, and their text with the command line that starts this program."""

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
    """What a menu script knows of this program. command: the start of its command line.

    folder: holds the launcher and the bridge. home: ANSWERPRINT_HOME, "" for the default.
    """

    command: tuple[str, ...]
    folder: str
    home: str
    version: str


def this_program(environ: Mapping[str, str] | None = None, *, all_users: bool = False) -> Program:
    """The running program. all_users: for scripts of all users, each with the default home."""
    environ = os.environ if environ is None else environ
    home = environ.get("ANSWERPRINT_HOME", "")
    return Program(
        tuple(_command()),
        str(bridge_file().parent.absolute()),
        # Resolve is not started from a shell, so that its scripts do not see this variable.
        "" if all_users or not home else str(Path(home).expanduser().absolute()),
        __version__,
    )


def _command() -> list[str]:
    executable = Path(sys.executable).absolute()  # not resolved: the link makes it the Python of a venv
    if not getattr(sys, "frozen", False):
        return [str(executable), "-P", "-m", "answerprint"]
    name = "answerprint.exe" if os.name == "nt" else "answerprint"
    return [str(executable.with_name(name))]


@dataclass(frozen=True, slots=True)
class MenuScript:
    """A menu script. path: in Resolve's folder Scripts, whose subfolders are pages (Utility: all pages)."""

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
    # Resolve offers the scripts in Deliver for the start and the end of a render job.
    MenuScript(PurePosixPath("Deliver/Answerprint - Restore Rendered File.py"), "rendered"),
)
"""The Python scripts; each runs `answerprint resolve menu ACTION`."""

LUA = _OURS / "Answerprint.lua"
"""The script for a Resolve that lists no Python scripts."""


def files(program: Program) -> dict[PurePosixPath, bytes]:
    """The content of every script by its path. Raises InputError if files of the installation are missing."""
    menu = Path(program.folder) / "menu"
    try:
        python, lua = (menu / "script.py").read_text("utf-8"), (menu / "Answerprint.lua").read_text("utf-8")
    except OSError as error:
        raise InputError(
            f"The installation is incomplete: {error.filename} is not readable.", "Reinstall Answerprint."
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
    """Replace the rest of the lines that start with these texts, each of which occurs once."""
    lines = text.splitlines(keepends=True)
    for start, value in values.items():
        (number,) = (number for number, line in enumerate(lines) if line.startswith(start))
        lines[number] = f"{start}{value}\n"
    return "".join(lines)


def _lua(text: str) -> str:
    """A Lua string literal in ASCII; other bytes are escaped, since a file name may hold any."""
    data = text.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03d}" for b in data) + '"'
