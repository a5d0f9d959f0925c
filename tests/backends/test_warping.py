"""The method makes every family's results follow the motion better than frames restored one by one do."""

from __future__ import annotations

import pytest

from answerprint.training.fetch import clips_folder

from .footage import Footage, drawn_pan, real_clip
from .report_warping import FAMILIES, warping

REAL = clips_folder() / "bikes.mp4"


@pytest.fixture(scope="module")
def panned() -> Footage:
    return drawn_pan(3, 160, 112)


@pytest.fixture(scope="module")
def real() -> Footage:
    if not REAL.is_file():
        pytest.skip("the public clips are not here: python -m answerprint.training.fetch clips")
    return real_clip(REAL, 3)


@pytest.mark.parametrize("family", FAMILIES)
def test_warping_error_falls_on_a_pan_of_known_motion(family: str, panned: Footage) -> None:
    assert warping(family, panned, steps=2).ratio < 1


@pytest.mark.parametrize("family", FAMILIES)
def test_warping_error_falls_on_real_motion(family: str, real: Footage) -> None:
    assert warping(family, real, steps=2).ratio < 1
