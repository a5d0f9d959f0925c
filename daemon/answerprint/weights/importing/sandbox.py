"""What a process gives up before it reads what may be hostile; best effort on each system, and for good.

On every system an audit hook refuses to open, start, import or reach anything more; POSIX adds limits of memory, file
size and processes, Linux a network of its own that leads nowhere. The hook stops what a pickle could call; the rest is
for the case that something gets past it.
"""

from __future__ import annotations

import codecs
import ctypes
import sys
from contextlib import suppress

__all__ = ["enter"]

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MEMORY_BYTES = 8 << 30
_CPU_SECONDS = 3600
_ENCODINGS = ("cp437", "latin-1", "ascii", "utf-8")  # of names in zip archives, and of texts in pickles
_HARMLESS = frozenset({"pickle.find_class", "array.__new__"})


def enter(most_file_bytes: int) -> None:
    """Give up all but the files that are open. most_file_bytes: of any file written from here on."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)  # it would be imported when it is first met
    if sys.platform == "linux":
        with suppress(OSError):  # where users may have no namespaces, the hook alone forbids the network
            ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    if sys.platform != "win32":
        import resource

        limits = {
            resource.RLIMIT_FSIZE: most_file_bytes,
            resource.RLIMIT_CPU: _CPU_SECONDS,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_AS: _MEMORY_BYTES,
        }
        if hasattr(resource, "RLIMIT_NPROC"):
            limits[resource.RLIMIT_NPROC] = 0
        for name, most in limits.items():
            with suppress(OSError, ValueError):  # a lower limit may be set already
                resource.setrlimit(name, (most, most))
    sys.addaudithook(_refuse)


def _refuse(event: str, args: tuple[object, ...]) -> None:
    if event not in _HARMLESS:
        raise PermissionError(f"{event} is not allowed here")
