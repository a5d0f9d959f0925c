"""Ask in a window of our own: a process of its own, so that a toolkit that breaks takes nothing with it.

The program that shows the window is standard library only, since a bundle has no tkinter: where Resolve offers no
windows to scripts, a Python was installed to run them, and most come with it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from ..link.attach import scrubbed
from .errors import CannotAskError
from .fields import Answers, Form

__all__ = ["WindowAsking", "has_display", "pythons", "window_file"]

_SHOW_SECONDS = 30.0  # a first start from a cold disk
_END_SECONDS = 2.0


def has_display(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a window would open in front of the person."""
    if platform in ("win32", "darwin"):
        return not environ.get("SSH_CONNECTION")  # it would open on the machine itself, for nobody
    return bool(environ.get("DISPLAY"))


def pythons(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Interpreters that may have a toolkit: ours, where it is a real one, and those of the system."""
    ours = [] if getattr(sys, "frozen", False) else [sys.executable]
    found = (shutil.which(name, path=environ.get("PATH")) for name in ("python3", "python", "py"))
    return tuple(dict.fromkeys([*ours, *(each for each in found if each)]))


def window_file() -> Path:
    """The window's program, which is part of every installation."""
    import resolve_scripts

    return Path(next(iter(resolve_scripts.__path__))) / "answerprint_window.py"


class WindowAsking:
    """A window by tkinter."""

    def __init__(
        self,
        pythons: Sequence[str],
        environ: Mapping[str, str],
        program: Path | None = None,
        show_seconds: float = _SHOW_SECONDS,
    ) -> None:
        """pythons: tried in turn. program: None for `window_file`. show_seconds: longest wait for it to open."""
        self._pythons, self._environ = pythons, environ
        self._program, self._show_seconds = program or window_file(), show_seconds

    def ask(self, form: Form) -> Answers | None:
        """The answers, None for cancelled. Raises CannotAskError when no window opens.

        One that breaks once it is open counts as cancelled: nothing may begin that nobody agreed to.
        """
        problems = []
        for python in self._pythons:
            try:
                return self._ask(python, form)
            except CannotAskError as error:
                problems.append(f"{python}: {error.message}")
        raise CannotAskError(f"No window can be opened ({'; '.join(problems) or 'there is no Python'}).")

    def _ask(self, python: str, form: Form) -> Answers | None:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [python, "-I", str(self._program)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=scrubbed(self._environ),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise CannotAskError(error.strerror or str(error)) from error
        with process:
            late = threading.Timer(self._show_seconds, process.kill)
            late.start()
            try:
                return _converse(process, form, late)
            finally:
                late.cancel()
                process.kill()


def _converse(process: subprocess.Popen[bytes], form: Form, late: threading.Timer) -> Answers | None:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("its pipes were asked for")
    try:
        # Left open: its end, when this process is killed, closes the window.
        process.stdin.write(json.dumps(form.to_json()).encode() + b"\n")
        process.stdin.flush()
    except OSError:  # it ended at once; what it said comes next
        with contextlib.suppress(OSError):
            process.stdin.close()
    first = _line(process.stdout)
    if not first.get("shown"):
        raise CannotAskError(str(first.get("unable") or "it ends at once, or does not begin"))
    late.cancel()
    answers = _line(process.stdout).get("answers")
    return answers if isinstance(answers, dict) else None


def _line(stream: IO[bytes]) -> Mapping[str, object]:
    """One object of JSON; an empty one for the end, and for what is none."""
    try:
        message = json.loads(stream.readline() or b"{}")
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
