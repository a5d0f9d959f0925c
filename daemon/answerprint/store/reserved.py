"""Refuse outputs in the program's own folders, where they could be removed or replace its files.

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
    """Raise OutputError for a folder inside one of ours, also through links and with another case.

    Ours are the folders of the program's home, and the folders of jobs in any scratch folder.
    """
    ours = {found for own in own_folders() if (found := identity(own)) is not None}
    real = folder.resolve()
    for each in (real, *real.parents):
        if identity(each) in ours or is_job_folder(each):
            raise OutputError(
                f"{folder} is inside a folder of Answerprint's own files, {each}.",
                "Files there may be deleted. Choose another folder.",
            )
