"""A comparison: degrade a clip, restore it with several methods, and measure each result against the ground truth."""

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
    """One clip and its degradation."""

    clip: Path
    scale: int = 4
    degradation: Degradation = field(default_factory=lambda: Degradation.parse("bicubic,noise=2"))
    first: int = 0
    frames: int = 24
    crop: tuple[int, int] | None = None
    """Width and height of the centre crop; None is the whole picture."""
    seed: int = 0
    task: str = "sr"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Results of one clip, by row: truth, bicubic, then each method."""

    rows: dict[str, Figures]
    pictures: dict[str, list[Picture]]
    cuts: list[int]
    """Frames of the clip that begin a new scene, without the first frame."""
    pairs: int
    """Pairs of consecutive frames; one per cut is excluded from the temporal metrics."""
    messages: list[str] = field(default_factory=list)
    """Notes of the methods, and the methods that are not available here."""

    @property
    def notes(self) -> list[str]:
        """Notes for the reader of the figures."""
        if not self.cuts:
            return self.messages
        excluded = (
            f"{len(self.cuts)} of {self.pairs} frame pairs are excluded from E_warp, E_inter and tOF: cuts before "
            f"frame {', '.join(map(str, self.cuts))} of the truth (found by the method's own cut detector)."
        )
        return [*self.messages, excluded]


def read_truth(case: Case) -> list[Picture]:
    """Frames [H, W, 3] of the clip, clipped to [0, 1], cropped to a multiple of twice the scale.

    Low-resolution sizes are then even, as video codecs need. Raises InputError for an invalid crop or range.
    """
    info = probe(case.clip)
    stop = min(case.first + case.frames, info.frames)
    if stop - case.first < 3:
        message = f"{case.clip.name} has only {info.frames} frames, too few from {case.first} on."
        raise InputError(message, "Choose a smaller --start.")
    width, height = case.crop or (info.width, info.height)
    if width > info.width or height > info.height:
        message = f"A crop of {width}x{height} does not fit into {info.width}x{info.height}."
        raise InputError(message, "Choose a smaller --crop.")
    unit = case.scale * 2
    width, height = width // unit * unit, height // unit * unit
    left, top = (info.width - width) // 2, (info.height - height) // 2
    with open_reader(info, FrameRange(case.first, stop)) as reader:
        return [np.ascontiguousarray(f.picture[top : top + height, left : left + width]).clip(0, 1) for f in reader]


def load_distances(device: str = "cpu") -> tuple[list[Distance], list[str]]:
    """The perceptual metrics available here, and a note for each that is not."""
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
    """All metrics of `clip` against `truth`; means over frames."""
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
    """Restore the degraded clip with every available method, and measure all results against the ground truth.

    External programs run first, so that their failures do not waste the time of the others.
    """
    truth = read_truth(case)
    low = degrade_clip(truth, case.scale, case.degradation, case.seed, case.first)
    motion = ReferenceMotion(truth)
    height, width = truth[0].shape[:2]
    shot = DamagedClip(low, (width, height), case.first, case.seed, case.task)
    messages = [f"{way.name}: {absent}" for way in ways if (absent := way.absent()) is not None]
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
        messages += [result.note] if result.note else []
    return Comparison(rows, pictures, sorted(case.first + cut for cut in motion.cuts), len(truth) - 1, messages)
