"""All output to the terminal."""

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
    """Results go to standard output, everything else to standard error. json: results are one JSON object per line."""

    json: bool = False
    kept: list[Mapping[str, object]] | None = None
    """Collects what `tell` is given, for a report; None collects nothing."""

    def out(self, line: str = "") -> None:
        """Write a line of the result, without control characters."""
        _write(sys.stdout, plain(line))

    def err(self, line: str) -> None:
        """Write a line to standard error, without control characters."""
        _write(sys.stderr, plain(line))

    def replace_lines(self, lines: Sequence[str], above: int) -> None:
        """Write lines of the result over the last `above` lines; for a terminal only."""
        up = f"\x1b[{above}F\x1b[J" if above else ""  # move up that many lines and clear everything below
        _write(sys.stdout, up + "\n".join(map(plain, lines)))

    def event(self, event: Mapping[str, object]) -> None:
        """Write one JSON object."""
        # json.dumps writes plain ASCII: invalid Unicode in file names and terminals without UTF-8 are safe.
        _write(sys.stdout, json.dumps(event))

    def tell(self, event: Mapping[str, object]) -> bool:
        """Keep the result of one clip for the report; write it if results are JSON. Returns whether it was written."""
        if self.kept is not None:
            self.kept.append(event)
        if self.json:
            self.event(event)
        return self.json

    def array(self, objects: Sequence[Mapping[str, object]]) -> None:
        """Write JSON objects as one array, one object per line."""
        _write(sys.stdout, "[" + ",\n ".join(json.dumps(each) for each in objects) + "]")

    def fail(self, message: str, remedy: str, *, code: str, exit_code: int) -> None:
        """Report an error: one or two plain lines, or the final `error` event."""
        if self.json:
            self.event({"event": "error", "code": code, "message": message, "remedy": remedy, "exit_code": exit_code})
            return
        self.err(f"answerprint: {message}")
        if remedy:
            self.err(f"  {remedy}")


def agrees(question: str, *, default: bool) -> bool:
    """Ask on the terminal and return whether the answer is yes. default: the meaning of an empty answer."""
    sys.stderr.write(plain(f"{question} [{'Y/n' if default else 'y/N'}] "))
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    return default if not answer else answer in ("y", "yes")


def _write(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


def prepare_streams() -> None:
    """Escape characters that the terminal cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def abandon_output() -> None:
    """Redirect a closed standard output to nowhere, so that nothing fails at exit."""
    with contextlib.suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
