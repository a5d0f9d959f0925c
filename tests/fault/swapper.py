"""`python swapper.py SHARE VICTIM NTH [USER]`: another user, who may rename what lies in a shared folder, and waits.

SHARE holds the folder `real`, and the link `out` to it. At the NTH change in `real` (a file made, removed or renamed
there) `out` becomes a link to VICTIM, in one step. Linux only: it is told of changes by inotify. USER: the number of
whom it becomes, for an administrator.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

_CREATE, _DELETE, _MOVED = 0x100, 0x200, 0xC0
_HEADER = struct.Struct("iIII")


def main(share: Path, victim: Path, nth: int) -> int:
    """Wait, then swap; ends by itself only then."""
    following, out = share / ".next", share / "out"
    following.symlink_to(victim)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init()
    if libc.inotify_add_watch(descriptor, os.fsencode(share / "real"), _CREATE | _DELETE | _MOVED) < 0:
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while nth > 0:
        data = os.read(descriptor, 8192)
        while data:
            length = _HEADER.unpack_from(data)[3]
            data = data[_HEADER.size + length :]
            nth -= 1
    following.replace(out)
    sys.stdout.write("swapped\n")
    return 0


def become(user: int) -> None:
    """Be somebody without any right of ours from now on."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


if __name__ == "__main__":
    if len(sys.argv) > 4:
        become(int(sys.argv[4]))
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
