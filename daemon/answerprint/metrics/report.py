"""Metrics of several variants as one table: plain text, and a dict for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMNS", "Column", "Table"]

Figure = float | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """Formatting of one metric; stored values are not scaled."""

    label: str
    better: Literal["up", "down", ""] = ""
    """Direction of better values; "" for neutral ones, such as a share of masked pixels or a ratio that should be 1."""
    digits: int = 3
    scale: float = 1.0
    """Display factor: 1e3 shows E_warp x1e-3 as in papers; the label must say so."""

    @property
    def heading(self) -> str:
        """Label with an arrow in the direction of better values."""
        arrow = {"up": " \N{UPWARDS ARROW}", "down": " \N{DOWNWARDS ARROW}", "": ""}[self.better]
        return self.label + arrow

    def show(self, value: Figure) -> str:
        """Text of one value: "-" for None, "n/a" for NaN (not measurable), "inf" for infinity."""
        if value is None:
            return "-"
        if isinstance(value, str):
            return value
        if math.isnan(value):
            return "n/a"
        return f"{value * self.scale:.{self.digits}f}"


COLUMNS: Mapping[str, Column] = {
    "psnr": Column("PSNR", "up", 2),
    "psnr_y": Column("PSNR-Y", "up", 2),
    "ssim": Column("SSIM", "up", 4),
    "ssim_y": Column("SSIM-Y", "up", 4),
    "ms_ssim": Column("MS-SSIM", "up", 4),
    "gmsd": Column("GMSD", "down", 4),
    "st_lpips": Column("P (ST-LPIPS)", "down", 4),
    "lpips": Column("LPIPS", "down", 4),
    "dists": Column("DISTS", "down", 4),
    "detail_ratio": Column("detail (1 = truth)", "", 3),
    "high_band_correlation": Column("detail corr.", "up", 3),
    "e_warp": Column("E_warp x1e-3", "down", 3, 1e3),
    "e_inter": Column("E_inter", "down", 3),
    "lpips_inter": Column("LPIPS_inter", "down", 4),
    "t_of": Column("tOF px", "down", 3),
    "masked_fraction": Column("masked %", "", 1, 1e2),
    "frames": Column("frames", "", 0),
    "seconds_per_frame": Column("s/frame", "down", 3),
    "peak_memory_bytes": Column("peak MiB", "down", 0, 1 / 2**20),
}
"""Columns by key."""


@dataclass(frozen=True, slots=True)
class Table:
    """Variants (rows) by metrics; the columns are those of any row, in order of first appearance."""

    title: str
    rows: Mapping[str, Mapping[str, Figure]]
    notes: Sequence[str] = ()
    """Notes for the reader: interpolator, backbone, unavailable metrics and why."""

    @property
    def keys(self) -> list[str]:
        """Keys of the columns."""
        return list(dict.fromkeys(key for row in self.rows.values() for key in row))

    def to_text(self) -> str:
        """Aligned plain text: title, headings, one line per variant, notes."""
        grid = self._grid()
        widths = [max(len(line[i]) for line in grid) for i in range(len(grid[0]))]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
            for line in grid
        ]
        ruler = "-" * sum(widths, 2 * (len(widths) - 1))
        return "\n".join([self.title, lines[0].rstrip(), ruler, *(ln.rstrip() for ln in lines[1:]), *self.notes]) + "\n"

    def to_json(self) -> dict[str, object]:
        """Title, rows of unscaled values, notes; NaN becomes None and infinity "inf", which JSON lacks."""
        rows = {name: {key: _plain(value) for key, value in row.items()} for name, row in self.rows.items()}
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}

    def _grid(self) -> list[list[str]]:
        columns = [(key, COLUMNS.get(key, Column(key))) for key in self.keys]
        head = ["variant", *(column.heading for _, column in columns)]
        body = [[name, *(column.show(row.get(key)) for key, column in columns)] for name, row in self.rows.items()]
        return [head, *body]


def _plain(value: Figure) -> Figure:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
