"""What a command is given besides its arguments."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from answerprint.cli.console import Console

__all__ = ["Command", "Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """Where a command writes, and how it starts a child: a program's name -> the start of its command line."""

    console: Console
    child_command: Callable[[str], list[str]]


class Command(Protocol):
    """A module of this package that is a command."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe its arguments, with a help text worth reading."""
        ...

    def run(self, args: Namespace, context: Context) -> int:
        """Do it; returns the exit code. Raises AnswerprintError."""
        ...
