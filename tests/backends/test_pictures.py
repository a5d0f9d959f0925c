"""Padding repeats the border, so that it adds no edge that the picture does not have."""

from __future__ import annotations

import pytest
import torch

from answerprint.backends.low_resolution import of_pictures, pad_pictures
from backends.builders import CPU, low_frames


def test_padding_repeats_the_border_and_keeps_the_picture() -> None:
    low = low_frames(2, 5, 7)
    padded = pad_pictures(low, CPU, latent_channels=3, pixels_per_cell=2, multiple_of=4).low
    assert padded.shape == (2, 3, 8, 8)
    assert torch.equal(padded[:, :, :5, :7], low * 2 - 1)
    assert torch.equal(padded[:, :, 5:, :7], (low * 2 - 1)[:, :, 4:, :].expand(-1, -1, 3, -1))
    assert torch.equal(padded[:, :, :, 7], padded[:, :, :, 6])


def test_picture_that_fits_is_not_padded() -> None:
    low = low_frames(1, 8, 16)
    condition = pad_pictures(low, CPU, latent_channels=3, pixels_per_cell=1, multiple_of=8)
    assert condition.low.shape == low.shape and condition.content == (8, 16)


def test_condition_of_another_family_is_refused() -> None:
    class Foreign:
        frames = 1

    with pytest.raises(TypeError, match="Foreign"):
        of_pictures(Foreign())  # type: ignore[arg-type]
