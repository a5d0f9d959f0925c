"""Colours tell depth apart, near from far, and come out as published."""

from __future__ import annotations

import pytest
import torch

from answerprint.backends.depth import ColourMap
from answerprint.pipeline.depth import coloured

RAMP = torch.linspace(0, 1, 256)[None, None]


def at(colours: ColourMap, depth: float) -> torch.Tensor:
    """[3]"""
    return coloured(torch.tensor([[[depth]]]), colours)[0, :, 0, 0]


@pytest.mark.parametrize("colours", ["none", "grey", "spectral", "turbo"])
def test_colours_are_colours(colours: ColourMap) -> None:
    picture = coloured(RAMP, colours)
    assert picture.shape == (1, 3, 1, 256)
    assert picture.min() >= 0 and picture.max() <= 1
    # No two of 32 steps look alike.
    steps = picture[0, :, 0, ::8].T
    apart = torch.cdist(steps, steps) + torch.eye(len(steps))
    assert apart.min() > 0.01


def test_grey_is_light_where_it_is_near_and_none_is_depth_itself() -> None:
    assert torch.equal(coloured(RAMP, "none"), RAMP[:, None].expand(-1, 3, -1, -1))
    assert torch.equal(coloured(RAMP, "grey"), 1 - coloured(RAMP, "none"))


def test_spectral_goes_through_its_classes() -> None:
    for place, colour in ((0.0, (158, 1, 66)), (0.5, (255, 255, 191)), (1.0, (94, 79, 162))):
        assert torch.allclose(at("spectral", place), torch.tensor(colour) / 255, atol=1e-6)
    assert torch.allclose(at("spectral", 0.05), torch.tensor((185.5, 31.5, 72.5)) / 255, atol=1e-6)


@pytest.mark.parametrize(("x", "colour"), [(0.25, (40, 187, 236)), (0.5, (164, 252, 60)), (0.75, (251, 129, 34))])
def test_turbo_is_near_its_published_table(x: float, colour: tuple[int, int, int]) -> None:
    """The table has depth the other way round; the polynomial keeps within 0.1 of it."""
    assert (at("turbo", 1 - x) - torch.tensor(colour) / 255).abs().max() < 0.1
