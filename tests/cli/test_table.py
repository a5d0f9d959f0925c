"""Columns that stay in line, whatever is in them."""

from __future__ import annotations

from answerprint.cli.table import columns


def test_columns_are_as_wide_as_what_is_in_them_and_numbers_end_alike() -> None:
    lines = columns(("#", "CLIP", "STATE"), [("1", "reel.mov", "done"), ("12", "a", "queued")], right="#")
    assert lines == [
        " #  CLIP      STATE",
        " 1  reel.mov  done",
        "12  a         queued",
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = columns(("CLIP", "X"), [("映画", "1"), ("reel", "2")])
    assert lines == ["CLIP  X", "映画  1", "reel  2"]


def test_lines_are_cut_to_the_terminal() -> None:
    assert columns(("CLIP",), [("x" * 30,)], width=10)[1] == "xxxxxxx..."


def test_names_cannot_steer_the_terminal() -> None:
    line = columns(("CLIP",), [("red\x1b[31m\nreel\u202e",)])[1]
    assert line == "red?[31m?reel?"
