"""A comparison: damage a good clip, restore it in several ways, measure each result against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from answerprint.errors import InputError
from answerprint.frames import FrameRange
from answerprint.frames.frame import Picture
from answerprint.media import open_reader, probe
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.perceptual import Absent, Distance, distance_to_neighbours, load_lpips, mean_distance
from answerprint.metrics.picture import PICTURE_METRICS
from answerprint.metrics.rivals.base import DamagedClip, RestorationMethod
from answerprint.metrics.rivals.external import External
from answerprint.metrics.rivals.plain import Plain
from answerprint.metrics.shift_tolerant import load_shift_tolerant
from answerprint.metrics.temporal import ReferenceMotion
from answerprint.metrics.texture import load_dists

__all__ = ["Case", "Comparison", "compare", "compare_with_truth", "load_distances", "read_truth"]

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
    seed: int = 0
    task: str = "sr"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one clip, by row: truth, bicubic, then each way."""

    rows: dict[str, Figures]
    pictures: dict[str, list[Picture]]
    cuts: list[int]
    """Frames of the clip that begin a new scene, the first one of all left out."""
    pairs: int
    """Pairs of consecutive frames; one for each cut was left out of the figures over time."""
    said: list[str] = field(default_factory=list)
    """What the ways had to say, and which of them are not to be had here."""

    @property
    def notes(self) -> list[str]:
        """What the reader of the figures must know."""
        if not self.cuts:
            return self.said
        left_out = (
            f"{len(self.cuts)} of {self.pairs} pairs of frames left out of E_warp, E_inter and tOF: a new scene begins "
            f"at frame {', '.join(map(str, self.cuts))} of the truth (found as the method finds cuts)."
        )
        return [*self.said, left_out]


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
    found: dict[str, Distance | Absent] = {
        "ST-LPIPS": load_shift_tolerant(device=device),
        "LPIPS": load_lpips(device=device),
        "DISTS": load_dists(device=device),
    }
    notes = [f"{name}: {distance}" for name, distance in found.items() if isinstance(distance, Absent)]
    return [distance for distance in found.values() if not isinstance(distance, Absent)], notes


def compare_with_truth(
    clip: Sequence[Picture], truth: Sequence[Picture], motion: ReferenceMotion, distances: Sequence[Distance] = ()
) -> Figures:
    """All figures of `clip` against `truth`; means over frames."""
    of_pictures = {
        name: float(np.mean([measure(a, b) for a, b in zip(clip, truth, strict=True)]))
        for name, measure in PICTURE_METRICS.items()
    }
    figures: Figures = {"psnr": of_pictures["psnr"]}  # first in every table, then what comes nearest to eyes
    for distance in distances:
        figures[distance.key] = mean_distance(distance, clip, truth)
        if distance.of_neighbours:
            figures[f"{distance.key}_inter"] = distance_to_neighbours(distance, clip, motion)
    return {**figures, **of_pictures, **motion.figures(clip)}


def compare(case: Case, ways: Sequence[RestorationMethod], distances: Sequence[Distance] = ()) -> Comparison:
    """Restore the damaged clip in every way that can be had here, and measure all against the truth.

    Programs of others run first: what fails, fails before minutes were spent on the rest.
    """
    truth = read_truth(case)
    low = degrade_clip(truth, case.scale, case.degradation, case.seed, case.first)
    motion = ReferenceMotion(truth)
    height, width = truth[0].shape[:2]
    shot = DamagedClip(low, (width, height), case.first, case.seed, case.task)
    said = [f"{way.name}: {absent}" for way in ways if (absent := way.absent()) is not None]
    plain = Plain("bicubic")
    present = [plain, *(way for way in ways if way.absent() is None and way.name != plain.name)]
    results = {way.name: way.restore(shot) for way in sorted(present, key=lambda way: not isinstance(way, External))}
    pictures, rows = {"truth": truth}, {"truth": compare_with_truth(truth, truth, motion, distances)}
    for way in present:
        result = results[way.name]
        pictures[way.name] = result.pictures
        rows[way.name] = compare_with_truth(result.pictures, truth, motion, distances)
        if result.seconds_per_frame is not None:
            rows[way.name]["seconds_per_frame"] = result.seconds_per_frame
        said += [result.note] if result.note else []
    return Comparison(rows, pictures, sorted(case.first + cut for cut in motion.cuts), len(truth) - 1, said)
