"""The demonstration: a real clip, visibly damaged, restored by the real command, and measured beside rivals.

python -m answerprint.metrics.demo --out FOLDER
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from answerprint.errors import AnswerprintError, JobFailedError
from answerprint.frames import ColourTags, OutputSpec
from answerprint.frames.frame import Picture
from answerprint.media import open_reader, open_writer, probe
from answerprint.metrics.comparison import Case, compare_with_truth, load_distances, read_truth
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.evaluation import write_clip
from answerprint.metrics.own import Studio
from answerprint.metrics.report import Table
from answerprint.metrics.rivals.base import DamagedClip, enlarge
from answerprint.metrics.temporal import ReferenceMotion, profile_sheet
from answerprint.metrics.ways import Reader
from answerprint.text import spoken
from answerprint.training.fetch import clips_folder

__all__ = ["main", "wipe"]

_CASE = Case(
    clips_folder() / "bigbuckbunny.mp4",
    first=20,
    frames=24,
    crop=(512, 288),
    degradation=Degradation.parse("blur=1.2,noise=10,jpeg=70"),
)
_RIVALS = {"nlmeans": "FFmpeg nlmeans, bicubic", "realesrgan-x4plus@per-frame": "Real-ESRGAN x4plus, frame by frame"}
"""Rows as `answerprint eval clips --compare` names them, and what they are called here."""
_SHOWN = ("psnr", "ssim_y", "st_lpips", "detail_ratio", "e_warp", "e_inter", "seconds_per_frame")
_WIPE_SECONDS = 5
_STILL = 5
"""The frame that is shown, counted from the first that is restored."""


def make_demo(out: Path) -> None:
    """Make the clip, restore it twice, set rivals beside it, write pictures and figures into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    truth = read_truth(_CASE)
    damaged = degrade_clip(truth, _CASE.scale, _CASE.degradation, _CASE.seed, _CASE.first)
    height, width = truth[0].shape[:2]
    rate = probe(_CASE.clip).rate
    source = out / "damaged.mkv"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / source.name
        write_clip(made, damaged, rate)
        shutil.move(made, source)
    restored = _restore(source, out / "restored.mov")
    per_frame = _restore(source, out / "per-frame.mov", "--no-consistency")
    before = enlarge(damaged, (width, height))
    clips = {"damaged, bicubic": before}
    seconds = {}
    _say("The rivals: " + ", ".join(_RIVALS.values()))
    with Studio() as studio:
        reader = Reader(studio, "", "sr", None, None)
        for row, name in _RIVALS.items():
            (way,) = reader.read([row])
            made_by = way.restore(DamagedClip(damaged, (width, height), _CASE.first, _CASE.seed))
            clips[name], seconds[name] = made_by.pictures, made_by.seconds_per_frame
    clips |= {"restored frame by frame": per_frame, "restored": restored, "truth": truth}
    _say("Measuring")
    motion = ReferenceMotion(truth)
    distances, absent = load_distances()
    rows = {}
    for name, clip in clips.items():
        figures = compare_with_truth(clip, truth, motion, distances) | {"seconds_per_frame": seconds.get(name)}
        rows[name] = {key: figures[key] for key in _SHOWN if key in figures}
    title = f"{_CASE.clip.name}, {len(truth)} frames, damaged by {_CASE.degradation} and shrunk {_CASE.scale} times"
    table = Table(title, rows, ["Motion of E_warp and E_inter: Farneback flow on the truth.", *absent])
    (out / "figures.txt").write_text(table.to_text())
    _write_png(out / "before-after.png", side_by_side(before[_STILL], restored[_STILL]))
    _write_png(out / "temporal-profile.png", (profile_sheet(clips, height // 2) / 255).astype(np.float32))
    _write_film(out / "wipe.mp4", wipe(before, restored, round(_WIPE_SECONDS * rate)), rate)
    sys.stdout.write("\n" + table.to_text() + "\n")
    for name in ("before-after.png", "wipe.mp4", "temporal-profile.png", "figures.txt", "damaged.mkv", "restored.mov"):
        sys.stdout.write(f"  {out / name}\n")


def side_by_side(before: Picture, after: Picture) -> Picture:
    """Both pictures [H, W, 3] beside each other, with a thin line between."""
    line = np.ones((before.shape[0], 4, 3), np.float32)
    return np.concatenate([before, line, after], 1)


def wipe(before: Sequence[Picture], after: Sequence[Picture], frames: int) -> Iterator[Picture]:
    """A film of `frames` pictures: the clips forwards and backwards, a line between them that goes across and back."""
    count, width = len(before), before[0].shape[1]
    for t in range(frames):
        k = t % (2 * count - 2) if count > 1 else 0
        k = min(k, 2 * count - 2 - k)
        border = round((0.5 + 0.45 * math.sin(2 * math.pi * t / frames)) * width)
        picture = np.concatenate([before[k][:, :border], after[k][:, border:]], 1)
        picture[:, max(0, border - 1) : border + 1] = 1.0
        yield picture


def _restore(source: Path, target: Path, *extra: str) -> list[Picture]:
    """What the command makes of `source`; raises JobFailedError where it fails."""
    _say(f"answerprint restore {source.name} {target.name} {' '.join(extra)}".rstrip())
    command = [sys.executable, "-P", "-m", "answerprint", "restore", str(source), str(target), "--overwrite", *extra]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own program
        raise JobFailedError("The demonstration could not restore its clip.", "Run answerprint doctor.")
    with open_reader(probe(target)) as reader:
        return [frame.picture.clip(0, 1) for frame in reader]


def _write_film(path: Path, pictures: Iterator[Picture], rate: Fraction) -> None:
    path.unlink(missing_ok=True)
    first = next(pictures)
    colour = ColourTags("bt709", "bt709", "bt709", "tv")
    spec = OutputSpec(width=first.shape[1], height=first.shape[0], rate=rate, codec="h264", colour=colour)
    with open_writer(path, spec) as writer:
        writer.write(first)
        for picture in pictures:
            writer.write(picture)


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
    _say(
        f"{_CASE.frames} frames are restored in four ways and measured: about three minutes on two cores; "
        f"this machine has {os.cpu_count()}. Nothing is fetched."
    )
    try:
        make_demo(args.out.absolute())
    except AnswerprintError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
