"""Folders that the program keeps for itself: what others put there would be removed one day, and may replace its files.

Standard library only.
"""

from __future__ import annotations

from pathlib import Path

from answerprint.errors import OutputError
from answerprint.home import own_folders
from answerprint.store.folders import is_job_folder
from answerprint.store.open_folder import identity

__all__ = ["check_not_ours"]


def check_not_ours(folder: Path) -> None:
    """Raise OutputError for a folder within one of ours, by whatever name: also through links and in another case.

    Ours are those of the program's home, and the folders of jobs in any scratch folder.
    """
    ours = {found for own in own_folders() if (found := identity(own)) is not None}
    real = folder.resolve()
    for each in (real, *real.parents):
        if identity(each) in ours or is_job_folder(each):
            raise OutputError(
                f"{folder} lies in a folder that Answerprint keeps for itself, {each}.",
                "What is there is removed when it is not needed any more: choose a folder of your own.",
            )
