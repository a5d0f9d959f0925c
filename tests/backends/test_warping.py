"""The method makes every family's results follow the motion better than frames restored one by one do."""

from __future__ import annotations

import pytest
from cv2 import INTER_CUBIC, resize

from answerprint.flow.opencv import DisEstimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.metrics.temporal import ReferenceMotion
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.training.fetch import clips_folder
from backends.builders_sd_x4 import small_sd_x4
from backends.footage import Footage, drawn_pan, real_clip
from backends.report_warping import FAMILIES, SEED, warping
from metrics.scenes import pan

HELD = {
    "tiny-x4 (embedded)": 0.3,
    "sd_x4": 0.75,
    "diffbir": 0.5,
    "marigold": 0.4,
    "ldm_sr": 0.97,
    "sd_one_step": 0.5,
}
"""E_warp on the pan beside that of frames restored one by one, at most: somewhat above what was measured."""

REAL = clips_folder() / "bikes.mp4"


@pytest.fixture(scope="module")
def panned() -> Footage:
    return drawn_pan(3, 160, 112)


@pytest.fixture(scope="module")
def real() -> Footage:
    if not REAL.is_file():
        pytest.skip("the public clips are not here: python -m answerprint.training.fetch clips")
    return real_clip(REAL, 3)


@pytest.mark.parametrize(("family", "most"), HELD.items())
def test_warping_error_falls_on_a_pan_of_known_motion(family: str, most: float, panned: Footage) -> None:
    assert warping(family, panned, steps=2).ratio <= most


def test_every_family_is_held_to_a_bound() -> None:
    assert set(HELD) == set(FAMILIES)


def test_method_halves_the_warping_error_of_sd_x4() -> None:
    """On a slow pan without damage, with flow estimated from the pictures, and the warp as the paper's."""
    clip = pan(6, 40, 56, step=(1.5, -0.75))
    reference = ReferenceMotion([resize(frame, None, fx=4, fy=4, interpolation=INTER_CUBIC) for frame in clip])
    backend = small_sd_x4()
    backend.configure(steps=4, sampler="ddim", options={})

    def e_warp(method: MethodOptions) -> float:
        frames = [Frame(k, picture, None) for k, picture in enumerate(clip)]
        chunks = restore_clip(frames, backend, FlowSource(DisEstimator()), ClipSettings(method, seed=SEED))
        return reference.warping_error([frame.picture for chunk in chunks for frame in chunk]).value

    method = MethodOptions(warp_tolerance=0, warp_strength=1, merge_max_scale=4)
    assert e_warp(method) <= 0.5 * e_warp(per_frame(method))


@pytest.mark.parametrize("family", FAMILIES)
def test_warping_error_falls_on_real_motion(family: str, real: Footage) -> None:
    assert warping(family, real, steps=2).ratio < 1
