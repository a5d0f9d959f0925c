"""Text for users: names from files and other programs must not control the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from answerprint.errors import AnswerprintError

__all__ = ["counted", "listed", "nearest", "one_of", "plain", "shortened", "spoken"]

_MOST_LISTED = 12


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun. plural: if it is not the noun with an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def listed(numbers: Sequence[int]) -> str:
    """Numbers in rising order, such as "3, 7-9, 12"; of many, the first ones."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    shown = ", ".join("-".join(map(str, run)) for run in runs[:_MOST_LISTED])
    return shown if len(runs) <= _MOST_LISTED else f"{shown}, ..."


def one_of(words: Sequence[str]) -> str:
    """Words as alternatives: `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def nearest(name: str, names: Sequence[str]) -> str:
    """The name that was probably meant, "" if none is near."""
    return next(iter(get_close_matches(name, names, 1, 0.6)), "")


def plain(text: str) -> str:
    """One line without control characters, escape sequences and bidirectional marks."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)


def shortened(text: str, most: int) -> str:
    """The longest beginning of a text of at most `most` bytes in UTF-8."""
    return text.encode("utf-8", "surrogateescape")[: max(0, most)].decode("utf-8", "ignore")


def spoken(error: AnswerprintError) -> str:
    """The one or two lines of an error, as all programs print them, with newlines."""
    lines = [f"answerprint: {plain(error.message)}"] + ([f"  {plain(error.remedy)}"] if error.remedy else [])
    return "".join(f"{line}\n" for line in lines)
