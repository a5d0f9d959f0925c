"""The daemon on a machine whose wall clock is set while it runs: by the seconds in the file that SHIFT_FILE names."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_FILE = Path(os.environ["SHIFT_FILE"])
_real = time.time


def _shifted() -> float:
    return _real() + float(_FILE.read_text() or 0)


if __name__ == "__main__":
    time.time = _shifted
    from answerprint.cli.answerprintd import main

    sys.exit(main(sys.argv[1:]))
