"""Arguments of every program of ours: a mistake is an error like any other, in two plain lines."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import NoReturn

from answerprint.errors import InputError

__all__ = ["PlainParser"]


class PlainParser(ArgumentParser):
    """A parser that raises InputError, where argparse prints its usage and ends the program."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        text = message[:1].upper() + message[1:]
        raise InputError(text if text.endswith(".") else text + ".", f"See {self.prog} --help.")
