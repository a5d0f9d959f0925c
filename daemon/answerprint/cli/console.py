"""The one place that writes to the terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from answerprint.text import plain

__all__ = ["Console", "abandon_output", "agrees", "prepare_streams"]


@dataclass(frozen=True, slots=True)
class Console:
    """Results go to standard output, all else to standard error; with `json`, results are one JSON object a line."""

    json: bool = False

    def out(self, line: str = "") -> None:
        """Write a line of the result; what is in it cannot steer the terminal."""
        _write(sys.stdout, plain(line))

    def err(self, line: str) -> None:
        """Write a line beside the result; what is in it cannot steer the terminal."""
        _write(sys.stderr, plain(line))

    def again(self, lines: Sequence[str], above: int) -> None:
        """Write lines of the result in the place of so many that are there; for a terminal only."""
        up = f"\x1b[{above}F\x1b[J" if above else ""  # to the first column, so many lines up, and clear what is below
        _write(sys.stdout, up + "\n".join(map(plain, lines)))

    def event(self, event: Mapping[str, object]) -> None:
        """Write one JSON object."""
        # Plain ASCII: file names that are not valid Unicode, and terminals that are not UTF-8, come through.
        _write(sys.stdout, json.dumps(event))

    def array(self, objects: Sequence[Mapping[str, object]]) -> None:
        """Write JSON objects as one array, each on a line of its own."""
        _write(sys.stdout, "[" + ",\n ".join(json.dumps(each) for each in objects) + "]")

    def fail(self, message: str, remedy: str, *, code: str, exit_code: int) -> None:
        """Say what went wrong: one or two plain lines, or the closing error event."""
        if self.json:
            self.event({"event": "error", "code": code, "message": message, "remedy": remedy, "exit_code": exit_code})
            return
        self.err(f"answerprint: {message}")
        if remedy:
            self.err(f"  {remedy}")


def agrees(question: str, *, default: bool) -> bool:
    """Ask on the terminal, and return whether the answer is yes; default: what an empty answer means."""
    sys.stderr.write(plain(f"{question} [{'Y/n' if default else 'y/N'}] "))
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    return default if not answer else answer in ("y", "yes")


def _write(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


def prepare_streams() -> None:
    """Let no character end the program: what the terminal cannot show is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def abandon_output() -> None:
    """Forget a standard output that nobody reads, so that nothing is written to it at exit either."""
    with contextlib.suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
