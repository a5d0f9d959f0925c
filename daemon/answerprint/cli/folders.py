"""Create missing output folders; on a terminal, ask first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from answerprint.cli.console import agrees
from answerprint.cli.context import Context
from answerprint.errors import AnswerprintError, CancelledError, InputError, OutputError
from answerprint.text import counted

__all__ = ["folders_for"]


@contextmanager
def folders_for(outputs: Iterable[str], context: Context) -> Iterator[Callable[[], None]]:
    """Create the missing folders of these outputs, with one question for all.

    They go again if what follows is refused, or what is yielded is called. Raises OutputError if a folder cannot be
    created, CancelledError if the user says no.
    """
    missing = sorted({folder for folder in (Path(output).parent for output in outputs) if not folder.is_dir()})
    if missing:
        _make(missing, context)

    def remove() -> None:
        for folder in missing:
            with suppress(OSError):  # another program writes into it
                folder.rmdir()

    try:
        yield remove
    except AnswerprintError as error:
        if error.exit_code == InputError.exit_code:
            remove()
        raise


def _make(missing: list[Path], context: Context) -> None:
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
