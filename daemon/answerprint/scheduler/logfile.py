"""The daemon's own log: one line an event, each with its job and chunk, in files that do not grow for ever."""

from __future__ import annotations

import logging
import os
import sys
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from answerprint.errors import JobFailedError
from answerprint.text import plain

__all__ = ["LOG_NAME", "open_log"]

LOG_NAME = "daemon.log"
_FORM = "%(asctime)s %(levelname)s %(name)s job=%(job)s chunk=%(chunk)s %(message)s"


class _PrivateFile(RotatingFileHandler):
    """Its files are for their owner alone, also those that it begins anew: they name files of the user's."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(
            self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600
        )
        return TextIOWrapper(
            os.fdopen(descriptor, "ab"), encoding="utf-8", errors="backslashreplace", write_through=True
        )


class _OneLine(logging.Formatter):
    """A message is one line, whatever names are in it; what a defect prints follows as it is."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return plain(super().formatMessage(record))


def open_log(folder: Path, *, most_bytes: int, files: int, also_stderr: bool = False) -> logging.Logger:
    """Send what the program logs to a file in the folder, readable by its owner only. Raises JobFailedError."""
    root = logging.getLogger("answerprint")
    form = _OneLine(_FORM, defaults={"job": "-", "chunk": "-"})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _PrivateFile(folder / LOG_NAME, maxBytes=most_bytes, backupCount=files, encoding="utf-8")
    except OSError as error:
        raise JobFailedError(
            f"No log can be written to {folder} ({error.strerror}).",
            "Make the folder writable, or set ANSWERPRINT_HOME to one that is.",
        ) from error
    handlers: list[logging.Handler] = [handler]
    if also_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    for each in handlers:
        each.setFormatter(form)
        root.addHandler(each)
    root.setLevel(logging.INFO)
    root.propagate = False
    return root
