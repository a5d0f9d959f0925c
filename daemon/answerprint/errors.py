"""All errors that users can see, as one tree. A class groups errors with the same kind of remedy.

AnswerprintError
+-- InputError          the arguments or the input cannot be used          exit code 2
|   +-- MediaError      the media file cannot be read as asked
|   +-- OutputError     the output may not or cannot be written
|   +-- ModelError      the model is unknown, absent or damaged
+-- NoDaemonError       no daemon answers, or it cannot be used            exit code 3
+-- JobFailedError      the job started and could not be finished          exit code 4
|   +-- TruncatedError  the source ended before the frames that were asked for
|   +-- StorageError    the disk failed
|   |   +-- DiskFullError       the disk is full
|   |   +-- TooManyFilesError   too many files are open
|   +-- JournalError    the journal of jobs cannot be used
+-- CancelledError      the user cancelled the job                         exit code 5
+-- RemoteError         any of these, raised in another process
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "AnswerprintError",
    "CancelledError",
    "DiskFullError",
    "InputError",
    "JobFailedError",
    "JournalError",
    "MediaError",
    "ModelError",
    "NoDaemonError",
    "OutputError",
    "RemoteError",
    "StorageError",
    "TooManyFilesError",
    "TruncatedError",
]


class AnswerprintError(Exception):
    """An error with a one-line message and a remedy, both shown to the user."""

    exit_code: int = 4
    code: str = "failed"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    @property
    def details(self) -> dict[str, object]:
        """Additional facts for programs, by name."""
        return {}


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
    """The model is unknown, absent or damaged, or cannot do what was requested."""

    code = "bad_model"


class JobFailedError(AnswerprintError):
    """The job started and could not be finished."""

    exit_code = 4
    code = "job_failed"


class TruncatedError(JobFailedError):
    """The source ended before the frames that were asked for."""

    code = "truncated"


class StorageError(JobFailedError):
    """The disk failed."""

    code = "storage"


class DiskFullError(StorageError):
    """The disk is full; the job resumes when there is space."""

    code = "disk_full"

    def __init__(self, message: str, remedy: str = "", *, needed_bytes: int = 0, folder: str = "") -> None:
        super().__init__(message, remedy)
        self.needed_bytes = needed_bytes
        self.folder = folder

    @property
    def details(self) -> dict[str, object]:
        """What a program needs to know when to retry."""
        return {"needed_bytes": self.needed_bytes, "folder": self.folder}


class TooManyFilesError(StorageError):
    """Too many files, pipes or connections are open; the job resumes when some are closed."""

    code = "too_many_files"


class JournalError(JobFailedError):
    """The journal of jobs is damaged, of a newer version, or cannot be written."""

    code = "journal"


class NoDaemonError(AnswerprintError):
    """No daemon answers, or the one that does cannot be used."""

    exit_code = 3
    code = "no_daemon"


class RemoteError(AnswerprintError):
    """An error from another process, with its code, exit code and details."""

    def __init__(
        self, message: str, remedy: str, *, code: str, exit_code: int, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.code = code
        self.exit_code = exit_code
        self._details = dict(details or {})

    @classmethod
    def from_event(cls, event: Mapping[str, object]) -> RemoteError:
        """The error in an `error` event, or in a problem of the same form."""
        known = {"event", "job", "id", "message", "remedy", "code", "exit_code"}
        return cls(
            str(event.get("message", "")),
            str(event.get("remedy", "")),
            code=str(event.get("code", cls.code)),
            exit_code=int(str(event.get("exit_code", cls.exit_code))),
            details={name: value for name, value in event.items() if name not in known},
        )

    @property
    def details(self) -> dict[str, object]:
        """Additional facts for programs, by name."""
        return self._details


class CancelledError(AnswerprintError):
    """The user cancelled the job."""

    exit_code = 5
    code = "cancelled"
