"""A warning about output folders in which other users may rename files."""

from __future__ import annotations

from pathlib import Path

from answerprint.ipc import events
from answerprint.store.open_folder import folder_open_to_others
from answerprint.worker.requests import JobChannel

__all__ = ["warn_of_open_folder"]


def warn_of_open_folder(folder: Path, channel: JobChannel) -> None:
    """Warn if any user may move or replace files in `folder`, as named or with links resolved."""
    found = folder_open_to_others(folder.absolute()) or folder_open_to_others(folder.resolve())
    if found is not None:
        channel.emit(
            events.warning(
                f"Every user may rename or replace files in {found}, including the result: choose another folder, "
                f"or protect it (chmod +t {found})."
            )
        )
