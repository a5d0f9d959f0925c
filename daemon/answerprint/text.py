"""Text for people: names come from files and from other programs, and must not steer a terminal."""

from __future__ import annotations

from answerprint.errors import AnswerprintError

__all__ = ["counted", "plain", "spoken"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number of things. plural: where it is not the noun with an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def plain(text: str) -> str:
    """One line without control characters, escape sequences and marks that turn the direction of writing."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)


def spoken(error: AnswerprintError) -> str:
    """The one or two lines of an error, as every program of ours writes them, with their ends."""
    lines = [f"answerprint: {plain(error.message)}"] + ([f"  {plain(error.remedy)}"] if error.remedy else [])
    return "".join(f"{line}\n" for line in lines)
