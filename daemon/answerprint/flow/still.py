"""Where the camera stands, so does the flow.

Estimators follow noise: on a tripod shot they find motion of parts of a pixel everywhere, other motion in every frame,
and what follows it trembles. Where standing still explains two pictures as well as the motion that was found, it is
right, if that holds for most of the picture: a slow pan under noise looks still only here and there.
"""

from __future__ import annotations

import cv2
import numpy as np

from answerprint.flow.consistency import destination
from answerprint.flow.estimator import Luma
from answerprint.flow.pair import Flow

__all__ = ["hold_still"]

_FARTHEST_PX = 2.0
"""Longer motion is never mere noise."""
_AROUND_PX = 33
"""Side of the square that is judged as a whole: a flat place in it moves as the texture beside it does."""
_SLACK = 1.2
"""Times by which the squared difference may be larger when standing still, as estimators fit their motion to noise."""
_STANDS = 0.85
"""Share of such places from which on the camera stands. Measured: 0.88 and more where it does, in noise up to 10; at
most 0.78 where damaged footage drifts by a tenth of a pixel a frame, which held still would go in jerks."""
_QUANTISED = 0.1
"""Squared difference, in levels of 255, that rounding leaves."""


def hold_still(source: Luma, target: Luma, flow: Flow) -> Flow:
    """`flow` [h, w, 2] in pixels, from `source` [h, w] to `target`; if the camera stands, 0 where nothing moves."""
    found = destination(flow)
    moved = cv2.remap(target, found[..., 0], found[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    still_error, moved_error = (
        cv2.blur(np.square(other.astype(np.float32) - source), (_AROUND_PX, _AROUND_PX)) for other in (target, moved)
    )
    # Not by max over the last axis, which takes NumPy longer than finding the motion took.
    short = (np.abs(flow[..., 0]) <= _FARTHEST_PX) & (np.abs(flow[..., 1]) <= _FARTHEST_PX)
    still = short & (still_error <= _SLACK * moved_error + _QUANTISED)
    return np.where(still[..., None], np.float32(0), flow) if still.mean() >= _STANDS else flow
