"""`answerprint eval`: degrade real footage, restore it with several methods, and measure each against the truth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.arguments import PlainParser
from answerprint.errors import AnswerprintError, InputError
from answerprint.frames import ColourTags, OutputSpec
from answerprint.frames.frame import Picture
from answerprint.media import open_writer, probe
from answerprint.metrics.comparison import Case, Comparison, compare, load_distances, read_truth
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.own import DEFAULT_MODEL, Own, Studio
from answerprint.metrics.page.page import ClipPage, write_page
from answerprint.metrics.report import Table
from answerprint.metrics.rivals.base import RestorationMethod
from answerprint.metrics.temporal import profile_sheet
from answerprint.metrics.variants import ABLATIONS
from answerprint.metrics.verdict import verdict
from answerprint.metrics.ways import ROWS, Reader
from answerprint.text import spoken

__all__ = ["main", "write_clip"]

_COMPARED = "per-frame,per-frame-shared-noise,no-merge,no-warp,consistent"
_ROWS_HELP = (
    f"Rows: {', '.join(ROWS)}; MODEL@VARIANT for another model; external:COMMAND, containing {{in}} and {{out}}, for "
    "any program that reads and writes folders of PNG frames, in a separate --compare. "
    "NAME:option=value;option=value changes options of a row."
)


def write_pictures(folder: Path, stem: str, pictures: Mapping[str, Sequence[Picture]]) -> list[Path]:
    """Write a temporal profile and a still of the middle frame of all rows; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    some = next(iter(pictures.values()))
    profile = profile_sheet(pictures, some[0].shape[0] // 2)
    middle = len(some) // 2
    still_sheet = (np.concatenate([p[middle] for p in pictures.values()], 0) * 255 + 0.5).astype(np.uint8)
    files = [folder / f"{stem}-profile.png", folder / f"{stem}-still.png"]
    for file, picture in zip(files, (profile, still_sheet), strict=True):
        _write_png(file, picture)
    return files


def _write_png(file: Path, picture: NDArray[np.uint8]) -> None:
    if not cv2.imwrite(str(file), np.ascontiguousarray(picture[..., ::-1])):
        raise InputError(f"Cannot write {file}.", "Choose another --out.")


def _parser() -> argparse.ArgumentParser:
    parser = PlainParser(
        prog="answerprint eval",
        description="Degrade real footage, restore it with several methods, and measure each against the truth.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("clips", "compare methods and variants"),
        ("table", "the paper's ablations, table 2 or 4"),
        ("degrade", "only write the degraded clip, lossless, to a file"),
    ):
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
        if name == "table":
            command.add_argument("number", choices=["2", "4"], help="number of the paper's table")
        if name == "degrade":
            command.add_argument("clip", type=Path, metavar="CLIP", help="video file or image sequence")
            command.add_argument("output", type=Path, metavar="OUTPUT", help="new .mkv file")
        else:
            command.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="video file or image sequence")
        if name == "clips":
            command.add_argument(
                "--compare", action="append", metavar="ROWS",
                help=f"rows, separated by commas (default: {_COMPARED}); repeatable. {_ROWS_HELP}",
            )  # fmt: skip
            command.add_argument("--report", type=Path, metavar="DIR", help="write an HTML report into this folder")
        command.add_argument(
            "--scale", type=int, default=4, help="downscaling factor of the truth (default: %(default)s)"
        )
        command.add_argument(
            "--degrade", default="bicubic,noise=2", help="such as blur=1.6,noise=10,jpeg=70 (default: %(default)s)"
        )
        command.add_argument("--frames", type=int, default=24, help="frames of each clip (default: %(default)s)")
        command.add_argument("--start", type=int, default=0, help="first frame (default: %(default)s)")
        command.add_argument("--crop", metavar="WxH", help="use a centre crop of this size, if the picture is larger")
        command.add_argument("--seed", type=int, default=0, help="seed (default: %(default)s)")
        if name == "degrade":
            continue
        command.add_argument("--model", default=DEFAULT_MODEL, help="model (default: %(default)s)")
        command.add_argument("--task", default="sr", help="the models' task (default: %(default)s)")
        command.add_argument("--steps", type=int, default=None, help="sampler steps (default: the model's)")
        if name == "clips":
            command.add_argument("--sampler", default=None, help="sampler (default: the model's)")
        command.add_argument("--device", default="cpu", help="torch device (default: %(default)s)")
        command.add_argument("--out", type=Path, help="folder for temporal profiles, stills and figures.json")
        command.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def write_clip(path: Path, clip: Sequence[Picture], rate: Fraction) -> None:
    """Write pictures as a lossless .mkv file. Raises OutputError if it exists or cannot be written."""
    height, width = clip[0].shape[:2]
    colour = ColourTags("bt709", "bt709", "bt709", "tv")
    spec = OutputSpec(width=width, height=height, rate=rate, codec="ffv1-rgb", colour=colour)
    with open_writer(path, spec) as writer:
        for picture in clip:
            writer.write(picture)


def _degrade(args: argparse.Namespace) -> int:
    """`eval degrade`: write the degraded clip only."""
    info = probe(args.clip)
    crop = _crop(args.crop, info.width, info.height)
    case = Case(args.clip, args.scale, Degradation.parse(args.degrade), args.start, args.frames, crop, seed=args.seed)
    low = degrade_clip(read_truth(case), case.scale, case.degradation, case.seed, case.first)
    write_clip(args.output, low, info.rate)
    sys.stdout.write(f"{args.output}\n")
    return 0


def _crop(text: str | None, info_width: int, info_height: int) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"{text!r} is not a size.", "Write WIDTHxHEIGHT, such as 640x360.")
    return min(int(width), info_width), min(int(height), info_height)


def _groups(args: argparse.Namespace, studio: Studio) -> dict[str, list[RestorationMethod]]:
    """Rows by the title of their table."""
    if args.command == "clips":
        reader = Reader(studio, args.model, args.task, args.steps, args.sampler)
        return {"": reader.read(args.compare or [_COMPARED])}
    own = reader.own_options
    return {
        title: [Own(label, args.model, change, studio, own, args.steps) for label, change in rows.items()]
        for title, rows in ABLATIONS.items()
        if title.split("-")[0] == args.number
    }


def evaluate_clips(args: argparse.Namespace) -> list[dict[str, object]]:
    """Evaluate all clips; prints each table when it is ready, unless JSON is requested."""
    distances, absent = load_distances(args.device)
    notes = [
        "Motion of E_warp and E_inter: Farneback flow on the truth; the method itself uses DIS on the input.",
        *absent,
    ]
    results: list[dict[str, object]] = []
    shown: list[ClipPage] = []
    with Studio(args.device) as studio:
        groups = _groups(args, studio)
        for path in args.clips:
            info = probe(path)
            case = Case(
                path, args.scale, Degradation.parse(args.degrade), args.start, args.frames,
                _crop(args.crop, info.width, info.height), args.seed, args.task,
            )  # fmt: skip
            for group, ways in groups.items():
                found = compare(case, ways, distances)
                table = Table(_title(case, group), found.rows, [*notes, *found.notes])
                results.append(_result(case, group, table, found))
                if not args.json:
                    _print(table)
                if args.out is not None:
                    stem = "-".join(filter(None, [path.stem, group]))
                    for file in write_pictures(args.out, stem, found.pictures):
                        sys.stderr.write(f"wrote {file}\n")
                if args.command == "clips" and args.report is not None:
                    shown.append(ClipPage(table, found.pictures))
    if shown:
        sys.stderr.write(f"wrote {write_page(args.report, shown)}\n")
    return results


def _title(case: Case, group: str) -> str:
    what = f"({case.degradation}, x{case.scale}, {case.frames} frames)"
    return " ".join(filter(None, [case.clip.name, what, group]))


def _result(case: Case, group: str, table: Table, found: Comparison) -> dict[str, object]:
    """The JSON of one table."""
    return (
        table.to_json()
        | {"clip": str(case.clip), "group": group, "ratios": verdict(found.rows)}
        | {"cuts": found.cuts, "pairs": found.pairs, "pairs_left_out": len(found.cuts)}
    )


def _print(table: Table) -> None:
    sys.stdout.write(table.to_text() + "\n")
    sys.stdout.writelines(f"  {name:64s} {value:8.3f}\n" for name, value in verdict(table.rows).items())
    sys.stdout.write("\n")
    sys.stdout.flush()


def main(argv: list[str]) -> int:
    """Entry point of the evaluation child; returns the exit code."""
    try:
        args = _parser().parse_args(argv)
        if args.command == "degrade":
            return _degrade(args)
        results = evaluate_clips(args)
    except AnswerprintError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    text = json.dumps(results, indent=1)
    if args.json:
        sys.stdout.write(text + "\n")
    if args.out is not None:
        (args.out / "figures.json").write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
