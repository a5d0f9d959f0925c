"""Back-projection: tone and shape come from the source, detail from the model, noise from neither."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.projection import back_project


def shrunk(picture: Tensor) -> Tensor:
    """[F, C, h, w]: a quarter of the size."""
    return F.avg_pool2d(picture, 4)


def test_black_stays_black_whatever_the_model_makes_of_it() -> None:
    drawn = torch.full((2, 3, 64, 96), 1.2 / 255)
    found = back_project(drawn, torch.zeros(2, 3, 16, 24), 0.0)
    assert float(found.abs().max()) < 0.01 / 255
    noisy = back_project(drawn, torch.zeros(2, 3, 16, 24), 0.2)
    assert float(noisy.abs().max()) < 0.01 / 255


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_pattern_drawn_on_black_or_white_goes_and_one_on_grey_stays(level: float) -> None:
    pattern = 0.02 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    flat = torch.full((1, 3, 16, 16), level)
    # Cut to the range of the display, as results are.
    assert float((back_project(level + pattern, flat, 0.0).clamp(0, 1) - level).abs().max()) < 1e-6
    grey = back_project(0.5 + pattern, flat * 0 + 0.5, 0.0)
    assert float(grey.std()) > 0.9 * float(pattern.std())


def test_without_noise_the_picture_shrinks_to_its_source() -> None:
    generator = torch.Generator().manual_seed(0)
    source = F.interpolate(torch.rand(1, 3, 6, 8, generator=generator), size=(24, 32), mode="bicubic")
    drawn = F.interpolate(source, scale_factor=4.0, mode="nearest") + 0.05 * torch.randn(
        1, 3, 96, 128, generator=generator
    )
    drawn[..., :48, :] += 0.1
    before, after = (
        float((shrunk(p) - source).square().mean().sqrt()) for p in (drawn, back_project(drawn, source, 0))
    )
    assert after < 0.25 * before


def test_detail_finer_than_the_source_is_kept() -> None:
    checks = ((torch.arange(64)[:, None] + torch.arange(64)[None]) % 2).float().expand(1, 3, 64, 64) * 0.4 + 0.3
    found = back_project(checks, shrunk(checks), 0.0)
    torch.testing.assert_close(found, checks, atol=1e-6, rtol=0)


def test_noise_of_the_source_is_not_put_back() -> None:
    drawn = torch.full((1, 3, 128, 128), 0.5)
    noise = 25 / 255 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    blind, aware = (float(back_project(drawn, 0.5 + noise, told).std()) for told in (0.0, 25 / 255))
    assert blind > 0.6 * 25 / 255
    assert aware < 0.25 * blind


def test_share_is_how_much_is_put_back() -> None:
    drawn, source = torch.full((1, 3, 32, 32), 0.6), torch.full((1, 3, 8, 8), 0.5)
    assert float(back_project(drawn, source, 0.1, 0.5).mean()) == pytest.approx(0.55, abs=1e-5)
    assert torch.equal(back_project(drawn, source, 0.1, 0.0), drawn)


def test_sizes_that_do_not_divide_and_single_pixels_work() -> None:
    assert back_project(torch.rand(1, 3, 1, 1), torch.rand(1, 3, 1, 1), 0.0).shape == (1, 3, 1, 1)
    assert back_project(torch.rand(1, 3, 25, 31), torch.rand(1, 3, 12, 9), 0.0).shape == (1, 3, 25, 31)
