"""Source files, which are never overwritten."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from answerprint.errors import OutputError
from answerprint.store.open_folder import Identity, OpenFolder, identity

__all__ = ["Sources", "check_place"]


class Sources:
    """The files of a source, compared by device and inode, so that links and letter case do not matter."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)

    def check(self, place: OpenFolder, name: str) -> None:
        """Raise OutputError if that name in a folder is one of the files."""
        found = place.look(name, follow=True) or place.look(name)
        if found is not None and (found.st_dev, found.st_ino) in self._identities:
            raise OutputError(
                f"{place.path / name} is the source itself.", "Sources are never written to: choose another name."
            )

    @cached_property
    def _identities(self) -> frozenset[Identity]:
        """Computed only if the output exists, because a sequence has many files."""
        # A file that is not there cannot be overwritten.
        return frozenset(found for file in self._files if (found := identity(file)) is not None)


def check_place(place: OpenFolder) -> None:
    """Raise OutputError if the path of an open folder leads to another folder by now."""
    if not place.is_where_it_was():
        raise OutputError(
            f"The folder {place.path} was moved or replaced while results were written to it.",
            "Somebody else can rename it: choose a folder that only you can write to.",
        )
