"""The three sources that tell which frames an item shows: two of Resolve's own, and an OTIO list that it exports."""

from __future__ import annotations

from dataclasses import dataclass

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.otio import library

__all__ = ["Account", "accounts"]


@dataclass(frozen=True, slots=True)
class Account:
    """One of these readers. problem: why it is not available, "" if it is; remedy: what to do about it."""

    name: str
    text: str
    problem: str = ""
    remedy: str = ""


def accounts() -> tuple[Account, ...]:
    """All readers. A clip is refused if the first two disagree and the third is not available."""
    return (
        Account("reader 1", "Resolve's left offset and duration of an item"),
        Account("reader 2", "Resolve's source frames and source times of an item"),
        _exported_list(),
    )


def _exported_list() -> Account:
    text = "the timeline exported by Resolve as OTIO"
    try:
        otio = library()
    except InputError as error:
        return Account("reader 3", text, error.message, error.remedy)
    return Account("reader 3", f"{text}, read by OpenTimelineIO {otio.__version__}")
