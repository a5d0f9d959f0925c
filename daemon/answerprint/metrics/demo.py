"""The demonstration: a real clip, visibly damaged, restored by the real command, and measured.

python -m answerprint.metrics.demo --out FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from answerprint.errors import AnswerprintError, JobFailedError
from answerprint.media import open_reader, probe
from answerprint.metrics.comparison import Case, load_distances, measure, read_truth
from answerprint.metrics.degradations import Degradation, Picture, degrade_clip
from answerprint.metrics.evaluation import write_clip
from answerprint.metrics.report import Table
from answerprint.metrics.temporal import ReferenceMotion, profile_sheet
from answerprint.training.fetch import clips_folder

__all__ = ["main"]

_DAMAGE = "blur=1.2,noise=10,jpeg=70"
_FRAMES = 24
_SHOWN = ("psnr", "ssim_y", "st_lpips", "detail_ratio", "e_warp", "e_inter")


def run(out: Path) -> None:
    """Make the clip, restore it twice, write pictures and figures into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    case = Case(clips_folder() / "bikes.mp4", frames=_FRAMES, degradation=Degradation.parse(_DAMAGE))
    truth = read_truth(case)
    damaged = degrade_clip(truth, case.scale, case.degradation, case.seed)
    source = out / "damaged.mkv"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / source.name
        write_clip(made, damaged, probe(case.clip).rate)
        shutil.move(made, source)
    restored = {}
    for name, extra in (("restored", ()), ("per-frame", ("--no-consistency",))):
        target = out / f"{name}.mov"
        _say(f"answerprint restore {source.name} {target.name} {' '.join(extra)}".rstrip())
        command = [
            sys.executable,
            "-P",
            "-m",
            "answerprint",
            "restore",
            str(source),
            str(target),
            "--overwrite",
            *extra,
        ]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own program
            raise JobFailedError("The demonstration could not restore its clip.", "Run answerprint doctor.")
        restored[name] = _read_clip(target)
    height, width = truth[0].shape[:2]
    enlarged = [np.asarray(cv2.resize(p, (width, height), interpolation=cv2.INTER_CUBIC)).clip(0, 1) for p in damaged]
    clips = {
        "damaged, bicubic": enlarged,
        "restored frame by frame": restored["per-frame"],
        "restored": restored["restored"],
        "truth": truth,
    }
    motion = ReferenceMotion(truth)
    distances, absent = load_distances()
    rows = {}
    for name, clip in clips.items():
        figures = measure(clip, truth, motion, distances)
        rows[name] = {key: figures[key] for key in _SHOWN if key in figures}
    title = f"{case.clip.name}, {len(truth)} frames, damaged by {_DAMAGE} and shrunk 4 times"
    table = Table(title, rows, ["Motion of E_warp and E_inter: Farneback flow on the truth.", *absent])
    (out / "figures.txt").write_text(table.to_text())
    _write_png(out / "before-after.png", before_after(enlarged, restored["restored"]))
    _write_png(out / "temporal-profile.png", (profile_sheet(clips, height // 2) / 255).astype(np.float32))
    sys.stdout.write("\n" + table.to_text() + "\n")
    for name in (
        "damaged.mkv",
        "restored.mov",
        "per-frame.mov",
        "before-after.png",
        "temporal-profile.png",
        "figures.txt",
    ):
        sys.stdout.write(f"  {out / name}\n")


def before_after(before: Sequence[Picture], after: Sequence[Picture]) -> Picture:
    """The middle frame of both, under each other, with a thin line between."""
    k = len(before) // 2
    line = np.ones((4, before[k].shape[1], 3), np.float32)
    return np.concatenate([before[k], line, after[k]])


def _read_clip(path: Path) -> list[Picture]:
    with open_reader(probe(path)) as reader:
        return [frame.picture.clip(0, 1) for frame in reader]


def _write_png(path: Path, picture: Picture) -> None:
    encoded = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if not cv2.imwrite(str(path), np.ascontiguousarray(encoded[..., ::-1])):
        raise JobFailedError(f"{path} could not be written.", "Choose another --out.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m answerprint.metrics.demo", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    args = parser.parse_args(argv)
    try:
        run(args.out.absolute())
    except AnswerprintError as error:
        sys.stderr.write(f"answerprint: {error.message}\n  {error.remedy}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
