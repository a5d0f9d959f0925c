"""The daemon's log: one line per event, with job and chunk, in files of limited size."""

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
    """A rotating log that only its owner can read: it contains the user's file names."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(
            self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600
        )
        return TextIOWrapper(
            os.fdopen(descriptor, "ab"), encoding="utf-8", errors="backslashreplace", write_through=True
        )


class _OneLine(logging.Formatter):
    """Keeps a message on one line, whatever is in it; a traceback follows unchanged."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return plain(super().formatMessage(record))


def open_log(folder: Path, *, most_bytes: int, files: int, also_stderr: bool = False) -> logging.Logger:
    """Write the program's log to a file that only its owner can read. Raises JobFailedError."""
    root = logging.getLogger("answerprint")
    form = _OneLine(_FORM, defaults={"job": "-", "chunk": "-"})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _PrivateFile(folder / LOG_NAME, maxBytes=most_bytes, backupCount=files, encoding="utf-8")
    except OSError as error:
        raise JobFailedError(
            f"Cannot write a log to {folder} ({error.strerror}).",
            "Make the folder writable, or set ANSWERPRINT_HOME to another folder.",
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
