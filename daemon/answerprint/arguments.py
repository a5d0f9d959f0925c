"""Argument parser of all programs: a mistake raises InputError like any other error."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import NoReturn

from answerprint.errors import InputError

__all__ = ["PlainParser"]


class PlainParser(ArgumentParser):
    """A parser that raises InputError instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        text = message[:1].upper() + message[1:]
        raise InputError(text if text.endswith(".") else text + ".", f"See {self.prog} --help.")
