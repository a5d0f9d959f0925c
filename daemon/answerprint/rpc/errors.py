"""Errors over gRPC: a status for any client, and the error itself for ours.

The trailing metadata `answerprint-problem-bin` holds {"code", "message", "remedy", "exit_code"} as JSON; and
"again": true if the daemon only has too many calls at the moment.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping

import grpc

from answerprint.api.types import BusyError, NotFoundError, NotYetError, StateError
from answerprint.errors import AnswerprintError, CancelledError, InputError, JournalError, NoDaemonError, StorageError

__all__ = [
    "PROBLEM_KEY",
    "AccessDeniedError",
    "CrowdedError",
    "EndingError",
    "InternalError",
    "OtherVersionError",
    "StartingError",
    "TooSlowError",
    "from_trailer",
    "status_of",
    "trailer_of",
]

PROBLEM_KEY = "answerprint-problem-bin"

# Metadata is limited to 8 KiB, base64 and all.
_LONGEST_TEXT = 1500
_LONGEST_DETAILS = 300


class AccessDeniedError(NoDaemonError):
    """The caller has not shown that it may use this daemon."""

    code = "refused"


class OtherVersionError(NoDaemonError):
    """The running daemon speaks another version of the protocol; it must end before another one starts."""

    code = "other_version"


class StartingError(NoDaemonError):
    """The daemon is not ready yet."""

    code = "starting"


class EndingError(NoDaemonError):
    """The daemon is shutting down."""

    code = "ending"


class TooSlowError(NoDaemonError):
    """The call timed out; its action may still happen."""

    code = "too_slow"


class CrowdedError(BusyError):
    """Too many calls at once: try the same call again in a moment."""


class InternalError(AnswerprintError):
    """The daemon hit an internal error: a bug."""

    code = "internal"


_STATUS: Mapping[type[AnswerprintError], grpc.StatusCode] = {
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    NotYetError: grpc.StatusCode.NOT_FOUND,
    StateError: grpc.StatusCode.FAILED_PRECONDITION,
    BusyError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    AccessDeniedError: grpc.StatusCode.UNAUTHENTICATED,
    TooSlowError: grpc.StatusCode.DEADLINE_EXCEEDED,
    InternalError: grpc.StatusCode.INTERNAL,
    NoDaemonError: grpc.StatusCode.UNAVAILABLE,
    StorageError: grpc.StatusCode.UNAVAILABLE,
    JournalError: grpc.StatusCode.UNAVAILABLE,
    CancelledError: grpc.StatusCode.CANCELLED,
    InputError: grpc.StatusCode.INVALID_ARGUMENT,
    AnswerprintError: grpc.StatusCode.FAILED_PRECONDITION,
}


def status_of(error: AnswerprintError) -> grpc.StatusCode:
    """Return the status of the nearest class that has one."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def trailer_of(error: AnswerprintError) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """Return the details of a status, and the metadata that carries the error itself."""
    problem = {
        "code": error.code,
        "message": _cut(error.message, _LONGEST_TEXT),
        "remedy": _cut(error.remedy, _LONGEST_TEXT),
        "exit_code": error.exit_code,
    }
    if isinstance(error, CrowdedError):
        problem["again"] = True
    data = json.dumps(problem, ensure_ascii=False).encode()
    return _cut(error.message, _LONGEST_DETAILS), ((PROBLEM_KEY, data),)


def from_trailer(metadata: Iterable[tuple[str, str | bytes]]) -> AnswerprintError | None:
    """Return the error that a server put into its trailing metadata, None where there is none."""
    for key, value in metadata:
        if key != PROBLEM_KEY:
            continue
        try:
            problem = json.loads(value)
            if problem.get("again"):
                return CrowdedError(str(problem["message"]), str(problem["remedy"]))
            return _raised_there(
                str(problem["code"]), int(problem["exit_code"]), str(problem["message"]), str(problem["remedy"])
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
    return None


def _raised_there(code: str, exit_code: int, message: str, remedy: str) -> AnswerprintError:
    """The same error again; for a class that this version lacks, one with the same code and exit code."""
    base: type[AnswerprintError] = InputError if exit_code == InputError.exit_code else AnswerprintError
    for kind in _classes(AnswerprintError):
        if kind.code == code and kind.exit_code == exit_code:
            if list(inspect.signature(kind).parameters)[:2] == ["message", "remedy"]:
                return kind(message, remedy)
            # Its constructor takes other values, which stayed in the daemon: its base class is enough.
            base = kind.__base__ if kind.__base__ is not None else base
    unknown: type[AnswerprintError] = type("RemoteError", (base,), {"code": code, "exit_code": exit_code})
    return unknown(message, remedy)


def _classes(kind: type[AnswerprintError]) -> Iterable[type[AnswerprintError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__name__ != "RemoteError":
            yield from _classes(each)


def _cut(text: str, longest: int) -> str:
    """Text of at most `longest` bytes in UTF-8; bytes of a file name that are not Unicode become escapes."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= longest:
        return data.decode()
    return data[: longest - 3].decode("utf-8", "ignore") + "..."
