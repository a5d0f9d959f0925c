"""Ways to ask a person, and which of them there are here.

Ask in Resolve itself: the menu script shows the form, as only its process may.

Ask in a window of our own: a process of its own, so that a toolkit that breaks takes nothing with it.

The program that shows the window is standard library only, since a bundle has no tkinter: where Resolve offers no
windows to scripts, a Python was installed to run them, and most come with it.

Ask on a terminal, one question at a time.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from answerprint.errors import InputError
from answerprint.resolve.bridge.attach import interpreter_environment
from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.settings_form.form import Answers, CannotAskError, FieldValue, Form, FormField
from answerprint.text import plain

__all__ = [
    "FormDialog",
    "PromptDialog",
    "ResolveDialog",
    "WindowDialog",
    "choose_dialogs",
    "has_display",
    "pythons",
    "window_file",
]

_SECONDS = 4 * 3600.0  # people are called away; a dialog that was forgotten over night need not be kept


class ResolveDialog:
    """A dialog of Resolve's own toolkit."""

    def __init__(self, bridge: Bridge, seconds: float = _SECONDS) -> None:
        """seconds: how long to wait for the person."""
        self._bridge, self._seconds = bridge, seconds

    def ask(self, form: Form) -> Answers | None:
        """The answers, None for cancelled. Raises CannotAskError, and what a call to Resolve raises when it is gone."""
        try:
            return self._bridge.ask_form(form.to_json(), self._seconds)
        except ResolveError as error:
            if type(error) is not ResolveError:  # gone, or hanging: nothing else works either
                raise
            raise CannotAskError(error.message) from error


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


class WindowDialog:
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
                env=interpreter_environment(self._environ),
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


_WIDTH = 100
_NOTHING = "-"
_MORE = FormField(
    "more",
    "Advanced settings",
    "switch",
    False,
    "Ask for the other switches of the method and the model, too. They have good defaults.",
)


class PromptDialog:
    """Plain lines: Enter keeps what is in brackets, ? explains, Ctrl-D and Ctrl-C cancel."""

    def __init__(self, read: IO[str], write: IO[str]) -> None:
        """Streams of the terminal."""
        self._read, self._write = read, write

    def ask(self, form: Form) -> Answers | None:
        """The answers, each of them read by its field; None for cancelled."""
        self._say(form.intro)
        if form.problem:
            self._say(form.problem)
        self._say("Enter keeps what is in [brackets], ? explains, Ctrl-D cancels.\n")
        try:
            answers = dict(self._answers(form.group("common")))
            advanced = form.group("advanced")
            if advanced and dict(self._answers([_MORE]))[_MORE.name]:
                answers |= self._answers(advanced)
        except (EOFError, KeyboardInterrupt):
            self._say("\nCancelled.")
            return None
        return answers

    def _answers(self, fields: Sequence[FormField]) -> Iterator[tuple[str, FieldValue]]:
        for field in fields:
            yield field.name, self._one(field)

    def _one(self, field: FormField) -> FieldValue:
        default = field.shown(field.default) or field.empty
        if field.kind == "choice":
            for number, (value, label) in enumerate(field.choices, 1):
                self._say(f"  {number}  {value}" if label == value else f"  {number}  {value:<10} {label}")
        while True:
            self._write.write(plain(f"{field.label}{f' ({field.unit})' if field.unit else ''} [{default}]: "))
            self._write.flush()
            line = self._read.readline()
            if not line.endswith("\n"):
                raise EOFError
            text = line.strip()
            if not text:
                return field.default
            if text == "?":
                self._say(_explained(field))
                continue
            try:
                return field.read(_meant(field, text))
            except InputError as error:
                self._say(str(error))

    def _say(self, text: str) -> None:
        self._write.write("\n".join(map(plain, text.split("\n"))) + "\n")
        self._write.flush()


def _meant(field: FormField, text: str) -> str:
    """What was typed, with the number of a choice for the choice, and a dash for nothing."""
    if text == _NOTHING and field.empty:
        return ""
    values = [value for value, _ in field.choices]
    if text not in values and text.isdecimal() and 1 <= int(text) <= len(values):
        return values[int(text) - 1]
    return text


def _explained(field: FormField) -> str:
    words = f"{field.help} It takes {field.allowed}."
    if field.empty:
        words += f" {_NOTHING} stands for: {field.empty}."
    return textwrap.fill(words, _WIDTH, initial_indent="  ", subsequent_indent="  ")


class FormDialog(Protocol):
    """One way to show a form."""

    def ask(self, form: Form) -> Answers | None:
        """The answers, unchecked; None for cancelled.

        Raises CannotAskError where the form was not shown, so that another way may be tried.
        """
        ...


def choose_dialogs(
    environ: Mapping[str, str],
    *,
    bridge: Bridge | None = None,
    windows: bool = False,
    terminal: tuple[IO[str], IO[str]] | None = None,
    platform: str = sys.platform,
) -> tuple[FormDialog, ...]:
    """The ways that may be there, in the order in which to try them.

    bridge: a menu script's that runs in Resolve. windows: whether this Resolve lets scripts open windows
    (`Capability.WINDOWS`); where it does not, a mere attempt opens a dialog of its own. terminal: what is read and
    written, when a person is on both.
    """
    ways: list[FormDialog] = []
    if bridge is not None and windows:
        ways.append(ResolveDialog(bridge))
    if has_display(environ, platform):
        ways.append(WindowDialog(pythons(environ), environ))
    if terminal is not None and all(stream.isatty() for stream in terminal):
        ways.append(PromptDialog(*terminal))
    return tuple(ways)
