"""Set flow to zero where nothing moves, if the camera stands still.

Estimators follow noise: on a tripod shot they find random sub-pixel motion that changes with each frame, and the warped
picture jitters. Zero motion is used where it explains two pictures as well as the estimated motion does, provided this
holds for most of the picture: a slow pan under noise looks still only in places.
"""

from __future__ import annotations

import cv2
import numpy as np

from answerprint.flow.consistency import destination
from answerprint.flow.estimator import Luma
from answerprint.flow.pair import Flow

__all__ = ["hold_still"]

_FARTHEST_PX = 2.0
"""Longer motion is never noise."""
_AROUND_PX = 33
"""Side of the square over which errors are averaged: flat areas move with the texture around them."""
_SLACK = 1.2
"""Factor by which the squared difference may be larger without motion: estimated motion is fitted to noise."""
_STANDS = 0.85
"""Share of still cells from which on the camera counts as still. Measured: at least 0.88 for a still camera with noise
up to 10; at most 0.78 for degraded footage that drifts by a tenth of a pixel per frame, which would judder."""
_QUANTISED = 0.1
"""Squared difference, on the 0..255 scale, that rounding causes."""


def hold_still(source: Luma, target: Luma, flow: Flow) -> Flow:
    """`flow` [h, w, 2] in pixels, from `source` [h, w] to `target`; if the camera is still, 0 where nothing moves."""
    found = destination(flow)
    moved = cv2.remap(target, found[..., 0], found[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    still_error, moved_error = (
        cv2.blur(np.square(other.astype(np.float32) - source), (_AROUND_PX, _AROUND_PX)) for other in (target, moved)
    )
    # A max over the last axis would take NumPy longer than estimating the motion.
    short = (np.abs(flow[..., 0]) <= _FARTHEST_PX) & (np.abs(flow[..., 1]) <= _FARTHEST_PX)
    still = short & (still_error <= _SLACK * moved_error + _QUANTISED)
    return np.where(still[..., None], np.float32(0), flow) if still.mean() >= _STANDS else flow
