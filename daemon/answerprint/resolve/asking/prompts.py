"""Ask on a terminal, one question at a time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import IO

from ...errors import InputError
from ...plain import plain
from .fields import Answers, Field, Form, Value

__all__ = ["PromptAsking"]

_WIDTH = 100
_NOTHING = "-"
_MORE = Field(
    "more",
    "Advanced settings",
    "switch",
    False,
    "Ask for the other switches of the method and the model, too. They have good defaults.",
)


class PromptAsking:
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

    def _answers(self, fields: Sequence[Field]) -> Iterator[tuple[str, Value]]:
        for field in fields:
            yield field.name, self._one(field)

    def _one(self, field: Field) -> Value:
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


def _meant(field: Field, text: str) -> str:
    """What was typed, with the number of a choice for the choice, and a dash for nothing."""
    if text == _NOTHING and field.empty:
        return ""
    values = [value for value, _ in field.choices]
    if text not in values and text.isdecimal() and 1 <= int(text) <= len(values):
        return values[int(text) - 1]
    return text


def _explained(field: Field) -> str:
    words = f"{field.help} It takes {field.allowed}."
    if field.empty:
        words += f" {_NOTHING} stands for: {field.empty}."
    return textwrap.fill(words, _WIDTH, initial_indent="  ", subsequent_indent="  ")
