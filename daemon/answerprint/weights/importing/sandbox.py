"""Sandbox this process before it reads untrusted files; permanent, best effort on each system.

On every system an audit hook refuses to open files, start processes, import modules or use the network; POSIX adds
limits on memory, file size and processes, Linux an empty network namespace. The hook stops anything that a pickle could
call; the rest is defence in depth.
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
_ENCODINGS = ("cp437", "latin-1", "ascii", "utf-8")  # for names in zip archives and texts in pickles
_HARMLESS = frozenset({"pickle.find_class", "array.__new__"})


def enter(most_file_bytes: int) -> None:
    """Keep only the open files. most_file_bytes: size limit of any file written from now on."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)  # import it now: it would be imported on first use
    if sys.platform == "linux":
        with suppress(OSError):  # without user namespaces, only the hook blocks the network
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
            with suppress(OSError, ValueError):  # a lower limit may already be set
                resource.setrlimit(name, (most, most))
    sys.addaudithook(_refuse)


def _refuse(event: str, args: tuple[object, ...]) -> None:
    if event not in _HARMLESS:
        raise PermissionError(f"{event} is not allowed here")
