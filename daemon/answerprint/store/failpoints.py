"""Named points at which tests make the real programs fail, to check that finished work is never lost.

    ANSWERPRINT_FAILPOINT="name:action[:nth]"     at the nth time (default: the first) that a process gets there;
                                                  several are separated by commas
    ANSWERPRINT_FAILPOINT_ONCE=PATH               only if this file exists; it is removed first, so that the next
                                                  process does not fail

Without the variable, a fail point costs one lookup in the environment. Frozen bundles ignore them.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Literal, NoReturn, get_args

__all__ = ["ONCE_VARIABLE", "VARIABLE", "Action", "FailPoint", "reach", "reset"]

VARIABLE = "ANSWERPRINT_FAILPOINT"
ONCE_VARIABLE = "ANSWERPRINT_FAILPOINT_ONCE"

FailPoint = Literal[
    "after_decode",
    "after_denoise",
    "segment_before_fsync",
    "segment_after_rename",
    "carry_after_rename",
    "before_receipt",
    "after_receipt",
    "journal_before_commit",
    "journal_after_commit",
    "mux_before_publish",
    "after_claim",
    "mux_after_publish",
    "load_model",
    "recovery",
    "rebuild",
]
Action = Literal["kill", "abort", "exit", "hang", "oom", "raise-enospc", "raise-eio"]

_reached: Counter[str] = Counter()


def reach(name: FailPoint) -> None:
    """Fail here if the environment says so. Raises ValueError if the variable is invalid."""
    text = os.environ.get(VARIABLE)
    if not text or getattr(sys, "frozen", False):
        return
    _reached[name] += 1
    for part in text.split(","):
        wanted, action, nth = _parse(part)
        if wanted == name and nth == _reached[name] and _allowed():
            _fail(name, action)


def reset() -> None:
    """Reset the counters, for tests that fail within their own process."""
    _reached.clear()


def _parse(part: str) -> tuple[str, str, int]:
    name, _, rest = part.strip().partition(":")
    action, _, nth = rest.partition(":")
    if name not in get_args(FailPoint) or action not in get_args(Action) or not (nth or "1").isdecimal():
        raise ValueError(f"{VARIABLE} cannot be {part!r}: no such place or action")
    return name, action, int(nth or "1")


def _allowed() -> bool:
    once = os.environ.get(ONCE_VARIABLE)
    if not once:
        return True
    try:
        Path(once).unlink()  # only one of several processes removes it
    except FileNotFoundError:
        return False
    return True


def _fail(name: str, action: str) -> None:
    sys.stderr.write(f"fail point {name}: {action}\n")
    sys.stderr.flush()
    if action == "kill":
        _kill()
    elif action == "abort":
        os.abort()
    elif action == "exit":
        os._exit(1)
    elif action == "hang":
        while True:
            threading.Event().wait()
    elif action == "oom":
        raise _out_of_memory()
    elif action == "raise-enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _kill() -> NoReturn:
    if sys.platform != "win32":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(137)  # the equivalent on Windows: exits without running handlers


def _out_of_memory() -> BaseException:
    """The out-of-memory error of torch if it is loaded, else MemoryError; never imports torch."""
    error = getattr(sys.modules.get("torch"), "OutOfMemoryError", MemoryError)
    return error("out of memory, at a fail point")
