"""Create missing output folders; on a terminal, ask first."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from answerprint.cli.console import agrees
from answerprint.cli.context import Context
from answerprint.errors import CancelledError, OutputError
from answerprint.text import counted

__all__ = ["make_folders"]


def make_folders(outputs: Iterable[str], context: Context) -> None:
    """Create the missing folders of these outputs, with one question for all.

    Raises OutputError if a folder cannot be created, CancelledError if the user says no.
    """
    missing = sorted({folder for folder in (Path(output).parent for output in outputs) if not folder.is_dir()})
    if not missing:
        return
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not context.console.json
    if asks and not agrees(_question(missing), default=True):
        raise CancelledError("Nothing was done: the output folder does not exist.")
    for folder in missing:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot create {folder} ({error.strerror}).", "Choose another folder.") from error
        if not asks and not context.console.json:
            context.console.err(f"Created the folder {folder}")


def _question(missing: list[Path]) -> str:
    if len(missing) == 1:
        return f"The folder {missing[0]} does not exist. Create it?"
    return f"{counted(len(missing), 'folder')}, such as {missing[0]}, do not exist. Create them?"
