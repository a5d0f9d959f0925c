"""What the OpenFX bridge holds, measured: `python -m ofx.report`, or `make report-ofx`.

The plugin runs in a strict host of its own, and in a program that ill-treats it; clips are restored by the real daemon.
Times are those of a thread, without the waits for a processor that other programs used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ofx.compiling import compiler
from ofx.measures import MEASURES

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns 0 if all bars are met."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, separated by commas: {', '.join(MEASURES)}")
    args = parser.parse_args(argv)
    chosen = args.only.split(",") if args.only else list(MEASURES)
    if unknown := set(chosen) - set(MEASURES):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if compiler() is None:
        parser.error("no C compiler: install one, or the package ziglang")
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"{os.cpu_count()} processors, load {load:.1f}\n\n| figure | bar | measured | met |\n|---|---|---|---|\n"
    )
    missed = 0
    for name in chosen:
        for row in MEASURES[name]():
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            missed += not row.ok
    sys.stdout.write(f"\n{missed} bars missed\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
