"""How reports are printed: Markdown tables, row by row as they are measured, and whether every bar was reached."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Row", "Table", "print_tables"]


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one thing."""

    cells: Sequence[str]
    ok: bool
    """The bar was reached."""


@dataclass(frozen=True, slots=True)
class Table:
    """A report."""

    title: str
    heading: Sequence[str]
    """Of the cells; a last column says whether the bar was reached."""
    measure: Callable[[], Iterator[Row]]


def print_tables(*tables: Table, out: TextIO | None = None) -> int:
    """Measure and print; several tables end with a summary. Returns 0 when every bar was reached, else 1."""
    out = out or sys.stdout
    summary = [_print(table, out) for table in tables]
    if len(summary) > 1:
        _print(Table("Summary", ("table", "rows", "missed", "seconds"), lambda: iter(summary)), out)
    return int(not all(row.ok for row in summary))


def _print(table: Table, out: TextIO) -> Row:
    """Print a table; the answer is its row of the summary."""
    out.write(f"**{table.title}**\n\n{_line([*table.heading, 'ok'])}{_line(['---'] * (len(table.heading) + 1))}")
    begun, rows, missed = time.perf_counter(), 0, 0
    for row in _rows(table):
        out.write(_line([*row.cells, "yes" if row.ok else "NO"]))
        out.flush()
        rows, missed = rows + 1, missed + (not row.ok)
    out.write("\n")
    seconds = time.perf_counter() - begun
    return Row((table.title, str(rows), str(missed), f"{seconds:.0f}"), rows > 0 and missed == 0)


def _rows(table: Table) -> Iterator[Row]:
    """The rows; a measurement that breaks off is a bar that was missed."""
    try:
        yield from table.measure()
    except Exception as error:  # noqa: BLE001 - the other tables are still wanted
        yield Row((f"broke off: {error!r}", *[""] * (len(table.heading) - 1)), False)


def _line(cells: Sequence[str]) -> str:
    words = (" ".join(cell.replace("|", "/").split()) for cell in cells)
    return f"| {' | '.join(words)} |\n"
