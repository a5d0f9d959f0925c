"""Chroma that nothing changed is written as it was read; other chroma keeps its place and its mean."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.frames.colour import ColourTags
from answerprint.media.encode import encode_pixels
from answerprint.media.levels import halve_chroma, upsample
from answerprint.media.pixels import decode_pixels
from media.makers import fill

side = st.integers(1, 9)


@settings(deadline=None, max_examples=60)
@given(side, side, st.booleans(), st.integers(0, 999))
def test_halving_inverts_enlarging_at_every_size(height: int, width: int, vertical: bool, seed: int) -> None:
    factors = (2 if vertical else 1, 2)
    small = -(-height // factors[0]), -(-width // 2)
    codes = np.random.default_rng(seed).integers(0, 65536, small).astype(np.uint16)
    back = halve_chroma(upsample(codes, (height, width), factors, centred=False), vertical)
    assert back.shape == small
    assert np.array_equal(np.rint(back), codes)


@pytest.mark.parametrize("pixel_format", ["yuv422p10le", "yuv420p10le", "yuv444p12le", "yuv420p", "yuv422p16le"])
@pytest.mark.parametrize("levels", ["tv", "pc"])
def test_a_picture_that_nothing_changed_has_the_codes_of_its_source(pixel_format: str, levels: str) -> None:
    """Of all values that the codec may write, legal or not."""
    tags = ColourTags("bt709", "bt709", "bt709", levels)
    source = VideoFrame(13, 7, pixel_format)
    bits = source.format.components[0].bits
    step, rng = 1 << (bits - 8), np.random.default_rng(5)
    planes = []
    for index, plane in enumerate(source.planes):
        codes = rng.integers(step, 255 * step, (plane.height, plane.width))
        planes.append(codes.astype(np.uint8 if bits == 8 else "<u2"))
        fill(source, index, planes[-1])
    picture, alpha = decode_pixels(source, tags)
    result = encode_pixels(picture, alpha, pixel_format, tags)
    for index, codes in enumerate(planes):
        plane = result.planes[index]
        held = np.frombuffer(memoryview(plane), codes.dtype).reshape(plane.height, -1)[:, : plane.width]
        assert np.array_equal(held, codes)


@pytest.mark.parametrize("vertical", [False, True])
def test_other_chroma_keeps_its_place_and_its_mean(vertical: bool) -> None:
    flat = np.full((8, 12), 400.0, np.float32)
    assert np.allclose(halve_chroma(flat, vertical), 400)
    ramp = np.broadcast_to(np.arange(12, dtype=np.float32), (8, 12)).copy()
    assert np.allclose(halve_chroma(ramp, vertical)[:, :-1], np.arange(0, 10, 2))
    stripes = np.tile(np.array([0.0, 100.0], np.float32), (8, 6))  # finer than it can hold
    assert np.allclose(halve_chroma(stripes, False)[:, 1:-1], 50)


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("edge", range(1, 8))
def test_an_edge_does_not_overshoot(edge: int, vertical: bool) -> None:
    plane = np.zeros((8, 8), np.float32)
    plane[edge:] = plane[:, edge:] = 1
    halved = halve_chroma(plane, vertical)
    assert 0 <= halved.min() < halved.max() <= 1
