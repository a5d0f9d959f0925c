"""The number of CPU threads of a worker."""

from __future__ import annotations

import cv2
import OpenImageIO as oiio
import torch

__all__ = ["use_threads"]


def use_threads(count: int) -> None:
    """Use `count` CPU threads; 0 keeps the libraries' default of one per core.

    More threads than free cores are slow, because threads wait for each other. The pictures are bit-identical.
    """
    if count > 0:
        torch.set_num_threads(count)
        cv2.setNumThreads(count)
        oiio.attribute("threads", count)
        oiio.attribute("exr_threads", count)
