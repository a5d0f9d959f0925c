"""The three sources that tell which frames an item shows: two of Resolve's own, and an OTIO list that it exports."""

from __future__ import annotations

from dataclasses import dataclass

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.otio import library

__all__ = ["ConformReader", "conform_readers"]


@dataclass(frozen=True, slots=True)
class ConformReader:
    """One of these readers. problem: why it is not available, "" if it is; remedy: what to do about it."""

    name: str
    text: str
    problem: str = ""
    remedy: str = ""


def conform_readers() -> tuple[ConformReader, ...]:
    """All readers. A clip is refused if the first two disagree and the third is not available."""
    return (
        ConformReader("reader 1", "Resolve's left offset and duration of an item"),
        ConformReader("reader 2", "Resolve's source frames and source times of an item"),
        _exported_list(),
    )


def _exported_list() -> ConformReader:
    text = "the timeline exported by Resolve as OTIO"
    try:
        otio = library()
    except InputError as error:
        return ConformReader("reader 3", text, error.message, error.remedy)
    return ConformReader("reader 3", f"{text}, read by OpenTimelineIO {otio.__version__}")
