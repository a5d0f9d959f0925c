"""The report as files: JSON for programs and Markdown for people, whole after each row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from answerprint.metrics.stages import CONSISTENT, PER_FRAME, Spent, stage_table
from answerprint.store.atomic import write_bytes

__all__ = ["MOST_RATIO", "Report", "missed"]

MOST_RATIO = 1.0
"""Seconds of a consistent frame over those of one restored alone. Published are 1.63 and 1.82."""

_WAYS = ("model", "size", "source", "type", "steps", "s/frame alone", "s/frame consistent", "ratio", "GiB alone",
         "GiB consistent", "bar", "ok")  # fmt: skip
_PRECISIONS = ("model", "size", "type", "s/frame", "GiB", "dB to fp32")


class Report:
    """What was measured so far."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Make the folder, and the files with nothing but what is known of the machine."""
        self._folder, self._about = folder, about
        self._rows: list[dict[str, Any]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._write()

    def add(self, row: dict[str, Any]) -> str:
        """Write a row; returns it as a line for the terminal."""
        self._rows.append(row)
        self._write()
        return _line(row)

    def finish(self, seconds: float) -> None:
        """Say that nothing comes any more."""
        self._about["finished_after_seconds"] = round(seconds, 1)
        self._write()

    @property
    def all_well(self) -> bool:
        """Whether every row was measured and reached its bars."""
        return not any(_fault(row) for row in self._rows)

    def _write(self) -> None:
        data = {"about": self._about, "rows": self._rows}
        for name, text in (
            ("report.json", json.dumps(data, indent=1, default=str)),
            ("report.md", "\n\n".join(self._parts())),
        ):
            write_bytes(self._folder / name, f"{text}\n".encode(), overwrite=True)

    def _parts(self) -> list[str]:
        ways = [row for row in self._rows if row["kind"] == "ways" and "ways" in row]
        parts = ["# On this machine", "\n".join(f"- {name}: {value}" for name, value in self._about.items())]
        parts += [
            "## Consistent beside per frame",
            "Seconds are those of a job's usual number of steps: where fewer were taken, as the column says, those "
            "stages that are repeated are reckoned up. Memory is the most that tensors took, the model included.",
            _table(_WAYS, [_way_cells(row) for row in ways]),
            "## In 16 bits beside 32",
            "The same noise; dB by the range of the picture in 32 bits.",
            _table(_PRECISIONS, [cells for row in self._rows for cells in _precision_cells(row)]),
        ]
        parts += [part for row in ways for part in _stages(row)]
        if faults := [f"- {_title(row)}: {_fault(row)}" for row in self._rows if _fault(row)]:
            parts += ["## Not measured, or not as wished", "\n".join(faults)]
        return parts


def missed(row: dict[str, Any]) -> list[str]:
    """Which bars a row of ways missed."""
    found = []
    if row.get("ratio", 0.0) > MOST_RATIO:
        found.append(f"consistent takes {row['ratio']:.2f} times per frame, wanted at most {MOST_RATIO:g}")
    if row.get("within_memory") is False:
        found.append(f"takes {row['peak_gib'][CONSISTENT]:.1f} GiB, wanted less than {row['bar_gib']:g}")
    if row.get("finite") is False:
        found.append("pictures hold values that are no numbers")
    return found


def _fault(row: dict[str, Any]) -> str:
    return row.get("failed") or row.get("skipped") or "; ".join(missed(row))


def _title(row: dict[str, Any]) -> str:
    return f"{row['model']} {row['size']} {row['kind']}"


def _line(row: dict[str, Any]) -> str:
    if "ways" in row:
        said = ", ".join(f"{name} {value}" for name, value in zip(_WAYS[2:], _way_cells(row)[2:], strict=True))
    else:
        said = "; ".join(" ".join(cells[2:]) for cells in _precision_cells(row))
    return f"{_title(row)} ({row['seconds']:.1f} s): {'; '.join(filter(None, (said, _fault(row))))}"


def _way_cells(row: dict[str, Any]) -> list[str]:
    seconds, peak = row["seconds_per_frame"], row["peak_gib"]
    return [
        row["model"], row["size"], row["source"], row["dtype"], f"{row['steps']} of {row['default_steps']}",
        f"{seconds[PER_FRAME]:.3f}", f"{seconds[CONSISTENT]:.3f}", f"{row['ratio']:.2f}",
        _number(peak[PER_FRAME], 1), _number(peak[CONSISTENT], 1), _number(row["bar_gib"], 0),
        "NO" if missed(row) else "yes",
    ]  # fmt: skip


def _precision_cells(row: dict[str, Any]) -> list[list[str]]:
    return [
        [
            row["model"], row["size"], name, f"{found['seconds_per_frame']:.3f}", _number(found["peak_gib"], 1),
            _number(found["psnr_db"], 1),
        ]
        for name, found in row.get("precisions", {}).items()
    ]  # fmt: skip


def _stages(row: dict[str, Any]) -> list[str]:
    heading, *rows = stage_table([Spent(**way) for way in row["ways"]])
    title = f"## Stages of {row['model']} {row['size']}, as measured in {row['steps']} steps"
    return [title, _table(heading, rows)]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
