"""Scene cut detection between consecutive frames."""

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
    """Similarity of two pictures, apart from motion."""

    structure: float
    """0..1: how well blocks of one picture match nearby places of the other, regardless of brightness."""
    histogram_distance: float
    """0..1: the share of pixels whose luma has no counterpart."""
    change_levels: float
    """Mean absolute difference per pixel, on the 0..255 scale."""


@dataclass(frozen=True, slots=True)
class CutDetector:
    """Detects hard cuts between consecutive frames.

    Both frames are reduced to thumbnails, which averages grain away, and high-passed, because different scenes have
    similar shading. Each block of the current frame is searched in the previous one by normalised correlation, which is
    invariant to gain and offset, near the position predicted by the camera's motion. Pans, zooms, fades and flashes
    with a visible picture are not cuts. Flashes to full white and jumps to or from black are: nothing can be carried
    across them. The luma histogram decides doubtful cases.

    On 250 frames of street scenes, with noise of 0 or 25 levels, consecutive frames within a shot had a structure of
    0.59 or more, the five cuts 0.22 or less; unrelated drawn textures of one histogram reach 0.37.
    """

    thumbnail_px: int = 96
    """Long side of the thumbnails."""
    shading_px: float = 4.0
    """Standard deviation, on the thumbnail, of the blur that is subtracted as shading."""
    block_px: int = 24
    """Approximate side of a block; the blocks cover the thumbnail."""
    camera_px: int = 12
    """Largest motion of the whole picture: an eighth of its long side."""
    own_px: int = 6
    """Largest additional motion of a block."""
    flat_levels: float = 2.0
    """Blocks with less contrast (standard deviation) have no structure and are compared by their mean."""
    same_levels: float = 12.0
    """Largest difference of the means of matching flat blocks."""
    cut_structure: float = 0.45
    """Structure below this is a cut."""
    doubtful_structure: float = 0.55
    """Structure between the two is a cut if the histograms differ too."""
    cut_histogram: float = 0.25
    """Histogram distance above which doubtful structure is a cut."""
    least_change_levels: float = 6.0
    """A smaller change is never a cut: the first frames of a fade from black gain structure without one."""

    def is_cut(self, previous: FlowPicture, current: FlowPicture) -> bool:
        """Whether `current` begins a new shot; always True for pictures of different size."""
        if previous.luma.shape != current.luma.shape:
            return True
        likeness = self.compare(previous, current)
        if likeness.change_levels < self.least_change_levels:
            return False
        if likeness.structure < self.cut_structure:
            return True
        return likeness.structure < self.doubtful_structure and likeness.histogram_distance > self.cut_histogram

    def compare(self, previous: FlowPicture, current: FlowPicture) -> Likeness:
        """Measure the similarity of two pictures of one size."""
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
                # Residual noise in a sky correlates with nothing: weight blocks by contrast.
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
        """Weighted mean match of all blocks near one common motion; each map [2r+1, 2r+1] spans all motions."""
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
    """32 bins, smoothed so that values at the edge of a bin do not jump; sums to 1."""
    counts = np.histogram(thumbnail, bins=32, range=(0.0, 256.0))[0]
    smooth = np.convolve(np.pad(counts, 2, "edge"), np.array([1.0, 4.0, 6.0, 4.0, 1.0]), "valid")
    return np.asarray(smooth / smooth.sum(), np.float64)
