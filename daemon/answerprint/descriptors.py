"""Files, pipes and connections that a process may have open at a time: more where the system gives them."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from answerprint.errors import TooManyFilesError

if sys.platform != "win32":
    import resource

__all__ = ["are_free", "is_out_of_descriptors", "most_open", "raise_limit", "too_many_files"]

_ENOUGH = 4096
_UNLIMITED = 8192
"""Of a system that counts nothing by process, such as Windows."""
_OUT = frozenset({errno.EMFILE, errno.ENFILE})


def is_out_of_descriptors(error: OSError) -> bool:
    """Whether nothing more could be opened: for this process, or for any."""
    return error.errno in _OUT


def too_many_files(what: str) -> TooManyFilesError:
    """The error of whatever could not be opened because too much is open."""
    return TooManyFilesError(
        f"{what} could not be opened: too many files and connections are open.",
        "Close programs that use Answerprint, or raise the limit of open files (ulimit -n); the work then goes on.",
    )


def most_open() -> int:
    """How many this process may have open."""
    if sys.platform == "win32":
        return _UNLIMITED
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> int:
    """Let this process open what the system lets it, as far as it may be of use; returns how many that is."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(OSError, ValueError):  # as it was, then
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return most_open()


def are_free(number: int) -> bool:
    """Whether so many can be opened now."""
    opened: list[int] = []
    try:
        for _ in range(number):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True
