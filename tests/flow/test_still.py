"""A camera that stands has no flow, whatever the noise; one that moves keeps it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from answerprint.flow.pair import FlowPair
from answerprint.flow.prepare import prepare
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource

Picture = NDArray[np.float32]

SIZE = (160, 96)  # px


def seen(seed: int, sigma: float, right: float = 0.0, disc: int | None = None) -> Picture:
    """A textured wall, seen `right` pixels further on, with noise; `disc`: where a disc of another texture is."""
    rng = np.random.default_rng(5)
    wall, skin = (cv2.GaussianBlur(rng.random((192, 320)).astype(np.float32), (0, 0), 1.5) for _ in range(2))
    shift = np.array([[1, 0, -right - 40], [0, 1, -40]], np.float32)
    picture = 4 * (cv2.warpAffine(wall, shift, SIZE, flags=cv2.INTER_CUBIC) - 0.5) + 0.5
    if disc is not None:
        cover = cv2.circle(np.zeros(SIZE[::-1], np.uint8), (disc, 48), 10, 1, -1).astype(bool)
        picture[cover] = (4 * (np.roll(skin, disc, 1)[: SIZE[1], : SIZE[0]] - 0.5) + 0.5)[cover]
    noise = np.random.default_rng(seed).standard_normal((*picture.shape, 1)) * sigma / 255
    return np.asarray(np.clip(picture[..., None] + noise, 0, 1).repeat(3, 2), np.float32)


def between(a: Picture, b: Picture) -> FlowPair:
    """Flow in cells of one source pixel."""
    pair = FlowSource(get_estimator("dis")).between(prepare(a), prepare(b))
    assert pair.forward.shape[:2] == SIZE[::-1]
    return pair


@pytest.mark.parametrize("sigma", [0.0, 2.0, 10.0])
def test_a_standing_camera_has_no_flow(sigma: float) -> None:
    pair = between(seen(1, sigma), seen(2, sigma))
    assert np.mean(pair.forward == 0) > 0.8
    assert np.mean(pair.backward == 0) > 0.8


@pytest.mark.parametrize("sigma", [0.0, 2.0, 10.0])
@pytest.mark.parametrize("right", [0.1, 0.25, 0.5, 3.0])
def test_a_slow_pan_is_no_standing_camera(sigma: float, right: float) -> None:
    flow = between(seen(1, sigma), seen(2, sigma, right)).forward[8:-8, 8:-8, 0]
    assert np.mean(flow == 0) < 0.1
    assert abs(float(np.median(flow))) == pytest.approx(right, abs=0.15)


def test_what_moves_before_a_standing_camera_keeps_its_flow() -> None:
    flow = between(seen(1, 2.0, disc=60), seen(2, 2.0, disc=64)).forward
    assert np.median(flow[44:52, 57:63, 0]) == pytest.approx(4, abs=0.3)
    assert np.mean(flow[:, 90:] == 0) > 0.9
