"""What the way from a timeline and back promises, tried at length: `python -m fault.measure_timeline`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

from answerprint.resolve.edit_lists import read_list
from answerprint.resolve.restore.edit_list import jobs_of_list
from answerprint.resolve.restore.settings import RestoreSettings
from fault.measure_jobs import Figure
from resolve.edit_lists.long import long_list, probe
from resolve.restore.habits import STEPS, try_sequences

__all__ = ["TIMELINE", "measure_habits", "measure_long_list"]

_SEQUENCES = 300
_EVENTS = 200_000
_FILES = 50


def measure_habits(folder: Path) -> list[Figure]:
    """Sequences of steps at a timeline against the model of what must be there."""
    surprises = 0
    try:
        try_sequences(_SEQUENCES)
    except AssertionError as error:
        surprises = 1  # the first one ends it
        sys.stderr.write(f"{error}\n")
    return [Figure(f"an editor's habits, {_SEQUENCES} sequences of {STEPS} steps, surprises", surprises, "", 1)]


def measure_long_list(folder: Path) -> list[Figure]:
    """An EDL that uses each of its files in thousands of pieces, up to the jobs that are made of it."""
    path = long_list(folder / "m", [f"{number}.mov" for number in range(_FILES)], _EVENTS)
    began = time.process_time()
    edit = read_list(path, probe=probe, media=path.parent, rate=Fraction(25))
    made, refused = jobs_of_list(edit, RestoreSettings(folder=str(folder / "r")))
    seconds = time.process_time() - began
    whole = len(made) == _EVENTS and not refused
    return [
        Figure(
            f"EDL of {_EVENTS} events, read and planned, processor time", seconds if whole else float("inf"), "s", 60
        )
    ]


TIMELINE: Mapping[str, Callable[[Path], list[Figure]]] = {"habits": measure_habits, "list": measure_long_list}
"""By the names that `report --only` knows."""


def main() -> int:
    """Measure, and print; returns 0 when every bar is held."""
    met = True
    for measure in TIMELINE.values():
        with tempfile.TemporaryDirectory(prefix="t") as folder:
            for figure in measure(Path(folder)):
                sys.stdout.write(f"{figure.name}: {figure.value:.3g} {figure.unit}\n")
                met &= figure.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
