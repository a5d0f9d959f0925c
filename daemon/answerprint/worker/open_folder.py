"""A word about results in a folder where others may rename what is not theirs."""

from __future__ import annotations

from pathlib import Path

from answerprint.ipc import events
from answerprint.store.open_folder import folder_open_to_others
from answerprint.worker.requests import JobChannel

__all__ = ["warn_of_open_folder"]


def warn_of_open_folder(folder: Path, talk: JobChannel) -> None:
    """Say so where any user may move or replace results in that folder, by its name or by what its name leads to."""
    found = folder_open_to_others(folder.absolute()) or folder_open_to_others(folder.resolve())
    if found is not None:
        talk.emit(
            events.warning(
                f"Every user may rename what lies in {found}, also the result: choose another folder, "
                f"or close it (chmod +t {found})."
            )
        )
