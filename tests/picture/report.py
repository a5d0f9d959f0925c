"""What the picture is worth: `python -m picture.report` in the folder tests, or `make report-picture`.

Every figure that the default is chosen and judged by, wanted beside measured, on clips two of which nothing was chosen
on. `--quick` takes small pictures and few frames: a look, whose figures are not those that count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from answerprint.errors import AnswerprintError
from answerprint.metrics.own import DEFAULT_MODEL, Studio
from answerprint.metrics.page.page import ClipPage, write_page
from answerprint.metrics.report import Table as Figures
from answerprint.metrics.shift_tolerant import ShiftTolerant, load_shift_tolerant
from answerprint.training.fetch import clips_folder, fetch_clips, fetch_held_out, fetch_measures, measures_folder
from picture.footage import CLIPS, DAMAGES
from picture.lab import QUICK, Extent, Lab
from picture.rows import COMPARED, ROWS, compared_rows
from tables import Row, Table, print_tables

__all__ = ["main", "tables"]

_NEEDS_COMPARISON = ("p", "rival", "warp", "detail", "psnr", "keyframe")


def tables(lab: Lab, chosen: Sequence[str]) -> list[Table]:
    """The clips one by one where a chosen row needs them, and the bars."""
    out = [Table("Measure and reach", ("figure", "where", "measured", "wanted"), lambda: bars(lab, chosen))]
    if any(name in _NEEDS_COMPARISON for name in chosen):
        heading = ("clip", *(f"{name}: PSNR / P / E_warp x1e-3 / detail" for name in COMPARED))
        out.insert(0, Table("Clips", heading, lambda: guarded("clips", compared_rows(lab), len(heading))))
    return out


def bars(lab: Lab, chosen: Sequence[str]) -> Iterator[Row]:
    """Rows of every chosen name."""
    for name in chosen:
        yield from guarded(name, ROWS[name](lab), 4)


def guarded(name: str, rows: Iterator[Row], cells: int) -> Iterator[Row]:
    """The rows; what this program itself says it cannot do is a bar that was missed, and the others are measured."""
    try:
        yield from rows
    except AnswerprintError as error:
        yield Row((name, f"not measured: {error}", *[""] * (cells - 2)), False)


def page(lab: Lab, folder: Path) -> Path:
    """All comparisons on one page, with the figures that were measured."""
    shown = []
    for title, pictures in lab.pictures.items():
        clip, damage = title.split(", ")
        found = lab.compare(next(each for each in CLIPS if each.name == clip), damage)
        rows = {
            name: {
                "psnr": f.psnr, "st_lpips": f.p, "detail_ratio": f.detail, "e_warp": f.e_warp,
                "seconds_per_frame": f.seconds,
            }
            for name, f in found.items()
        }  # fmt: skip
        shown.append(ClipPage(Figures(f"{title}: {DAMAGES[damage]}", rows), pictures))
    return write_page(folder, shown)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"no row {', '.join(unknown) or text!r}; there are {', '.join(ROWS)}")
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Print what was asked for; 0 when every bar was reached."""
    parser = argparse.ArgumentParser(prog="picture.report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", type=_names, default=list(ROWS), metavar="ROWS", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="small pictures and few frames")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="judge this one (default: %(default)s)")
    parser.add_argument("--page", type=Path, metavar="DIR", help="write report.html there, with the clips in it")
    args = parser.parse_args(argv)
    fetch_clips(clips_folder())
    fetch_held_out(clips_folder())
    fetch_measures(measures_folder())
    measure = load_shift_tolerant()
    if not isinstance(measure, ShiftTolerant):
        sys.stderr.write(f"P: {measure}\n")
    with Studio() as studio:
        extent = QUICK if args.quick else Extent()
        distance = measure if isinstance(measure, ShiftTolerant) else None
        lab = Lab(studio, distance, extent, args.model, keep=args.page is not None)
        code = print_tables(*tables(lab, args.only))
        if args.page is not None and lab.pictures:
            sys.stdout.write(f"{page(lab, args.page)}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
