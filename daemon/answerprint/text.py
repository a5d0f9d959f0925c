"""Text for users: names from files and other programs must not control the terminal."""

from __future__ import annotations

from answerprint.errors import AnswerprintError

__all__ = ["counted", "plain", "spoken"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun. plural: if it is not the noun with an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def plain(text: str) -> str:
    """One line without control characters, escape sequences and bidirectional marks."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)


def spoken(error: AnswerprintError) -> str:
    """The one or two lines of an error, as all programs print them, with newlines."""
    lines = [f"answerprint: {plain(error.message)}"] + ([f"  {plain(error.remedy)}"] if error.remedy else [])
    return "".join(f"{line}\n" for line in lines)
