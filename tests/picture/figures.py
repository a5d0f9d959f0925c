"""Figures of the report that stand nowhere else: pure functions of clips, frames [H, W, 3] in [0, 1]."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from answerprint.metrics.checks import Clip
from answerprint.metrics.picture import detail_ratio

__all__ = ["flicker", "key_detail", "largest_level"]


def key_detail(result: Clip, truth: Clip, keyframes: Collection[int]) -> float:
    """Detail of keyframes over that of the frames beside them: 1 where no beat is seen; mean over keyframes.

    Each frame's detail is taken as a ratio to the truth's, so what the footage itself does is no beat. nan where no
    keyframe has a neighbour.
    """
    own = [detail_ratio(a, b) for a, b in zip(result, truth, strict=True)]
    ratios = []
    for key in keyframes:
        beside = [own[t] for t in (key - 1, key + 1) if 0 <= t < len(own) and t not in keyframes]
        if beside:
            ratios.append(own[key] / float(np.mean(beside)))
    return float(np.mean(ratios)) if ratios else float("nan")


def flicker(clip: Clip) -> float:
    """Of a shot in which nothing moves: deviation of a pixel over time, root mean square, levels of 255."""
    return 255.0 * float(np.sqrt(np.stack(list(clip)).var(axis=0, dtype=np.float64).mean()))


def largest_level(clip: Clip) -> float:
    """The brightest value of any pixel, levels of 255."""
    return 255.0 * max(float(frame.max()) for frame in clip)
