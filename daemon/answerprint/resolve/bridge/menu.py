"""The bridge of a menu command: the script in Resolve that started this program answers on our standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.errors import NoResolveError

__all__ = ["run_bridge"]


@contextmanager
def run_bridge() -> Iterator[Bridge]:
    """The bridge on standard input and output; `print` goes to standard error meanwhile.

    Raises NoResolveError if Resolve did not run the script.
    """
    requests = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with requests:
        # Not sys.stdin: Python closes that at exit, and aborts if the bridge's thread still reads from it.
        bridge = Bridge(os.fdopen(os.dup(0), "rb"), requests)
        if not bridge.hello().attached:
            raise NoResolveError(
                "The script was not run by Resolve.", "Run it from Resolve's menu Workspace > Scripts > Answerprint."
            )
        yield bridge
