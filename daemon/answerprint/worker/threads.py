"""How many of the processor's cores a worker uses."""

from __future__ import annotations

import cv2
import torch

__all__ = ["use_threads"]


def use_threads(count: int) -> None:
    """Compute in so many threads; 0 leaves it to the libraries, which take one for each core.

    A number above the cores that are free is slow, as threads wait for each other. The pictures are the same to the
    bit.
    """
    if count > 0:
        torch.set_num_threads(count)
        cv2.setNumThreads(count)
