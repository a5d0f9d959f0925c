"""Reports say what was missed, and their exit code does."""

from __future__ import annotations

import io
from collections.abc import Iterator

from tables import Row, Table, print_tables


def _table(*reached: bool) -> Table:
    return Table("Heights", ("tree", "m"), lambda: (Row(("oak|elm", "9"), ok) for ok in reached))


def _breaking() -> Iterator[Row]:
    yield Row(("oak", "9"), True)
    raise ValueError("fell")


def test_table_is_markdown() -> None:
    out = io.StringIO()
    assert print_tables(_table(True, False), out=out) == 1
    assert out.getvalue() == (
        "**Heights**\n\n| tree | m | ok |\n| --- | --- | --- |\n| oak/elm | 9 | yes |\n| oak/elm | 9 | NO |\n\n"
    )


def test_one_missed_bar_of_many_decides() -> None:
    out = io.StringIO()
    assert print_tables(_table(True), _table(True, True), out=out) == 0
    assert print_tables(_table(True), _table(True, False), out=out) == 1
    assert "| Heights | 2 | 1 | 0 | NO |" in out.getvalue()


def test_what_breaks_off_or_measures_nothing_is_missed() -> None:
    out = io.StringIO()
    assert print_tables(Table("Trees", ("tree", "m"), _breaking), _table(True), out=out) == 1
    assert "| broke off: ValueError('fell') | | NO |" in out.getvalue().replace("|  |", "| |")
    assert "| Heights | 1 | 0 | 0 | yes |" in out.getvalue()
    assert print_tables(_table(), out=out) == 1
