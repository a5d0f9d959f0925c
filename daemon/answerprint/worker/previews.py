"""Pictures that show a restored frame beside its source."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.errors import JobFailedError

__all__ = ["before_after"]

Picture = NDArray[np.float32]


def before_after(before: Picture, after: Picture) -> bytes:
    """PNG bytes: the source, enlarged to the restored frame's size by nearest pixel, left of the restored frame."""
    height, width = after.shape[:2]
    enlarged = cv2.resize(before, (width, height), interpolation=cv2.INTER_NEAREST)
    both = np.concatenate([enlarged, after], 1)
    encoded = np.rint(np.clip(both, 0, 1) * 255).astype(np.uint8)
    done, data = cv2.imencode(".png", np.ascontiguousarray(encoded[..., ::-1]))
    if not done:
        raise JobFailedError("A preview could not be written as PNG.")
    return data.tobytes()
