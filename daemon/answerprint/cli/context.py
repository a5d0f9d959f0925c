"""What a command gets besides its arguments."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from answerprint.cli.console import Console

__all__ = ["Command", "Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """Where a command writes, and how it starts a child process.

    child_command: a program's name -> the start of its command line.
    """

    console: Console
    child_command: Callable[[str], list[str]]


class Command(Protocol):
    """A module of this package that implements a command."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add its arguments and help."""
        ...

    def run(self, args: Namespace, context: Context) -> int:
        """Run the command and return the exit code. Raises AnswerprintError."""
        ...
