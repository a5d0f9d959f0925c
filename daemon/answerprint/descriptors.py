"""The limit of open files, pipes and connections of this process."""

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
"""For systems without a limit per process, such as Windows."""
_OUT = frozenset({errno.EMFILE, errno.ENFILE})


def is_out_of_descriptors(error: OSError) -> bool:
    """Whether too many files are open, in this process or in the system."""
    return error.errno in _OUT


def too_many_files(what: str) -> TooManyFilesError:
    """The error for `what` could not be opened because too many files are open."""
    return TooManyFilesError(
        f"{what} could not be opened: too many files and connections are open.",
        "Close programs that use Answerprint, or raise the limit of open files (ulimit -n). The job then resumes.",
    )


def most_open() -> int:
    """The limit of this process."""
    if sys.platform == "win32":
        return _UNLIMITED
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> int:
    """Raise the limit of this process as far as allowed and useful; returns the new limit."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(OSError, ValueError):  # keep the old limit
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return most_open()


def are_free(number: int) -> bool:
    """Whether this many files can be opened now."""
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
