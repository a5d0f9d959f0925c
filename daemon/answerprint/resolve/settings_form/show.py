"""Show a form: in Resolve's own toolkit, in a tkinter window, or as prompts in the terminal.

In Resolve, the menu script shows the form, since only its process may. The window runs in a process of its own, so that
a crash of the toolkit does no harm. Its program uses the standard library only, since a bundle has no tkinter, but the
Pythons that people install for Resolve's scripts have it.
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

_SECONDS = 4 * 3600.0  # people are interrupted; a dialog forgotten overnight need not stay


class ResolveDialog:
    """A dialog of Resolve's own toolkit."""

    def __init__(self, bridge: Bridge, seconds: float = _SECONDS) -> None:
        """seconds: how long to wait for the user."""
        self._bridge, self._seconds = bridge, seconds

    def ask(self, form: Form) -> Answers | None:
        """The answers, None if cancelled. Raises CannotAskError, and what a call raises if Resolve quit or hangs."""
        try:
            return self._bridge.ask_form(form.to_json(), self._seconds)
        except ResolveError as error:
            if type(error) is not ResolveError:  # Resolve quit or hangs: no other dialog helps
                raise
            raise CannotAskError(error.message) from error


_SHOW_SECONDS = 30.0  # a first start from a cold disk


def has_display(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a window would open in front of the user."""
    if platform in ("win32", "darwin"):
        return not environ.get("SSH_CONNECTION")  # it would open on the remote machine
    return bool(environ.get("DISPLAY"))


def pythons(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Interpreters that may have tkinter: ours unless frozen, and the system's."""
    ours = [] if getattr(sys, "frozen", False) else [sys.executable]
    found = (shutil.which(name, path=environ.get("PATH")) for name in ("python3", "python", "py"))
    return tuple(dict.fromkeys([*ours, *(each for each in found if each)]))


def window_file() -> Path:
    """The program of the window, part of every installation."""
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
        """pythons: tried in turn. program: None for `window_file`. show_seconds: longest wait for the window."""
        self._pythons, self._environ = pythons, environ
        self._program, self._show_seconds = program or window_file(), show_seconds

    def ask(self, form: Form) -> Answers | None:
        """The answers, None if cancelled. Raises CannotAskError if no window opens.

        A window that crashes after it opened counts as cancelled: nothing may start without the user's consent.
        """
        problems = []
        for python in self._pythons:
            try:
                return self._ask(python, form)
            except CannotAskError as error:
                problems.append(f"{python}: {error.message}")
        raise CannotAskError(f"No window could be opened ({'; '.join(problems) or 'no Python was found'}).")

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
            timeout = threading.Timer(self._show_seconds, process.kill)
            timeout.start()
            try:
                return _exchange(process, form, timeout)
            finally:
                timeout.cancel()
                process.kill()


def _exchange(process: subprocess.Popen[bytes], form: Form, timeout: threading.Timer) -> Answers | None:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process has no pipes")
    try:
        # The pipe stays open: if this process is killed, its end closes the window.
        process.stdin.write(json.dumps(form.to_json()).encode() + b"\n")
        process.stdin.flush()
    except OSError:  # it ended at once; its message is read next
        with contextlib.suppress(OSError):
            process.stdin.close()
    first = _line(process.stdout)
    if not first.get("shown"):
        raise CannotAskError(str(first.get("unable") or "it did not start in time, or ended at once"))
    timeout.cancel()
    answers = _line(process.stdout).get("answers")
    return answers if isinstance(answers, dict) else None


def _line(stream: IO[bytes]) -> Mapping[str, object]:
    """One line as a JSON object; {} at the end, and for an invalid line."""
    try:
        message = json.loads(stream.readline() or b"{}")
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


_WIDTH = 100
_EMPTY = "-"
_MORE = FormField(
    "more",
    "Advanced settings",
    "switch",
    False,
    "Also ask for the other options of the method and the model. They have good defaults.",
)


class PromptDialog:
    """Prompts in the terminal: Enter keeps the value in brackets, ? explains, Ctrl-D and Ctrl-C cancel."""

    def __init__(self, read: IO[str], write: IO[str]) -> None:
        """Streams of the terminal."""
        self._read, self._write = read, write

    def ask(self, form: Form) -> Answers | None:
        """The answers, each checked by its field; None if cancelled."""
        self._print(form.intro)
        if form.problem:
            self._print(form.problem)
        self._print("Enter keeps the value in [brackets], ? explains, Ctrl-D cancels.\n")
        try:
            answers = dict(self._answers(form.group("common")))
            advanced = form.group("advanced")
            if advanced and dict(self._answers([_MORE]))[_MORE.name]:
                answers |= self._answers(advanced)
        except (EOFError, KeyboardInterrupt):
            self._print("\nCancelled.")
            return None
        return answers

    def _answers(self, fields: Sequence[FormField]) -> Iterator[tuple[str, FieldValue]]:
        for field in fields:
            yield field.name, self._ask_field(field)

    def _ask_field(self, field: FormField) -> FieldValue:
        default = field.shown(field.default) or field.empty
        if field.kind == "choice":
            for number, (value, label) in enumerate(field.choices, 1):
                self._print(f"  {number}  {value}" if label == value else f"  {number}  {value:<10} {label}")
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
                self._print(_explained(field))
                continue
            try:
                return field.read(_expand(field, text))
            except InputError as error:
                self._print(str(error))

    def _print(self, text: str) -> None:
        self._write.write("\n".join(map(plain, text.split("\n"))) + "\n")
        self._write.flush()


def _expand(field: FormField, text: str) -> str:
    """Replace the number of a choice by the choice, and a dash by the empty text."""
    if text == _EMPTY and field.empty:
        return ""
    values = [value for value, _ in field.choices]
    if text not in values and text.isdecimal() and 1 <= int(text) <= len(values):
        return values[int(text) - 1]
    return text


def _explained(field: FormField) -> str:
    text = f"{field.help} Allowed: {field.allowed}."
    if field.empty:
        text += f" Enter {_EMPTY} for: {field.empty}."
    return textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")


class FormDialog(Protocol):
    """A way to show a form."""

    def ask(self, form: Form) -> Answers | None:
        """The answers, unchecked; None if cancelled.

        Raises CannotAskError if the form was not shown, so that another dialog may be tried.
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
    """The dialogs that may work here, in the order in which to try them.

    bridge: of a menu script in Resolve. windows: whether this Resolve lets scripts open windows (`Capability.WINDOWS`);
    if not, an attempt opens a blocking dialog of Resolve's. terminal: input and output, used if both are a terminal.
    """
    dialogs: list[FormDialog] = []
    if bridge is not None and windows:
        dialogs.append(ResolveDialog(bridge))
    if has_display(environ, platform):
        dialogs.append(WindowDialog(pythons(environ), environ))
    if terminal is not None and all(stream.isatty() for stream in terminal):
        dialogs.append(PromptDialog(*terminal))
    return tuple(dialogs)
