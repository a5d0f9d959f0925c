"""Folders of outputs that are not there yet: made, and on a terminal only if the user agrees."""

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
    """Make what is missing; all is asked in one question.

    Raises OutputError where a folder cannot be made, and CancelledError where the user does not want it.
    """
    missing = sorted({folder for folder in (Path(output).parent for output in outputs) if not folder.is_dir()})
    if not missing:
        return
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not context.console.json
    if asks and not agrees(_question(missing), default=True):
        raise CancelledError("Nothing was done: the folder of the output does not exist.")
    for folder in missing:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made ({error.strerror}).", "Choose another folder.") from error
        if not asks and not context.console.json:
            context.console.err(f"Made the folder {folder}")


def _question(missing: list[Path]) -> str:
    if len(missing) == 1:
        return f"The folder {missing[0]} does not exist. Make it?"
    return f"{counted(len(missing), 'folder')}, such as {missing[0]}, do not exist. Make them?"
