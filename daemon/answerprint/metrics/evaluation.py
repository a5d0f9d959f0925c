"""`answerprint eval`: damage real footage, restore it in several ways, and measure each against the truth."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from answerprint.backends.base import Backend
from answerprint.backends.load import load
from answerprint.errors import AnswerprintError, InputError
from answerprint.flow.cache import FlowCache
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import ColourTags, Frame, FrameRange, OutputSpec
from answerprint.media import open_reader, open_writer, probe
from answerprint.metrics import picture as still
from answerprint.metrics.degradations import Degradation, Picture, degrade_clip
from answerprint.metrics.perceptual import Absent, Distance, distance_to_neighbours, load_lpips, mean_distance
from answerprint.metrics.report import Table
from answerprint.metrics.shift_tolerant import load_shift_tolerant
from answerprint.metrics.temporal import ReferenceMotion, profile_sheet
from answerprint.metrics.variants import ABLATIONS, Variant, parse_variants
from answerprint.metrics.verdict import verdict
from answerprint.worker.restore import Settings, restore_clip

__all__ = ["Case", "evaluate", "main", "measure", "read_truth", "write_clip"]

Figures = dict[str, float | int | str | None]


@dataclass(frozen=True, slots=True)
class Case:
    """One clip and what is done to it."""

    clip: Path
    scale: int = 4
    degradation: Degradation = field(default_factory=lambda: Degradation.parse("bicubic,noise=2"))
    first: int = 0
    frames: int = 24
    crop: tuple[int, int] | None = None
    """Width and height of the centre that is used; None is all of the picture."""
    steps: int = 12
    sampler: str = "ddim"
    seed: int = 0


def read_truth(case: Case) -> list[Picture]:
    """Frames [H, W, 3] of the clip, clipped to [0, 1], cut to the crop and to a multiple of the scale.

    The multiple is that of even low-resolution sizes, which video codecs need. Raises InputError for a crop or range
    that does not fit.
    """
    info = probe(case.clip)
    stop = min(case.first + case.frames, info.frames)
    if stop - case.first < 3:
        raise InputError(f"{case.clip.name} has {info.frames} frames: too few from {case.first} on.", "Choose --start.")
    width, height = case.crop or (info.width, info.height)
    if width > info.width or height > info.height:
        raise InputError(f"A crop of {width}x{height} leaves {info.width}x{info.height}.", "Choose a smaller --crop.")
    unit = case.scale * 2
    width, height = width // unit * unit, height // unit * unit
    left, top = (info.width - width) // 2, (info.height - height) // 2
    with open_reader(info, FrameRange(case.first, stop)) as reader:
        return [np.ascontiguousarray(f.picture[top : top + height, left : left + width]).clip(0, 1) for f in reader]


def load_distances(device: str = "cpu") -> tuple[list[Distance], list[str]]:
    """The perceptual distances that can be had here, and a note for each that cannot."""
    found = {"ST-LPIPS": load_shift_tolerant(device=device), "LPIPS": load_lpips(device=device)}
    notes = [f"{name}: {distance}" for name, distance in found.items() if isinstance(distance, Absent)]
    return [distance for distance in found.values() if not isinstance(distance, Absent)], notes


def measure(
    clip: Sequence[Picture], truth: Sequence[Picture], motion: ReferenceMotion, distances: Sequence[Distance] = ()
) -> Figures:
    """All figures of `clip` against `truth`; means over frames."""
    pairs = list(zip(clip, truth, strict=True))

    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    warping, inter = motion.warping_error(clip), motion.interpolation_error(clip)
    figures: Figures = {
        "psnr": mean([still.psnr(a, b) for a, b in pairs]),
        "psnr_y": mean([still.psnr(a, b, "y") for a, b in pairs]),
        "ssim": mean([still.ssim(a, b) for a, b in pairs]),
        "ssim_y": mean([still.ssim(a, b, "y") for a, b in pairs]),
        "ms_ssim": mean([still.ms_ssim(a, b) for a, b in pairs]),
        "gmsd": mean([still.gmsd(a, b) for a, b in pairs]),
        "detail_ratio": mean([still.detail_ratio(a, b) for a, b in pairs]),
        "high_band_correlation": mean([still.high_band_correlation(a, b) for a, b in pairs]),
        "e_warp": warping.value,
        "e_inter": inter.value,
        "t_of": motion.t_of(clip),
        "masked_fraction": warping.masked_fraction,
    }
    for distance in distances:
        figures[distance.key] = mean_distance(distance, clip, truth)
        if distance.of_neighbours:
            figures[f"{distance.key}_inter"] = distance_to_neighbours(distance, clip, motion)
    return figures


def restore(
    low: Sequence[Picture], first: int, backend: Backend, flow: FlowSource, settings: Settings
) -> tuple[list[Picture], float]:
    """Restored pictures and seconds per frame."""
    started = time.perf_counter()
    frames = (Frame(first + k, p, None) for k, p in enumerate(low))
    out = [f.picture for chunk in restore_clip(frames, backend, flow, settings) for f in chunk]
    return out, (time.perf_counter() - started) / len(low)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one clip, by row: truth, bicubic, then each variant."""

    rows: dict[str, Figures]
    pictures: dict[str, list[Picture]]
    cuts: list[int]
    """Frames of the clip that begin a new scene, the first one of all left out."""
    pairs: int
    """Pairs of consecutive frames; one for each cut was left out of the figures over time."""

    @property
    def note(self) -> str:
        """What was left out, for the reader of the figures; empty where nothing was."""
        if not self.cuts:
            return ""
        return (
            f"{len(self.cuts)} of {self.pairs} pairs of frames left out of E_warp, E_inter and tOF: a new scene begins "
            f"at frame {', '.join(map(str, self.cuts))} of the truth (found as the method finds cuts)."
        )


def evaluate(
    case: Case, variants: Sequence[Variant], backend: Backend, distances: Sequence[Distance] = ()
) -> Comparison:
    """Restore the damaged clip by each variant, and measure all against the truth."""
    truth = read_truth(case)
    low = degrade_clip(truth, case.scale, case.degradation, case.seed, case.first)
    motion = ReferenceMotion(truth)
    height, width = truth[0].shape[:2]
    bicubic = [
        np.asarray(cv2.resize(p, (width, height), interpolation=cv2.INTER_CUBIC), np.float32).clip(0, 1) for p in low
    ]
    pictures = {"truth": truth, "bicubic": bicubic}
    rows = {name: measure(clip, truth, motion, distances) for name, clip in pictures.items()}
    backend.configure(steps=case.steps, sampler=case.sampler, options={})
    with tempfile.TemporaryDirectory() as folder:
        cache = FlowCache(Path(folder), 2**30)
        for variant in variants:
            flow = FlowSource(get_estimator("dis"), cache)
            settings = Settings(variant.method, seed=case.seed)
            clip, seconds = restore(low, case.first, backend, flow, settings)
            clip = [p.clip(0, 1) for p in clip]
            rows[variant.name] = measure(clip, truth, motion, distances) | {"seconds_per_frame": seconds}
            pictures[variant.name] = clip
    return Comparison(rows, pictures, sorted(case.first + cut for cut in motion.cuts), len(truth) - 1)


def write_pictures(folder: Path, stem: str, pictures: Mapping[str, Sequence[Picture]]) -> list[Path]:
    """A temporal profile and a still of the middle frame, rows side by side; returns the files."""
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
    parser = argparse.ArgumentParser(
        prog="answerprint eval",
        description="Damage real footage, restore it in several ways, measure each against the truth.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("clips", "compare variants"),
        ("table", "the paper's ablations: 2 or 4"),
        ("degrade", "only write the damaged clip, lossless, to a file"),
    ):
        command = commands.add_parser(name, help=text)
        if name == "table":
            command.add_argument("number", choices=["2", "4"], help="number of the paper's table")
        if name == "degrade":
            command.add_argument("clip", type=Path, metavar="CLIP", help="video file or image sequence")
            command.add_argument("output", type=Path, metavar="OUTPUT", help="an .mkv file that does not exist yet")
        else:
            command.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="video file or image sequence")
        if name == "clips":
            command.add_argument(
                "--compare", default="per-frame,per-frame-shared-noise,no-merge,no-warp,consistent", metavar="VARIANTS",
                help="variants with commas between; NAME:option=value;option=value changes one (default: %(default)s)",
            )  # fmt: skip
        command.add_argument("--model", default="tiny-x4", help="model (default: %(default)s)")
        command.add_argument("--scale", type=int, default=4, help="how far the truth is shrunk (default: %(default)s)")
        command.add_argument(
            "--degrade", default="bicubic,noise=2", help="such as blur=1.6,noise=10,jpeg=70 (default: %(default)s)"
        )
        command.add_argument("--frames", type=int, default=24, help="frames of each clip (default: %(default)s)")
        command.add_argument("--start", type=int, default=0, help="first frame (default: %(default)s)")
        command.add_argument("--crop", metavar="WxH", help="use the centre of this size, where the picture is larger")
        command.add_argument("--steps", type=int, default=None, help="sampler steps (default: the model's)")
        command.add_argument("--sampler", default=None, help="sampler (default: the model's)")
        command.add_argument("--seed", type=int, default=0, help="seed (default: %(default)s)")
        command.add_argument("--device", default="cpu", help="torch device (default: %(default)s)")
        command.add_argument("--out", type=Path, help="folder for temporal profiles, stills and figures.json")
        command.add_argument("--json", action="store_true", help="print JSON in place of tables")
    return parser


def write_clip(path: Path, clip: Sequence[Picture], rate: Fraction) -> None:
    """Write pictures as a lossless .mkv file; raises OutputError when it exists or cannot be written."""
    height, width = clip[0].shape[:2]
    colour = ColourTags("bt709", "bt709", "bt709", "tv")
    spec = OutputSpec(width=width, height=height, rate=rate, codec="ffv1", colour=colour)
    with open_writer(path, spec) as writer:
        for picture in clip:
            writer.write(picture)


def _degrade(args: argparse.Namespace) -> int:
    """`eval degrade`: the damaged clip alone."""
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


def _groups(args: argparse.Namespace) -> dict[str, list[Variant]]:
    """Variants by the title of their table."""
    if args.command == "clips":
        return {"": parse_variants(args.compare)}
    chosen = {name: rows for name, rows in ABLATIONS.items() if name.split("-")[0] == args.number}
    return {name: [Variant(label, method) for label, method in rows.items()] for name, rows in chosen.items()}


def run(args: argparse.Namespace) -> list[dict[str, object]]:
    """Evaluate all clips, writing tables (or collecting JSON) as they are ready."""
    backend = load(args.model, torch.device(args.device))
    distances, absent = load_distances()
    notes = [
        "Motion of E_warp and E_inter: Farneback flow on the truth; the method itself uses DIS on the input.",
        *absent,
    ]
    results: list[dict[str, object]] = []
    for path in args.clips:
        info = probe(path)
        case = Case(
            path, args.scale, Degradation.parse(args.degrade), args.start, args.frames,
            _crop(args.crop, info.width, info.height), args.steps or backend.info.default_steps,
            args.sampler or backend.info.samplers[0], args.seed,
        )  # fmt: skip
        for group, variants in _groups(args).items():
            found = evaluate(case, variants, backend, distances)
            title = " ".join(
                filter(None, [path.name, f"({case.degradation}, x{case.scale}, {case.frames} frames)", group])
            )
            table = Table(title, found.rows, [*notes, *filter(None, [found.note])])
            figures = verdict(found.rows)
            results.append(
                table.to_json()
                | {"clip": str(path), "group": group, "ratios": figures}
                | {"cuts": found.cuts, "pairs": found.pairs, "pairs_left_out": len(found.cuts)}
            )
            if not args.json:
                sys.stdout.write(table.to_text() + "\n")
                sys.stdout.writelines(f"  {name:64s} {value:8.3f}\n" for name, value in figures.items())
                sys.stdout.write("\n")
                sys.stdout.flush()
            if args.out is not None:
                stem = "-".join(filter(None, [path.stem, group]))
                for file in write_pictures(args.out, stem, found.pictures):
                    sys.stderr.write(f"wrote {file}\n")
    return results


def main(argv: list[str]) -> int:
    """Entry of the evaluation child; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        if args.command == "degrade":
            return _degrade(args)
        results = run(args)
    except AnswerprintError as error:
        sys.stderr.write(f"answerprint: {error.message}\n  {error.remedy}\n")
        return error.exit_code
    text = json.dumps(results, indent=1)
    if args.json:
        sys.stdout.write(text + "\n")
    if args.out is not None:
        (args.out / "figures.json").write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
