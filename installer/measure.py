"""Print size and start-up times of the bundle in the given folder.

Times are the minimum of several runs, because other load only adds to them.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_TIMES = 5


def main(bundle: Path) -> int:
    """Measure and print."""
    rows = [("size on disk", f"{_size(bundle) / 1e6:.0f} MB")]
    for word in ("--version", "--help"):
        rows.append((f"answerprint {word}", f"{min(_seconds(bundle, word) for _ in range(_TIMES)):.2f} s"))
    starts = []
    for _ in range(_TIMES):
        with tempfile.TemporaryDirectory() as home:
            os.environ["ANSWERPRINT_HOME"] = home
            try:
                starts.append(_seconds(bundle, "daemon", "start"))
            finally:
                with suppress(subprocess.CalledProcessError):
                    _run(bundle, "daemon", "stop")
    rows.append(("answerprint daemon start, until it serves", f"{min(starts):.2f} s"))
    for label, figure in rows:
        sys.stdout.write(f"{label:45s}{figure:>10s}\n")
    return 0


def _size(bundle: Path) -> int:
    """Bytes of its files, without links."""
    return sum(file.lstat().st_size for file in bundle.rglob("*") if file.is_file() and not file.is_symlink())


def _run(bundle: Path, *arguments: str) -> None:
    subprocess.run([bundle / "answerprint", *arguments], check=True, capture_output=True)  # noqa: S603 - our own


def _seconds(bundle: Path, *arguments: str) -> float:
    began = time.perf_counter()
    _run(bundle, *arguments)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
