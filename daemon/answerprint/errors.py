"""Every error a user can meet, as one tree; each leaf is one thing the user can do about it.

AnswerprintError
+-- InputError          the arguments or the input cannot be used          exit code 2
|   +-- MediaError      the media file cannot be read as asked
|   +-- OutputError     the output may not or cannot be written
|   +-- ModelError      the model is unknown, absent or damaged
+-- JobFailedError      the work began and could not be finished           exit code 4
|   +-- TruncatedError  the source ended before the frames that were asked for
|   +-- StorageError    the disk is full or failed
+-- CancelledError      the user ended the job                             exit code 5
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AnswerprintError",
    "CancelledError",
    "InputError",
    "JobFailedError",
    "MediaError",
    "ModelError",
    "OutputError",
    "StorageError",
    "TruncatedError",
]


class AnswerprintError(Exception):
    """An error with a plain message of one line and the remedy, both shown to the user."""

    exit_code: ClassVar[int] = 4
    code: ClassVar[str] = "failed"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InputError(AnswerprintError):
    """The arguments or the input cannot be used as they are."""

    exit_code = 2
    code = "bad_input"


class MediaError(InputError):
    """The media file cannot be read as asked."""

    code = "bad_media"


class OutputError(InputError):
    """The output may not or cannot be written."""

    code = "bad_output"


class ModelError(InputError):
    """The model is unknown, absent or damaged, or lacks what was asked of it."""

    code = "bad_model"


class JobFailedError(AnswerprintError):
    """The work began and could not be finished."""

    exit_code = 4
    code = "job_failed"


class TruncatedError(JobFailedError):
    """The source ended before the frames that were asked for."""

    code = "truncated"


class StorageError(JobFailedError):
    """The disk is full or failed."""

    code = "storage"


class CancelledError(AnswerprintError):
    """The user ended the job."""

    exit_code = 5
    code = "cancelled"
