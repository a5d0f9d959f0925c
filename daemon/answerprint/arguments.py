"""Argument parser of all programs: a mistake raises InputError like any other error, in plain words."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import NoReturn

from answerprint.errors import InputError
from answerprint.text import nearest, one_of

__all__ = ["PlainParser"]

_FEW = 10
"""As many choices are named in an error; more are in the help."""
_NUMBERS = {"int": "Give a whole number.", "float": "Give a number."}


class PlainParser(ArgumentParser):
    """A parser that raises InputError instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(*self._words(message))

    def parse_known_args(  # type: ignore[override] # one signature in place of argparse's three
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse; raises InputError for arguments that are not known, as the command that they were given to."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            first = next((each for each in unknown if each.startswith("-")), unknown[0])
            option = first.partition("=")[0]
            near = nearest(option, list(self._option_string_actions))
            remedy = f"Did you mean {near}? " if near else ""
            kind = "option" if first.startswith("-") else "argument"
            raise InputError(f"{self.prog} has no {kind} {option}.", f"{remedy}See {self.prog} --help.")
        return found, unknown

    def _words(self, message: str) -> tuple[str, str]:
        """The message and the remedy for one of argparse's."""
        see = f"See {self.prog} --help."
        if found := re.fullmatch(r"the following arguments are required: (.*)", message):
            names = found[1].split(", ")
            return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing.", see
        if found := re.fullmatch(r"argument (\S+): not allowed with argument (\S+)", message):
            return f"{found[2]} and {found[1]} exclude each other.", "Give one of them."
        if found := re.fullmatch(r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)", message):
            choices = [each.strip("'") for each in found[3].split(", ")]
            near = nearest(found[2].strip("'"), choices)
            give = f"Give {one_of(choices)}." if len(choices) <= _FEW else see
            return f"{found[1]} cannot be {found[2]}.", (f"Did you mean {near}? " if near else "") + give
        if found := re.fullmatch(r"argument (\S+): invalid (\w+) value: (.*)", message):
            return f"{found[1]} cannot be {found[3]}.", _NUMBERS.get(found[2], see)
        if found := re.fullmatch(r"argument (\S+): expected (?:one|at least one) argument", message):
            return f"{found[1]} needs a value.", see
        if found := re.fullmatch(r"argument (\S+): ignored explicit argument (.*)", message):
            return f"{found[1]} takes no value.", f"Leave out ={found[2][1:-1]}."
        text = message[:1].upper() + message[1:]
        return text if text.endswith(".") else f"{text}.", see
