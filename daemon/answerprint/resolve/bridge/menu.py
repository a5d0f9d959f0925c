"""The menu script in Resolve that started this program is the bridge: it answers on our standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.errors import NoResolveError

__all__ = ["run_bridge"]


@contextmanager
def run_bridge() -> Iterator[Bridge]:
    """The bridge on standard input and output; what is printed meanwhile goes to standard error.

    Raises NoResolveError when the script has no Resolve to offer.
    """
    requests = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with requests:
        # Not sys.stdin: at exit Python closes that, and aborts when the bridge's thread still waits in it.
        bridge = Bridge(os.fdopen(os.dup(0), "rb"), requests)
        if not bridge.hello().attached:
            raise NoResolveError(
                "The script was not run by Resolve.", "Run it from Resolve's menu Workspace > Scripts > Answerprint."
            )
        yield bridge
