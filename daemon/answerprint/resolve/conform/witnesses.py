"""Who tells where an item lies in its file: Resolve twice, and a list that it exports, which a library reads."""

from __future__ import annotations

from dataclasses import dataclass

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.otio import library

__all__ = ["Account", "accounts"]


@dataclass(frozen=True, slots=True)
class Account:
    """A witness. problem: why it cannot be asked, "" where it can; remedy: what helps."""

    name: str
    text: str
    problem: str = ""
    remedy: str = ""


def accounts() -> tuple[Account, ...]:
    """All witnesses; where two of them disagree and the third is missing, a clip is refused."""
    return (
        Account("witness 1", "Resolve's offset and duration of a clip"),
        Account("witness 2", "Resolve's source frames and times of a clip"),
        _list(),
    )


def _list() -> Account:
    text = "the timeline as Resolve exports it"
    try:
        otio = library()
    except InputError as error:
        return Account("witness 3", text, error.message, error.remedy)
    return Account("witness 3", f"{text}, read by OpenTimelineIO {otio.__version__}")
