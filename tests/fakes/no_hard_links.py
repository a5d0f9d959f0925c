"""`python no_hard_links.py KIND`: a child of the program on a file system without hard links, such as exFAT."""

from __future__ import annotations

import errno
import os
import sys

from answerprint.child import main


def _refuse(*args: object, **options: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


if __name__ == "__main__":
    os.link = _refuse
    sys.exit(main(sys.argv[1:]))
