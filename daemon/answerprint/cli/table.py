"""Aligned columns for the terminal."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence

from answerprint.text import plain

__all__ = ["columns", "terminal_width"]

_GAP = "  "
_CUT = "..."


def columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "", width: int | None = None
) -> list[str]:
    """Return a line for the head and one per row.

    right: heads of right-aligned columns, separated by spaces. width: longer lines are cut; None cuts nothing.
    """
    table = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = [
            " " * (size - _width(cell)) + cell if name in right.split() else cell + " " * (size - _width(cell))
            for name, size, cell in zip(head, widths, row, strict=True)
        ]
        line = _GAP.join(cells).rstrip()
        lines.append(line if width is None else _cut(line, width))
    return lines


def terminal_width() -> int | None:
    """Columns of the terminal; None if the output goes to a file or a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _width(text: str) -> int:
    """Columns that a text takes; Chinese, Japanese and Korean characters take two."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _cut(line: str, width: int) -> str:
    if _width(line) <= width:
        return line
    while line and _width(line) > width - len(_CUT):
        line = line[:-1]
    return line + _CUT
