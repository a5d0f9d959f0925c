"""Scene cuts, found one pair of frames at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.flow.estimator import Luma
from answerprint.flow.prepare import FlowPicture

__all__ = ["CutDetector", "Likeness"]

_Thumbnail = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures are, motion set aside."""

    structure: float
    """0..1: how well the blocks of one picture are found near their place in the other, brightness set aside."""
    histogram_distance: float
    """0..1: the share of pixels whose luma has no counterpart."""
    change_levels: float
    """Mean absolute difference of the two, place by place, on the 0..255 scale."""


@dataclass(frozen=True, slots=True)
class CutDetector:
    """Says whether a hard cut lies between two consecutive frames.

    Both are reduced to thumbnails, where grain is averaged away, and freed of their broad shading, which is alike in
    unlike scenes. Each block of the current one is searched for in the previous one by normalised correlation, which no
    change of gain or offset disturbs, near where the camera's motion puts it: pans, zooms, fades and flashes that leave
    a picture visible are not cuts. A flash that burns everything out, and a jump to or from black, are: nothing can be
    carried across them. The luma histogram decides the doubtful cases.

    On 250 frames of street scenes, with noise of 0 or 25 levels, consecutive frames within a shot had a structure of
    0.59 or more, the five cuts 0.22 or less; unrelated drawn textures of one histogram reach 0.37.
    """

    thumbnail_px: int = 96
    """Long side of the thumbnails."""
    shading_px: float = 4.0
    """Detail much wider than this, on the thumbnail, is shading."""
    block_px: int = 24
    """Side of a block, about; the blocks cover the thumbnail."""
    camera_px: int = 12
    """Motion of the whole picture within which blocks are found: an eighth of its long side."""
    own_px: int = 6
    """Motion of a block besides that."""
    flat_levels: float = 2.0
    """A block with less contrast (standard deviation) has no structure and is compared by its mean."""
    same_levels: float = 12.0
    """Means of flat blocks this close are the same."""
    cut_structure: float = 0.45
    """Below this it is a cut."""
    doubtful_structure: float = 0.55
    """Between the two it is a cut if the histograms differ too."""
    cut_histogram: float = 0.25
    """Histogram distance from which doubtful structure is a cut."""
    least_change_levels: float = 6.0
    """A smaller change is no cut: the first frames of a fade from black have structure where there was none."""

    def is_cut(self, previous: FlowPicture, current: FlowPicture) -> bool:
        """Whether `current` begins a new shot; pictures of different size always do."""
        if previous.luma.shape != current.luma.shape:
            return True
        likeness = self.compare(previous, current)
        if likeness.change_levels < self.least_change_levels:
            return False
        if likeness.structure < self.cut_structure:
            return True
        return likeness.structure < self.doubtful_structure and likeness.histogram_distance > self.cut_histogram

    def compare(self, previous: FlowPicture, current: FlowPicture) -> Likeness:
        """Measure the likeness of two pictures of one size."""
        before, after = self._thumbnail(previous.luma), self._thumbnail(current.luma)
        distance = 0.5 * float(np.abs(_histogram(before) - _histogram(after)).sum())
        change = float(np.abs(before - after).mean())
        return Likeness(self._structure(before, after), distance, change)

    def _thumbnail(self, luma: Luma) -> _Thumbnail:
        height, width = luma.shape
        scale = self.thumbnail_px / max(height, width)
        size = max(2, round(width * scale)), max(2, round(height * scale))
        return np.asarray(cv2.resize(luma.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)

    def _structure(self, before: _Thumbnail, after: _Thumbnail) -> float:
        detail_before, detail_after = (t - cv2.GaussianBlur(t, (0, 0), self.shading_px) for t in (before, after))
        r = self.camera_px
        around = np.pad(detail_before, r, "edge")
        flat_found, flat_weight = 0.0, 0.0
        maps: list[_Thumbnail] = []
        weights: list[float] = []
        for top, bottom in pairwise(_borders(after.shape[0], self.block_px)):
            for left, right in pairwise(_borders(after.shape[1], self.block_px)):
                place = np.s_[top:bottom, left:right]
                block = detail_after[place]
                contrast = float(block.std())
                # Noise left in a sky correlates with nothing: contrast decides how much a block counts.
                weight = 1.0 + min(contrast, 16.0)
                if contrast < self.flat_levels:
                    same = abs(float(before[place].mean() - after[place].mean())) < self.same_levels
                    flat_found += weight * (same and float(detail_before[place].std()) < 3.0 * self.flat_levels)
                    flat_weight += weight
                else:
                    field = around[top : bottom + 2 * r, left : right + 2 * r]
                    correlation = cv2.matchTemplate(field, block, cv2.TM_CCOEFF_NORMED)
                    maps.append(np.clip(np.nan_to_num(correlation), 0.0, 1.0))
                    weights.append(weight)
        return (flat_found + self._found(maps, weights)) / (flat_weight + sum(weights))

    def _found(self, maps: list[_Thumbnail], weights: list[float]) -> float:
        """How well blocks are found near one motion of all, weighted: each map [2r+1, 2r+1] spans all motions."""
        if not maps:
            return 0.0
        together = np.tensordot(weights, maps, 1)
        row, column = np.unravel_index(together.argmax(), together.shape)
        top, left = max(0, int(row) - self.own_px), max(0, int(column) - self.own_px)
        near = np.s_[top : int(row) + self.own_px + 1, left : int(column) + self.own_px + 1]
        return sum(w * float(m[near].max()) for w, m in zip(weights, maps, strict=True))


def _borders(length: int, block: int) -> list[int]:
    count = max(1, length // block)
    return [i * length // count for i in range(count + 1)]


def _histogram(thumbnail: _Thumbnail) -> NDArray[np.float64]:
    """32 bins, smoothed, so that values on the edge of a bin do not jump; sums to 1."""
    counts = np.histogram(thumbnail, bins=32, range=(0.0, 256.0))[0]
    smooth = np.convolve(np.pad(counts, 2, "edge"), np.array([1.0, 4.0, 6.0, 4.0, 1.0]), "valid")
    return np.asarray(smooth / smooth.sum(), np.float64)
